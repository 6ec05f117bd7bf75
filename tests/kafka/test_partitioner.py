"""The partitioner against the Java client's own test vectors (`UtilsTest.testMurmur2`)."""

from __future__ import annotations

import pytest

from connector.kafka.partitioner import murmur2, partition_for

VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("data", "signed"), VECTORS.items())
def test_hash_equals_the_java_clients(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed & 0xFFFFFFFF


def test_partition_is_the_positive_hash_modulo_the_partitions() -> None:
    assert partition_for("foobar", 7) == (-790332482 & 0x7FFFFFFF) % 7


def test_a_text_that_is_not_valid_unicode_still_has_a_partition() -> None:
    assert 0 <= partition_for("\ud800", 6) < 6

"""The partition of a record, as the Java client's default partitioner computes it.

Source: `org.apache.kafka.common.utils.Utils.murmur2` and `BuiltInPartitioner.partitionForKey`. librdkafka has the same
hash, but applies it to the key alone, while here the partition follows the record's id (contract §3), so that all
messages of one record stay in order.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit hash of `data`, unsigned."""
    length = len(data)
    hash_ = (_SEED ^ length) & _MASK
    whole = length & ~3
    for (k,) in struct.iter_unpack("<I", data[:whole]):
        k = k * _M & _MASK  # noqa: PLW2901 - the algorithm's own name
        k ^= k >> 24  # noqa: PLW2901
        hash_ = (hash_ * _M & _MASK) ^ (k * _M & _MASK)
    if length & 3:
        hash_ = (hash_ ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    hash_ = (hash_ ^ (hash_ >> 13)) * _M & _MASK
    return hash_ ^ (hash_ >> 15)


@lru_cache(maxsize=4096)
def partition_for(text: str, partitions: int) -> int:
    """The partition, of so many, for the UTF-8 of `text`."""
    return (murmur2(text.encode("utf-8", "surrogatepass")) & 0x7FFFFFFF) % partitions

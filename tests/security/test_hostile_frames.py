"""The feed is not trusted: whatever it sends costs time and memory in proportion to its bytes, and ends nothing.

CPU seconds of this process are measured, and its memory as the kernel saw it at most, with room for a busy machine.
"""

from __future__ import annotations

import io
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
import pytest

from connector.mapping.decoder import Decoder
from connector.mapping.identity import MAX_ID
from connector.mapping.parsing import MAX_VALUES
from connector.mapping.redaction import redact_bytes
from connector.mapping.schemas import load_schema
from connector.messages import Control, DeadLetter, Message
from connector.settings import TopicsSettings
from connector.simulator import SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator
from connector.source.records import RecordBuilder
from connector.streams import STREAMS
from tests.e2e.conftest import defaults
from tests.support.command import TOKEN
from tests.support.consume import read_topic
from tests.support.hostile import ATTACKS, SECRET
from tests.support.source import SourceProcess

if TYPE_CHECKING:
    from connector.embedded import EmbeddedKafka, EmbeddedRegistry

MIB = 1 << 20
SIZE = MIB
CPU_SECONDS_PER_MIB = 1.5  # the dearest takes 0.4 on a busy machine
MEMORY_PER_BYTE = 100  # the dearest takes 70 of them, at most MAX_VALUES times
RECEIVED_AT = 1_763_856_000_000_000


def memory(name: str) -> int:
    """Bytes: `VmRSS` now, `VmHWM` at most since `reset_peak`."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


@pytest.mark.parametrize("stream", ["news", "transcripts"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_costs_in_proportion_and_ends_nothing(attack: str, stream: str) -> None:
    decoder = Decoder(STREAMS[stream])
    frame = ATTACKS[attack](SIZE)
    reset_peak()
    before, started = memory("VmRSS"), time.process_time()
    decoded = decoder.decode(frame)
    encoded = decoder.encode(decoded, RECEIVED_AT) if isinstance(decoded, Message) else None
    cpu, peak = time.process_time() - started, memory("VmHWM") - before
    assert cpu < CPU_SECONDS_PER_MIB * SIZE / MIB
    assert peak < 16 * MIB + MEMORY_PER_BYTE * min(SIZE, 3 * MAX_VALUES) + 8 * SIZE
    if isinstance(decoded, DeadLetter):
        assert decoded.payload == frame or decoded.redacted
        assert len(decoded.detail) < 300
    elif isinstance(decoded, Control):
        assert len(decoded.text) <= 200
    else:
        assert encoded is not None
        assert len(encoded.value) < 8 * len(frame) + 1000
        record: Any = fastavro.schemaless_reader(io.BytesIO(encoded.value), load_schema(stream), None)
        assert len(decoded.message_id) <= 2 * MAX_ID
        assert len(record["extras"]) <= 1000
    assert SECRET.encode() not in (encoded.value if encoded else getattr(decoded, "payload", b""))


@pytest.mark.parametrize(
    "part", [b"token=a ", b'"token":"a",', b"token=a&", b"policy=a ", b"token\n:\n'a", b"bz.aaaaaaaaaaa "]
)
def test_redaction_costs_in_proportion(part: bytes) -> None:
    def cpu(size: int) -> float:
        payload = part * (size // len(part))
        started = time.process_time()
        redacted, changed = redact_bytes(payload)
        assert changed
        assert b"***" in redacted
        return time.process_time() - started

    small, large = cpu(MIB // 2), cpu(4 * MIB)
    assert large < 16 * small + 0.3, "linear"
    assert large < 1.2  # 16 MiB take 0.4 to 0.9 s on an idle core


def test_more_values_than_anybody_sends_are_a_dead_letter_and_as_much_text_is_not() -> None:
    decoder = Decoder(STREAMS["news"])
    many = b'{"data":{"id":1,"content":{"tags":[' + b"1," * MAX_VALUES + b"1]}}}"
    letter = decoder.decode(many)
    assert isinstance(letter, DeadLetter)
    assert (letter.reason, letter.payload) == ("schema", many)
    assert str(MAX_VALUES) in letter.detail
    text = json.dumps({"data": {"id": 1, "content": {"body": "a, [b]" * (SIZE // 20)}}})
    assert isinstance(decoder.decode(text.encode()), Message)


@pytest.mark.parametrize("sent", ["a" * (MAX_ID + 1), "9" * MIB, 10**2000], ids=["text", "digits", "number"])
def test_too_long_an_id_is_none_and_is_kept(sent: str | int) -> None:
    decoder = Decoder(STREAMS["news"])
    frame = json.dumps({"id": sent, "data": {"id": sent, "action": "Created", "content": {"id": 7}}}).encode()
    message = decoder.decode(frame)
    assert isinstance(message, Message)
    assert (message.has_feed_id, message.record_id) == (False, "7")
    assert len(message.message_id) <= MAX_ID
    value = decoder.encode(message, RECEIVED_AT).value
    record: Any = fastavro.schemaless_reader(io.BytesIO(value), load_schema("news"), None)
    assert json.loads(record["extras"]["id"]) == json.loads(record["extras"]["data.id"]) == sent
    letter = Decoder(STREAMS["transcripts"]).decode(
        json.dumps({"transcript_id": sent, "sequence": 1, "sentence": "a"}).encode()
    )
    assert isinstance(letter, DeadLetter)


@pytest.mark.parametrize(
    "id_",
    ["a\r\nce_id: b", "a\x00b", "\u202eid", "\U0001f600" * 256, "<script>", "../../etc", "a" * MAX_ID],
    ids=["lines", "nul", "direction", "emoji", "html", "path", "longest"],
)
def test_an_id_is_one_key_and_one_header_whatever_is_in_it(id_: str) -> None:
    settings = TopicsSettings(prefix="p")
    names = {f"p.{name}": 6 for name in ("news", "gaps", "dead-letters")}
    builder = RecordBuilder(STREAMS["news"], settings, names, {"news": 1, "gaps": 2})
    decoder = Decoder(STREAMS["news"])
    plain, hostile = (
        decoder.decode(json.dumps({"id": one, "data": {"id": one, "action": one, "content": {"title": "t"}}}).encode())
        for one in ("1", id_)
    )
    assert isinstance(plain, Message)
    assert isinstance(hostile, Message)
    made = [
        builder.message(message, builder.partition(message), b"", RECEIVED_AT, replayed=False, redriven=False)
        for message in (plain, hostile)
    ]
    assert [name for name, _ in made[0].headers] == [name for name, _ in made[1].headers]
    assert made[1].key == id_.encode()
    assert dict(made[1].headers)["ce_id"] == dict(made[1].headers)["benzinga-record-id"] == id_.encode()


def test_a_source_goes_on_through_all_of_it(
    kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str, tmp_path: Path
) -> None:
    frames = [make(20_000) for make in ATTACKS.values()] + [ATTACKS["unknown fields"](MIB), ATTACKS["tokens"](8 * MIB)]
    with ThreadedSimulator(SimulatorSettings(token=TOKEN)) as feed:
        with SourceProcess(tmp_path, **defaults(feed.url, kafka, registry, prefix, '["news"]')) as source:
            source.until_ready()
            feed.wait(lambda simulator: simulator.connected("news"))
            for frame in frames:
                feed.call(lambda simulator, frame=frame: simulator.faults.garbage("news", frame))
            feed.wait(lambda simulator: simulator.traffic.start("news", rate=0, count=1))
            wanted = len({*frames}) + 1
            source.until(
                lambda: (
                    sum(
                        source.metric(f"benzinga_source_{name}_total", stream="news")
                        for name in ("records_published", "dead_letters", "control_frames", "duplicates")
                    )
                    >= wanted
                )
            )
            assert feed.call(lambda simulator: simulator.channels["news"].connections) == 1
            assert source.stop() == 0
        log = source.log.read_text()
    records, letters = (read_topic(kafka.bootstrap_servers, f"{prefix}.{name}") for name in ("news", "dead-letters"))
    assert len(records) > 20
    assert len(letters) > 10
    for record in (*records, *letters):
        assert SECRET.encode() not in (record.value or b"")
    assert SECRET not in log
    assert max(map(len, log.splitlines())) < 10_000, "no frame is written to the log"

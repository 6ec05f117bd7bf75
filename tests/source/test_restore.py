"""What is known after a take-over, from what the topics hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from connector.kafka.tail import TailReader, TailRecord
from connector.messages import DeadLetter, TranscriptPosition
from connector.settings import Settings
from connector.source.gaps import RUNNING, Gap
from connector.source.publisher import MAX_RECORDS
from connector.source.records import RecordBuilder
from connector.source.restore import Restored, _restore
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SETTINGS = Settings()
TRANSCRIPTS = STREAMS["transcripts"]
BUILDER = RecordBuilder(
    TRANSCRIPTS,
    SETTINGS.topics,
    {f"benzinga.{name}": 1 for name in ("transcripts", "gaps", "dead-letters")},
    {"transcripts": 7, "gaps": 8},
)


class Tail:
    """A TailReader that reads lists."""

    def __init__(self, **topics: list[TailRecord]) -> None:
        self.topics = {f"benzinga.{name.replace('_', '-')}": rows for name, rows in topics.items()}

    def read(
        self, topic: str, partitions: Sequence[int], wanted: int, keep_value: Callable[..., Any] | None = None
    ) -> dict[int, list[TailRecord]]:
        del keep_value
        return {partition: self.topics.get(topic, [])[-wanted:] for partition in partitions}


def restored(**topics: list[TailRecord]) -> Restored:
    return _restore(SETTINGS, TRANSCRIPTS, BUILDER, cast("TailReader", Tail(**topics)))


def test_sentences_count_however_long_ago_the_last_was_heard() -> None:
    old = 2 * RUNNING // 1000 + 1
    rows = [TailRecord("gone:1", b"", 1000, None, b""), TailRecord("t:4", b"", 1000 + old, None, b"")]
    assert restored(transcripts=rows).positions == [(TranscriptPosition("t", 4, ended=False), (1000 + old) * 1000)]


def test_keys_that_are_not_ours_say_nothing() -> None:
    keys = ("t:--3", "t:" + "9" * 5000, "\\xff", "")
    assert restored(transcripts=[TailRecord(key, b"", 1, None, b"") for key in keys]).positions == []


def test_a_call_that_was_said_to_be_interrupted_is_known() -> None:
    gap = Gap("transcripts", "no_replay", detected_at=1, transcript_id="t", first_missing=6)
    row = TailRecord("transcripts", b"", 1, None, BUILDER.gap(gap).value or b"")
    assert restored(gaps=[row]).said == {("t", 6, None)}


def test_a_whole_transaction_of_dead_letters_is_known_to_be_committed() -> None:
    letters = [DeadLetter("not_json", "", b"", f"{number:032x}") for number in range(MAX_RECORDS)]
    rows = [TailRecord("transcripts", bytes.fromhex(letter.fingerprint), 1, None, b"") for letter in letters]
    found = restored(dead_letters=rows)
    assert all(found.holds(letter, BUILDER.dead_letter(letter, 1000)) for letter in (letters[0], letters[-1]))

"""`python -m benchmarks.joining`: what joining costs by itself: reading, joining, publishing, rebuilding; no Kafka.

CPU microseconds a sentence of about 1.7 kB, the best of several rounds, and megabytes.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from benchmarks.frames import Frames
from benchmarks.machine import resident
from connector.mapping.datum import encoder_for
from connector.mapping.decoder import Decoder
from connector.messages import Message
from connector.processor import ledger
from connector.processor.call import JoinSettings
from connector.processor.effects import Reload, SaveEntry
from connector.processor.joiner import Joiner
from connector.processor.reader import read_sentence, read_words
from connector.settings import ProcessorSettings
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.processor.sentence import Sentence

SIZE: Final = 1_700
SENTENCES: Final = 500
"""In each call."""
CALLS: Final = 100
LONG_CALL: Final = 10_000
BATCH: Final = 500
ROUNDS: Final = 5
NOW: Final = time.time_ns() // 1_000
SETTINGS: Final = JoinSettings.of(ProcessorSettings())


def bodies(count: int) -> list[bytes]:
    """Avro bodies of believable sentences."""
    frames, decoder = Frames("transcripts", SIZE), Decoder(STREAMS["transcripts"])
    messages = (decoder.decode(frames.payload(number)) for number in range(count))
    return [decoder.encode(found, NOW).value for found in messages if isinstance(found, Message)]


def interleaved(sentences: list[Sentence], calls: int, each: int) -> list[Sentence]:
    """`calls` calls at once. Texts recur, in strings of their own as in life."""
    made = []
    for offset in range(calls * each):
        pattern = sentences[offset % len(sentences)]
        sequence, call = divmod(offset, calls)
        again = {"transcript_id": f"{call:012x}", "sequence": sequence, "offset": offset, "received_at": NOW + offset}
        made.append(msgspec.structs.replace(pattern, text=f"{pattern.text} ", value=pattern.value, **again))
    return made


def joined(sentences: list[Sentence]) -> tuple[Joiner, dict[str, bytes]]:
    """A joiner that has taken in everything, in batches, and the entries it saved."""
    joiner, entries = Joiner(0, SETTINGS), {}
    for first in range(0, len(sentences), BATCH):
        for sentence in sentences[first : first + BATCH]:
            if isinstance(joiner.add(sentence, sentence.received_at), Reload):
                raise TypeError("nothing was closed")
        for effect in joiner.due(sentences[min(first + BATCH, len(sentences)) - 1].received_at):
            if isinstance(effect, SaveEntry) and effect.value is not None:
                entries[effect.transcript_id] = effect.value
    return joiner, entries


def rebuilt(entries: dict[str, bytes], values: list[bytes], sentences: list[Sentence]) -> Joiner:
    """A joiner made from the entries and the records of the source topic."""
    joiner = Joiner(0, SETTINGS)
    for entry in entries.values():
        joiner.restore(ledger.decode(entry))
    for number, sentence in enumerate(sentences):
        read_sentence(values[number % len(values)], 0, number)
        joiner.replay(sentence)
    return joiner


def best(work: Callable[[], Any], count: int) -> float:
    """CPU microseconds of `work`, for one of `count` items."""
    found = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        work()
        found = min(found, time.process_time() - before)
    return found / count * 1e6


def main() -> None:
    """Measure and print."""
    values = bodies(2_000)
    read = [read_sentence(value, 0, offset) for offset, value in enumerate(values)]
    sentences = interleaved(read, CALLS, SENTENCES)
    total = len(sentences)
    entries = joined(sentences)[1]
    size = sum(map(len, values)) / len(values)
    print(f"CPU µs a sentence ({size:.0f} bytes of Avro), best of {ROUNDS}")
    print(f"  read                     {best(lambda: [read_sentence(one, 0, 0) for one in values], len(values)):8.1f}")
    print(f"  read the words too       {best(lambda: [read_words(one) for one in values], len(values)):8.1f}")
    print(f"  join                     {best(lambda: joined(sentences), total):8.1f}")
    rebuild = best(lambda: rebuilt(entries, values, sentences), total)
    print(f"  rebuild                  {rebuild:8.1f}   {CALLS} calls of {SENTENCES}: {rebuild * total / 1e6:.2f} s")
    call = joined(interleaved(read, 1, LONG_CALL))[0].call(f"{0:012x}")
    if call is None:
        raise TypeError("the call was not joined")
    encode = encoder_for("calls")
    print(f"  datum of a call          {best(lambda: call.datum(NOW), LONG_CALL):8.1f}   of {LONG_CALL} sentences")
    datum = call.datum(NOW)
    print(
        f"  its Avro                 {best(lambda: encode(datum), LONG_CALL):8.1f}   {len(encode(datum)) / 1e6:.1f} MB"
    )
    before = resident(os.getpid())["now"]
    joiner = joined_in_pieces(read)
    print(
        f"MB for {joiner.open_calls} open calls of {SENTENCES} sentences: {resident(os.getpid())['now'] - before:.0f}"
    )


def joined_in_pieces(read: list[Sentence], calls: int = 500) -> Joiner:
    """A joiner with `calls` open calls, of whose sentences nothing else is in memory."""
    joiner = Joiner(0, SETTINGS)
    for offset in range(calls * SENTENCES):
        pattern = read[offset % len(read)]
        sequence, call = divmod(offset, calls)
        sentence = msgspec.structs.replace(
            pattern,
            transcript_id=f"{call:012x}",
            sequence=sequence,
            text=f"{pattern.text} ",
            offset=offset,
            received_at=NOW + offset,
            start_time=NOW + offset + 1,
            end_time=NOW + offset + 2,
            value=bytes(bytearray(pattern.value)),
        )
        joiner.add(sentence, NOW + offset)
    joiner.due(NOW)
    return joiner


if __name__ == "__main__":
    main()

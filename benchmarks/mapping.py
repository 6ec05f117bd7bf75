"""`python -m benchmarks.mapping`: CPU microseconds a frame to decode and encode, each stream; no Kafka, no socket."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks.frames import Frames
from connector.mapping.decoder import Decoder
from connector.messages import Message
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZES: Final = {"transcripts": 1_700, "news": 5_000}
"""Bytes a frame; the other streams are as the simulator has them."""
COUNT: Final = 2_000
ROUNDS: Final = 9


def microseconds(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """The best of several rounds, for one item."""
    best = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        for item in items:
            work(item)
        best = min(best, time.process_time() - before)
    return best / len(items) * 1e6


def main() -> None:
    """Measure and print."""
    print(f"{'stream':12} {'bytes':>6} {'decode':>8} {'encode':>8}   CPU µs a frame, best of {ROUNDS}")
    for name, stream in STREAMS.items():
        frames = Frames(name, SIZES.get(name))
        payloads = [frames.payload(number) for number in range(COUNT)]
        decoder = Decoder(stream)
        messages = [found for payload in payloads if isinstance(found := decoder.decode(payload), Message)]
        decode = microseconds(decoder.decode, payloads)
        encode = microseconds(lambda message, decoder=decoder: decoder.encode(message, 1_767_628_056_000_000), messages)
        print(f"{name:12} {sum(map(len, payloads)) // COUNT:6} {decode:8.1f} {encode:8.1f}")


if __name__ == "__main__":
    main()

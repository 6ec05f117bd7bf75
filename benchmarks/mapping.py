"""`python -m benchmarks.mapping`: CPU microseconds a frame to decode and encode, each stream; no Kafka, no socket.

Beside it what the bare parts take for the same frames (`benchmarks.bare`): the standard library's json, fastavro.
"""

from __future__ import annotations

import io
import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import fastavro

from benchmarks.bare import avro_schema
from benchmarks.frames import Frames
from connector.mapping.decoder import Decoder
from connector.messages import Message
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZES: Final = {"transcripts": 1_700, "news": 5_000}
"""Bytes a frame; the other streams are as the simulator has them."""
COUNT: Final = 500
ROUNDS: Final = 25
RECEIVED_AT: Final = 1_767_628_056_000_000


def microseconds(works: Sequence[tuple[Callable[[Any], object], Sequence[Any]]]) -> list[float]:
    """Of each work on its items, the best of several rounds in which they take turns, for one item."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for index, (work, items) in enumerate(works):
            before = time.process_time()
            for item in items:
                work(item)
            best[index] = min(best[index], (time.process_time() - before) / len(items) * 1e6)
    return best


def bare(payloads: Sequence[bytes]) -> Callable[[bytes], object]:
    """The bare parts, with a schema read off the frames."""
    schema = fastavro.parse_schema(avro_schema([json.loads(payload) for payload in payloads])[1])

    def write(payload: bytes) -> object:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, json.loads(payload))
        return out.getvalue()

    return write


def main() -> None:
    """Measure and print."""
    print(f"{'stream':12} {'bytes':>6} {'decode':>7} {'encode':>7} {'bare':>7} {'ratio':>6}   CPU µs, best of {ROUNDS}")
    for name, stream in STREAMS.items():
        frames = Frames(name, SIZES.get(name))
        payloads = [frames.payload(number) for number in range(COUNT)]
        decoder = Decoder(stream)
        messages = [found for payload in payloads if isinstance(found := decoder.decode(payload), Message)]
        decode, encode, parts = microseconds(
            [
                (decoder.decode, payloads),
                (partial(decoder.encode, received_at=RECEIVED_AT), messages),
                (bare(payloads), payloads),
            ]
        )
        size = sum(map(len, payloads)) // COUNT
        print(f"{name:12} {size:6} {decode:7.1f} {encode:7.1f} {parts:7.1f} {(decode + encode) / parts:6.2f}")


if __name__ == "__main__":
    main()

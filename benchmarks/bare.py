"""The yardstick for throughput: the bare parts and nothing else, as a process of its own.

websockets → json → fastavro → a producer without transactions. No duplicates are recognised, nothing is checked or
converted, no headers, no metrics: the least that carries a frame into Kafka as Avro in plain Python. The schema is read
off the frames, so that they are written as they were sent, every field nullable. Socket and producer are set as the
source sets its own.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from typing import Any

import fastavro
from confluent_kafka import Producer
from websockets.asyncio.client import connect

from benchmarks.frames import TEXTS, Frames
from connector.streams import STREAMS, Protocol


def avro_schema(values: list[Any], name: str = "frame") -> Any:
    """A schema that holds all of `values`: nullable, the numbers and texts as JSON has them."""
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if kinds == {dict}:
        names = dict.fromkeys(key for value in present for key in value)
        fields = [
            {"name": key, "type": avro_schema([value.get(key) for value in present], f"{name}_{key}"), "default": None}
            for key in names
        ]
        return ["null", {"type": "record", "name": name, "fields": fields}]
    if kinds == {list}:
        items = avro_schema([item for value in present for item in value], f"{name}_item")
        return ["null", {"type": "array", "items": items[1] if len(items) > 1 else "string"}]
    if kinds and kinds <= {int, float}:
        return ["null", "double" if float in kinds else "long"]
    if kinds == {bool}:
        return ["null", "boolean"]
    return ["null", "string"]


async def run() -> None:
    """Carry frames until the socket closes; `BARE` holds what to do, as JSON."""
    todo = json.loads(os.environ["BARE"])
    stream = STREAMS[todo["stream"]]
    frames = Frames(stream.name, todo["size"])
    schema = fastavro.parse_schema(avro_schema([json.loads(frames.payload(n)) for n in range(TEXTS)])[1])
    producer = Producer(
        {
            "bootstrap.servers": todo["bootstrap_servers"],
            "compression.type": "lz4",
            "linger.ms": 2,
            "queue.buffering.max.kbytes": 65_536,
            "delivery.report.only.error": True,
        }
    )
    topic, transcripts = todo["topic"], stream.protocol is Protocol.TRANSCRIPTS
    url = f"{todo['url']}{stream.path}?token={todo['token']}"
    async with connect(url, compression=None, max_size=16 * 1024 * 1024, max_queue=64) as socket:
        if transcripts:
            await socket.send('{"action":"subscribe","ticker":"*"}')
        sys.stdout.write('{"connected":true}\n')
        sys.stdout.flush()
        async for frame in socket:
            message = json.loads(frame)
            key = message.get("transcript_id" if transcripts else "id") if isinstance(message, dict) else None
            if key is None:
                continue  # the greeting, and the answer to `subscribe`
            out = io.BytesIO()
            fastavro.schemaless_writer(out, schema, message)
            while True:
                try:
                    producer.produce(topic, out.getvalue(), key)
                    break
                except BufferError:
                    producer.poll(0.1)
    producer.flush()


if __name__ == "__main__":
    asyncio.run(run())

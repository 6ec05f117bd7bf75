"""`benzinga-kafka dead-letters`: what could not be decoded, looked at and sent through today's decoder again."""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from enum import Enum, StrEnum
from heapq import nlargest
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from connector.commands.command import Command
from connector.commands.output import emit, emit_json, emit_line, until_signal
from connector.commands.setup import BROKER_TIMEOUT, ConfigFile, begin
from connector.commands.tail import header_texts
from connector.errors import ConfigurationError
from connector.kafka import clients, topics
from connector.kafka.reading import read_one
from connector.kafka.records import rfc_3339
from connector.messages import DEAD_LETTER_REASONS
from connector.source.dead_letters import Letter, is_marked, read_letters, read_marks
from connector.source.redrive import Decision, Outcome, Redrive
from connector.streams import STREAMS

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from connector.settings import Settings
    from connector.source.dead_letters import Marks, Place

app = typer.Typer(
    name="dead-letters",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Look at frames that could not be decoded, and send them through today's decoder again.",
)

_LISTED: Final = 100
_DETAIL: Final = 60

StreamName = StrEnum("StreamName", {name: name for name in STREAMS})  # type: ignore[misc]
Reason = StrEnum("Reason", {name: name for name in DEAD_LETTER_REASONS})  # type: ignore[misc]


class Format(StrEnum):
    """How `list` prints."""

    auto = "auto"
    table = "table"
    json = "json"


OfStream = Annotated[StreamName | None, typer.Option("--stream", help="Only this stream's.", show_default=False)]


@app.command("list", cls=Command, short_help="What there is, and why.")
def list_(
    config: ConfigFile = None,
    *,
    stream: OfStream = None,
    reason: Annotated[Reason | None, typer.Option(help="Only those with this reason.", show_default=False)] = None,
    max_: Annotated[int, typer.Option("--max", metavar="N", min=1, help="The newest N.")] = _LISTED,
    format_: Annotated[
        Format, typer.Option("--format", help="auto: a table on a terminal, JSON lines elsewhere.")
    ] = Format.auto,
) -> None:
    """List dead letters, oldest first: where each is, when it was received, why it is there, what became of it."""
    settings = begin(config)
    partitions = _partitions(settings)

    def found(stop: threading.Event) -> Iterator[tuple[int, Place, dict[str, Any]]]:
        marks = read_marks(settings, stop)
        for letter in read_letters(settings, range(partitions), stop):
            if _value(stream) in {None, letter.stream} and _value(reason) in {None, letter.reason}:
                yield letter.received_at, letter.place, _summary(letter, marks)

    with until_signal() as stop:
        newest = nlargest(max_, found(stop), key=itemgetter(0, 1))
    rows = [row for _, _, row in reversed(newest)]
    if format_ is Format.table or (format_ is Format.auto and sys.stdout.isatty()):
        _print_table(rows)
    else:
        for row in rows:
            emit_json(row)


@app.command("show", cls=Command, short_help="One of them, byte for byte.")
def show(
    place: Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="Which one, as `list` has it.")],
    config: ConfigFile = None,
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Only the frame, byte for byte.")] = False,
) -> None:
    """Print one dead letter: its headers, an empty line, and the frame as it was received."""
    match = re.fullmatch(r"(\d+):(\d+)", place)
    if match is None:
        raise ConfigurationError([f"PARTITION:OFFSET: {place!r} is not two numbers with a colon, such as 0:42"])
    partition, offset = int(match[1]), int(match[2])
    settings = begin(config)
    topic = topics.topic_name(settings.topics, topics.DEAD_LETTERS)
    message = None
    if partition < _partitions(settings):
        with until_signal() as stop:
            group_id = f"{settings.topics.prefix}.tail"
            message = read_one(settings.kafka, topic, partition, offset, stop, group_id=group_id)
    if message is None:
        raise ConfigurationError(
            [f"PARTITION:OFFSET: {topic} has no record at {place}; `dead-letters list` says what there is"]
        )
    if not raw:
        for name, text in header_texts(message).items():
            emit_line(f"{name}: {text}")
        emit_line("")
    value = message.value()
    emit(value if isinstance(value, bytes) else b"")
    if not raw:
        emit_line("")


@app.command("redrive", cls=Command, short_help="Publish what can be decoded today.")
def redrive(
    config: ConfigFile = None,
    *,
    stream: OfStream = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of each.")] = False,
) -> None:
    """Send dead letters through today's decoder; what it can read now is published, exactly once.

    A message that is known already is not published again. What was redriven is remembered, so that running this twice
    changes nothing; what still fails stays for a later version. A `source` may run meanwhile.
    """
    settings = begin(config)
    partitions = _partitions(settings)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    if not dry_run and settings.topics.create:
        topics.create(clients.admin(settings.kafka), topics.redrive_topics(settings.topics))
    with until_signal() as stop:
        places = _to_redrive(settings, partitions, _value(stream), counts, stop)
        for name, where in places.items():
            _redrive_stream(name, settings, sorted(where), stop, dry_run=dry_run, count=counts[name])
    for name, count in sorted(counts.items()):
        told = ", ".join(f"{number} {what}" for what, number in count.items())
        emit_line(f"{name}: {'would be: ' if dry_run else ''}{told}")
    if not counts:
        emit_line("no dead letters")


def _redrive_stream(
    name: str,
    settings: Settings,
    partitions: list[int],
    stop: threading.Event,
    *,
    dry_run: bool,
    count: Counter[str],
) -> None:
    def tell(decision: Decision) -> None:
        count[decision.outcome.value] += 1
        would = "would be " if dry_run and decision.outcome in {Outcome.PUBLISHED, Outcome.DUPLICATE} else ""
        emit_line(f"{decision.letter.place} {name}: {would}{decision.outcome.value}: {decision.detail}")

    Redrive(STREAMS[name], settings, stop, dry_run=dry_run, on_decided=tell).run(partitions)


def _to_redrive(
    settings: Settings,
    partitions: int,
    stream: str | None,
    counts: dict[str, Counter[str]],
    stop: threading.Event,
) -> dict[str, set[int]]:
    """By stream, the partitions with letters that are not marked; the others are counted."""
    marks = read_marks(settings, stop)
    found: dict[str, set[int]] = defaultdict(set)
    for letter in read_letters(settings, range(partitions), stop):
        name = letter.stream or "no stream"
        if stream not in {None, name}:
            continue
        if is_marked(letter, marks):
            counts[name]["redriven before"] += 1
        elif name in STREAMS:
            found[name].add(letter.place.partition)
        else:
            counts[name]["left alone: not a stream of the source"] += 1
    return found


def _partitions(settings: Settings) -> int:
    """How many partitions `dead-letters` has. Raises KafkaError where the cluster or the topic is not there."""
    client = clients.admin(settings.kafka)
    clients.cluster_reached(client, settings.kafka, BROKER_TIMEOUT)
    name = topics.topic_name(settings.topics, topics.DEAD_LETTERS)
    return topics.partition_counts(client, [name])[name]


def _value(choice: Enum | None) -> str | None:
    return None if choice is None else str(choice.value)


def _summary(letter: Letter, marks: Marks) -> dict[str, Any]:
    return {
        "place": str(letter.place),
        "received_at": rfc_3339(letter.received_at),
        "stream": letter.stream,
        "reason": letter.reason,
        "detail": letter.detail,
        "bytes": len(letter.payload),
        "redacted": letter.redacted,
        "redriven": marks[letter.place].outcome if is_marked(letter, marks) else None,
    }


def _print_table(rows: list[dict[str, Any]]) -> None:
    names = ["place", "received_at", "stream", "reason", "bytes", "redriven", "detail"]
    lines = [[name.upper() for name in names]]
    for row in rows:
        texts = ["-" if row[name] is None else str(row[name]) for name in names]
        lines.append([*texts[:-1], "".join(c if c.isprintable() else "?" for c in texts[-1][:_DETAIL])])
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    for line in lines:
        emit_line("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())

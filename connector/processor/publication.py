"""A transcript → the datum of one record of `calls` (contract §3, schemas/calls.avsc)."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from connector.processor.transcript import Spoken, Transcript

_MICROSECONDS: Final = 1_000_000


def datum(
    transcript: Transcript,
    transcript_id: str,
    *,
    partition: int,
    offsets: tuple[int, int],
    revision: int,
    state: str,
    published_at: int,
) -> dict[str, Any]:
    """What `encoder_for("calls")` takes. `offsets`: the first and last of the transcript's records."""
    ordered = sorted(transcript.spoken.items())
    versions = [version for _, version in ordered]
    starts = [version.start_time for version in versions if version.start_time is not None]
    ends = [version.end_time for version in versions if version.end_time is not None]
    confidences = [version.confidence for version in versions if version.confidence is not None]
    return {
        "transcript_id": transcript_id,
        **transcript.about._asdict(),
        "revision": revision,
        "state": state,
        "started_at": min(starts, default=None),
        "ended_at": max(ends, default=None),
        "published_at": published_at,
        "sentence_count": len(ordered),
        "first_sequence": ordered[0][0] if ordered else None,
        "last_sequence": ordered[-1][0] if ordered else None,
        "missing": [{"first": first, "last": last} for first, last in transcript.missing()],
        "mean_confidence": fsum(confidences) / len(confidences) if confidences else None,
        "speakers": _speakers(versions),
        "text": " ".join([version.text for version in versions]),
        "sentences": [
            {
                "sequence": sequence,
                "speaker": version.speaker,
                "text": version.text,
                "start_time": version.start_time,
                "end_time": version.end_time,
                "confidence": version.confidence,
            }
            for sequence, version in ordered
        ],
        "source_partition": partition,
        "first_offset": offsets[0],
        "last_offset": offsets[1],
    }


def _speakers(versions: list[Spoken]) -> list[dict[str, Any]]:
    """Who spoke, in order of first appearance; those without a name are one."""
    found: dict[str | None, list[int]] = {}
    for version in versions:
        totals = found.setdefault(version.speaker, [0, 0, 0])
        totals[0] += 1
        totals[1] += len(version.text.split())
        if version.start_time is not None and version.end_time is not None:
            totals[2] += version.end_time - version.start_time
    return [
        {"name": name, "sentences": sentences, "words": words, "seconds": micros / _MICROSECONDS}
        for name, (sentences, words, micros) in found.items()
    ]

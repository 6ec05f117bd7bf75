"""What a source and a processor tell of themselves, with a feed that does its worst."""

from __future__ import annotations

from typing import Any

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\"'&amp;</td></table>"

INSTANT = "2026-01-05T15:47:37.123456Z"


def source(received: float = 12.5) -> dict[str, Any]:
    """`/status` of a source with four streams, each in another state."""

    def claim(instance: str, released_at: str | None = None) -> dict[str, Any]:
        return {"instance": instance, "group": "benzinga.source", "claimed_at": INSTANT, "released_at": released_at}

    def stream(state: str, socket: str, **more: Any) -> dict[str, Any]:
        return {
            "state": state,
            "since": INSTANT,
            "ownership": "owner",
            "owner": claim("pod-0-17-a1b2c3"),
            "feed": {"state": socket, "since": INSTANT, "detail": None},
            "last_message_at": INSTANT,
            "rates": {"received": received, "published": 11.75},
            "lag": {"feed_seconds": 0.184, "publish_seconds": 0.0072},
            "pending": {"messages": 3, "bytes": 4096, "oldest_seconds": 0.01},
            "journal": {"bytes": 1_572_864},
            "counts": {"received": 91_004, "published": 90_120, "duplicates": 880, "dead_letters": 4, "gaps": 0},
            "gaps": [],
            **more,
        }

    refused = {"state": "refused", "since": INSTANT, "detail": f"HTTP 401: {HOSTILE}"}
    gap = {"reason": "no_overlap", "detected_at": INSTANT, "transcript_id": None, "detail": HOSTILE}
    return {
        "process": "source",
        "instance": "pod-0-17-a1b2c3",
        "streams": {
            "news": stream("publishing", "live", gaps=[gap]),
            "ratings": stream("publishing", "refused", feed=refused),
            "bulls-bears": stream("reading_tail", "stopped", last_message_at=None),
            "transcripts": {
                "state": "standby",
                "ownership": "standby",
                "owner": claim("another-pod-with-a-long-name-7d9f8b6c5d-x2x4z-1-ffffff"),
            },
            "earnings": {"state": "standby", "ownership": "standby", "owner": claim("pod-1", INSTANT)},
        },
    }


def processor() -> dict[str, Any]:
    """`/status` of a processor."""
    partition = {"position": 120_345, "end": 120_350, "lag_messages": 5, "lag_seconds": 0.4, "open_calls": 2}
    sentence = {"sequence": 7, "speaker": HOSTILE, "text": HOSTILE, "received_at": INSTANT}
    call = {
        "transcript_id": "67f1c0ffee",
        "partition": 0,
        "symbol": "AAPL",
        "name": "Apple Inc.",
        "title": HOSTILE,
        "sentences": 812,
        "revision": 0,
        "opened_at": INSTANT,
        "heard_at": INSTANT,
        "last_sentence": sentence,
        "closes_at": "2036-01-05T15:47:37.123456Z",
        "closes_as": "max_duration",
    }
    alert = {
        "alert_id": "0" * 32,
        "rule_id": "guidance-cut",
        "severity": "high",
        "tags": ["guidance"],
        "term": "lower guidance",
        "matched_text": HOSTILE,
        "transcript_id": "67f1c0ffee",
        "symbol": "AAPL",
        "call_title": HOSTILE,
        "speaker": "CFO",
        "sentence": f"We {HOSTILE}",
        "sentence_received_at": INSTANT,
        "detected_at": INSTANT,
    }
    return {
        "process": "processor",
        "instance": "pod-1-17-d4e5f6",
        "processor": {
            "group": "benzinga.processor",
            "instance_id": None,
            "partitions": [
                {"partition": 0, "state": "live", **partition},
                {"partition": 3, "state": "restoring", **dict.fromkeys(partition), "open_calls": 0},
            ],
            "calls": {"total": 61, "newest": [call, {**call, "title": None, "last_sentence": None}]},
            "alerts": [alert],
            "rules": {"version": "6f1d", "count": 12, "file": "rules.yaml", "loaded_at": INSTANT, "refused": HOSTILE},
            "counts": {"sentences": {"joined": 9, "duplicate": 1}, "missing_sentences": 2, "alerts": 1},
        },
    }

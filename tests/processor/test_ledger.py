from __future__ import annotations

import json

import msgspec
import pytest

from connector.errors import DecodeError
from connector.processor import ledger
from connector.processor.ledger import Entry, Status

ENTRY = Entry("t", 7, 1_000, 2_000)
FULL = Entry(
    "t", 7, 1_000, 2_000, status=Status.CLOSED, end_marked_at=3, state="complete", closed_at=4, last_offset=9,
    revision=2, published_at=5, published_offset=9, missing=1, alerts=msgspec.Raw(b'{"fired":["a:1"]}'),
)  # fmt: skip


@pytest.mark.parametrize("entry", [ENTRY, FULL])
def test_an_entry_comes_back_as_it_went(entry: Entry) -> None:
    again = ledger.decode(ledger.encode(entry))
    assert ledger.encode(again) == ledger.encode(entry)
    assert bytes(again.alerts) == bytes(entry.alerts)
    assert again.status is entry.status


def test_an_entry_is_json_a_person_can_read() -> None:
    shown = json.loads(ledger.encode(FULL))
    assert shown["status"] == "closed"
    assert shown["alerts"] == {"fired": ["a:1"]}
    assert len(ledger.encode(ENTRY)) < 100


def test_an_entry_of_a_release_with_more_fields_can_be_read() -> None:
    value = json.dumps({**json.loads(ledger.encode(FULL)), "mood": "good"}, separators=(",", ":")).encode()
    assert ledger.encode(ledger.decode(value)) == ledger.encode(FULL)


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"{}", b'{"transcript_id": 3}', b"\xff"])
def test_what_is_no_entry_is_refused(value: bytes) -> None:
    with pytest.raises(DecodeError, match=r"internal\.calls"):
        ledger.decode(value)


def test_an_entry_whose_fields_mean_something_else_is_refused() -> None:
    value = json.dumps({**json.loads(ledger.encode(ENTRY)), "version": ledger.VERSION + 1}).encode()
    with pytest.raises(DecodeError, match="run the newer release"):
        ledger.decode(value)

"""Generated records: reproducible, odd as asked, and honest about which frames are duplicates."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from connector.simulator import Generated, Oddities, generate
from connector.simulator.companies import COMPANIES, cusip_of, isin_of
from connector.simulator.values import Dice, EventClock, rfc2822, rfc3339
from connector.streams import STREAMS

ENVELOPED = [name for name in STREAMS if name != "transcripts"]


def only(flag: str) -> Oddities:
    return replace(Oddities.clean(), **{flag: True})


def messages(frames: list[Generated]) -> list[dict[str, Any]]:
    return [json.loads(frame.text) for frame in frames if frame.kind == "message"]


def contents(stream: str, oddities: Oddities, count: int = 600) -> list[dict[str, Any]]:
    found = (frame["data"].get("content") for frame in messages(generate(stream, count, oddities=oddities)))
    return [content for content in found if content]


@cache
def plain_texts(stream: str) -> list[str]:
    return [frame.text for frame in generate(stream, 500, oddities=Oddities.clean())]


def canonical(frame: dict[str, Any]) -> str:
    return json.dumps(frame["data"], sort_keys=True)


@pytest.mark.parametrize("stream", STREAMS)
def test_the_same_seed_gives_the_same_frames_and_another_one_others(stream: str) -> None:
    once = generate(stream, 300, seed=5, oddities=Oddities.everything())
    assert once == generate(stream, 300, seed=5, oddities=Oddities.everything())
    assert once != generate(stream, 300, seed=6, oddities=Oddities.everything())


@pytest.mark.parametrize("stream", ENVELOPED)
def test_clean_frames_are_plain_envelopes(stream: str) -> None:
    frames = generate(stream, 200, oddities=Oddities.clean())
    assert {frame.kind for frame in frames} == {"message"}
    for frame in messages(frames):
        assert frame["api_version"] == "websocket/v1"
        assert ("id" in frame) is (stream != "news")
        assert isinstance(frame["data"], dict)


@pytest.mark.parametrize("stream", ENVELOPED)
@pytest.mark.parametrize("oddities", [Oddities.clean(), Oddities.everything()])
def test_event_times_only_grow(stream: str, oddities: Oddities) -> None:
    name = "updated_at" if stream == "consensus" else "timestamp"
    times = [
        frame["data"][name] for frame in messages(generate(stream, 600, oddities=oddities)) if name in frame["data"]
    ]
    instants = [time.removesuffix("Z").partition(".") for time in times]
    assert [(whole, fraction.ljust(9, "0")) for whole, _, fraction in instants] == sorted(
        {(whole, fraction.ljust(9, "0")) for whole, _, fraction in instants}
    )


@pytest.mark.parametrize("stream", ENVELOPED)
def test_a_frame_is_called_a_duplicate_exactly_where_the_contract_says_so(stream: str) -> None:
    oddities = replace(Oddities.all(), id_conflicts=False)
    ids: set[str] = set()
    data: set[str] = set()
    seen_duplicates = 0
    for generated in generate(stream, 1500, seed=3, oddities=oddities):
        if generated.kind not in {"message", "duplicate"}:
            continue
        frame = json.loads(generated.text)
        known = canonical(frame) in data or (frame.get("id") or None) in ids
        assert known is (generated.kind == "duplicate")
        seen_duplicates += known
        data.add(canonical(frame))
        if frame.get("id"):
            ids.add(frame["id"])
    assert seen_duplicates > 20


def test_news_of_variant_a_has_no_message_id_and_an_event_id_that_grows() -> None:
    frames = messages(generate("news", 400, oddities=Oddities.clean()))
    events = [frame["data"]["id"] for frame in frames]
    assert events == sorted(set(events))
    by_article: dict[int, list[dict[str, Any]]] = {}
    for frame in frames:
        by_article.setdefault(frame["data"]["content"]["id"], []).append(frame["data"])
    revised = [events for events in by_article.values() if len(events) > 1]
    assert revised
    for history in revised:
        assert history[0]["action"] == "Created"
        revisions = [event["content"]["revision_id"] for event in history]
        assert revisions == sorted(revisions)
    assert {frame["data"]["action"] for frame in frames} == {"Created", "Updated", "Removed"}


def test_news_of_variant_b_is_as_documented() -> None:
    frames = messages(generate("news", 400, oddities=only("news_variant_b")))
    variant_b = [frame for frame in frames if frame["kind"] == "news"]
    assert 0 < len(variant_b) < len(frames)
    for frame in variant_b:
        content = frame["data"]["content"]
        assert frame["id"]
        assert frame["data"]["id"] == content["id"]
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d -0400", content["created"])
        assert all(set(item) == {"name"} for item in content["channels"] + content["tags"])
        assert isinstance(content["author"], str)


def test_created_at_moves_back_in_an_update() -> None:
    created: dict[int, str] = {}
    moved = 0
    for content in contents("news", only("created_at_moves")):
        moved += content["created_at"] < created.setdefault(content["id"], content["created_at"])
    assert moved


def test_headlines_carry_html_entities_as_captured() -> None:
    titles = " ".join(content["title"] for content in contents("news", only("html_entities")))
    assert "&#39;" in titles
    assert "&amp;" in titles


def test_consensus_is_flat_by_default_and_sometimes_in_content() -> None:
    flat = messages(generate("consensus", 50, oddities=Oddities.clean()))
    assert all(not {"action", "id", "timestamp", "content"} & frame["data"].keys() for frame in flat)
    mixed = messages(generate("consensus", 200, oddities=only("consensus_in_content")))
    assert {"content" in frame["data"] for frame in mixed} == {True, False}
    named = messages(generate("consensus", 200, oddities=only("consensus_tickers")))
    assert {name for frame in named for name in frame["data"]} >= {"ticker", "symbol", "security"}


def test_earnings_are_empty_until_reported() -> None:
    rows = contents("earnings", Oddities.clean(), 200)
    assert {row["eps"] == "" for row in rows} == {True, False}
    assert all((row["eps"] == "") is (row["revenue"] == "") for row in rows)


@pytest.mark.parametrize(
    ("stream", "flag", "shows"),
    [
        ("ratings", "action_case", lambda text: '"Deleted"' in text or '"Removed"' in text),
        ("ratings", "missing_ids", lambda text: text.startswith(('{"id":null', '{"id":""'))),
        ("ratings", "missing_ids", lambda text: re.match(r'\{"id":\d', text)),
        ("earnings", "missing_ids", lambda text: text.startswith('{"api_version"')),
        ("insights", "deletions_without_content", lambda text: '"deleted"' in text and '"content":{' not in text),
        ("news", "bare_securities", lambda text: re.search(r'"securities":\["', text)),
        ("ratings", "fraction_digits", lambda text: re.search(r'"timestamp":"[^".]*Z"', text)),
        ("ratings", "fraction_digits", lambda text: re.search(r'"timestamp":"[^"]*\.\d{9}Z"', text)),
        ("insights", "epoch_milliseconds", lambda text: re.search(r'"updated":\d{13}\b', text)),
        ("earnings", "string_numbers", lambda text: re.search(r'"importance":"\d"', text)),
        ("ratings", "string_numbers", lambda text: re.search(r'"pt_(current|prior)":\d', text)),
        ("ratings", "objects_for_strings", lambda text: '"analyst":{"name":' in text),
        ("ratings", "ratings_accuracy", lambda text: '"1m_gain_count":' in text),
        ("bulls-bears", "undocumented_fields", lambda text: '"analyst_firms_referenced":' in text),
        ("insights", "unknown_fields", lambda text: '"figi":' in text and '"1d_change":' in text),
        ("earnings", "unknown_fields", lambda text: '"source_system":' in text),
        ("earnings", "missing_values", lambda text: ":null" in text),
        ("ratings", "key_order", lambda text: text.startswith('{"data":')),
        ("news", "spelling", lambda text: "\\u003c" in text),
        ("news", "spelling", lambda text: '", "' in text and text.startswith('{"api_version": ')),
        ("news", "large_bodies", lambda text: len(text) > 500_000),
    ],
)
def test_every_oddity_shows_and_only_when_switched_on(stream: str, flag: str, shows: Any) -> None:
    assert any(shows(frame.text) for frame in generate(stream, 1500, oddities=only(flag)))
    assert not any(shows(text) for text in plain_texts(stream))


def test_zero_times_show_in_consensus_content() -> None:
    oddities = replace(only("zero_times"), consensus_in_content=True)
    assert any('"updated_at":"0001-01-01T00:00:00Z"' in frame.text for frame in generate("consensus", 500, 0, oddities))


def test_conflicts_repeat_an_id_with_other_data() -> None:
    by_id: dict[str, set[str]] = {}
    for frame in messages(generate("ratings", 2000, oddities=only("id_conflicts"))):
        by_id.setdefault(frame["id"], set()).add(canonical(frame))
    assert any(len(variants) > 1 for variants in by_id.values())


@pytest.mark.parametrize("stream", STREAMS)
def test_control_and_garbage_frames_are_named_as_such(stream: str) -> None:
    frames = generate(stream, 1200, oddities=Oddities.everything())
    assert {frame.kind for frame in frames} == {"message", "duplicate", "control", "garbage"}
    garbage = [frame.text for frame in frames if frame.kind == "garbage"]
    assert len(set(garbage)) == len(garbage), "equal dead letters would be taken for one"


def test_the_presets() -> None:
    assert not any(getattr(Oddities.clean(), field.name) for field in fields(Oddities))
    assert [field.name for field in fields(Oddities) if not getattr(Oddities.all(), field.name)] == ["garbage"]


def test_identifiers_have_right_check_digits() -> None:
    assert cusip_of("03783310") == "037833100"
    assert isin_of("037833100") == "US0378331005"
    assert len({company.symbol for company in COMPANIES} | {company.isin for company in COMPANIES}) == 48


def test_times_are_written_as_the_feed_does() -> None:
    moment = datetime(2026, 1, 5, 14, 30, 1, 234_567, tzinfo=UTC)
    assert rfc3339(1_767_623_401_234_567_089) == "2026-01-05T14:30:01Z"
    assert rfc3339(1_767_623_401_234_567_089, 3) == "2026-01-05T14:30:01.234Z"
    assert rfc3339(1_767_623_401_234_567_089, 9) == "2026-01-05T14:30:01.234567089Z"
    assert rfc2822(moment) == "Mon, 05 Jan 2026 10:30:01 -0400"


def test_a_clock_that_stands_still_gives_growing_times() -> None:
    clock, dice, now = EventClock(), Dice(0), datetime(2026, 1, 5, tzinfo=UTC)
    times = [clock.write(now, dice, (0, 3)) for _ in range(4)]
    assert len(set(times)) == 4
    assert clock.write(now + timedelta(seconds=2), dice, (0,)) == "2026-01-05T00:00:02Z"

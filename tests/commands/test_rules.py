"""`rules check`: problems, summary, and what kept sentences would have raised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from connector.cli import app

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
rules:
  - {id: cut, any: [lower guidance], cooldown: 60s, severity: high}
  - {id: number, regex: ['\\d+%']}
"""


def frame(sequence: int, sentence: str, second: int = 0, **fields: Any) -> dict[str, Any]:
    """As the feed sends it."""
    start = f"2026-01-05T15:{second // 60:02d}:{second % 60:02d}Z"
    return {"transcript_id": "t", "sequence": sequence, "sentence": sentence, "start_time": start, **fields}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def check(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["rules", "check", *map(str, arguments)])


def try_on(rules: Path, lines: list[Any]) -> tuple[Result, list[dict[str, Any]]]:
    """What `--try` says and prints."""
    path = rules.with_name("transcripts.jsonl")
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    result = check(rules, "--try", path)
    return result, [json.loads(line) for line in result.stdout.splitlines()]


def test_good_rules_are_summed_up(rules: Path) -> None:
    result = check(rules)
    assert result.exit_code == 0
    assert "2 rules, 1 words and phrases, 1 expressions; version " in result.stdout


def test_every_problem_of_bad_rules_is_told(rules: Path) -> None:
    rules.write_text("rules: [{id: a, any: ['%'], window: x}, {id: a}]")
    result = check(rules)
    assert (result.exit_code, result.stdout) == (2, "")
    for problem in ("rules[0] (a): any[0]", "rules[0] (a): window", "rules[1] (a): id", "rules[1] (a): nothing"):
        assert problem in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_is_not_there(rules: Path) -> None:
    for arguments in ([rules.with_name("no.yaml")], [rules, "--try", rules.with_name("no.jsonl")]):
        result = check(*arguments)
        assert result.exit_code == 2
        assert "cannot be read: No such file" in result.stderr


def test_frames_of_the_feed_are_tried(rules: Path) -> None:
    words = [{"text": "Guidance", "start": 500, "end": 900}]
    result, alerts = try_on(
        rules,
        [
            {"message": "connected"},
            frame(1, "Guidance by 5%.", 2, confidence=0.8, symbol="AAPL", words=words),
            "pong",
            frame(0, "We lower", 1),
            "",
            frame(0, "We lower", 1),
            frame(2, "lower guidance", 10),
            frame(3, "lower guidance", 70),
            frame(4, "", 71, status="COMPLETE"),
        ],
    )
    assert result.exit_code == 0
    told = [(alert["rule_id"], alert["sequences"], alert["suppressed_before"]) for alert in alerts]
    assert told == [("number", [1], 0), ("cut", [0, 1], 0), ("cut", [3], 1)]
    number, crossing, _ = alerts
    assert (number["spoken_at"], number["symbol"]) == ("2026-01-05T15:00:02.000000Z", "AAPL")
    assert crossing["matched_text"] == "We lower Guidance"[3:]
    assert list(number)[:3] == ["alert_id", "rule_id", "rules_version"]
    assert "6 sentences: 3 alerts, and 1 that a cooldown held back" in result.stderr


def test_records_as_tail_prints_them_are_tried(rules: Path) -> None:
    value = frame(0, "lower guidance", words=[{"text": "lower", "start": 250, "end": 300, "confidence": None}])
    value |= {"received_at": "2026-01-05T16:00:00.5Z", "extras": {"foo": "1"}, "created_time": None}
    later = frame(1, "lower guidance") | {"received_at": "2026-01-05T16:00:59Z", "extras": {}}
    records = [
        {"topic": "benzinga.transcripts", "partition": 2, "offset": 7, "key": "t:0", "headers": {}, "value": one}
        for one in (value, later)
    ]
    result, (alert,) = try_on(rules, records)
    assert result.exit_code == 0
    assert (alert["sentence_received_at"], alert["spoken_at"]) == (
        "2026-01-05T16:00:00.500000Z", "2026-01-05T15:00:00.250000Z",
    )  # fmt: skip


def test_lines_that_are_no_sentences_are_told_and_the_others_tried(rules: Path) -> None:
    record = {"topic": "benzinga.transcripts", "value": None, "value_base64": "AA=="}
    result, alerts = try_on(rules, ["{", frame(0, "5%"), {"sentence": "x"}, record, *["["] * 30])
    assert [alert["term"] for alert in alerts] == [r"\d+%"]
    assert result.exit_code == 2
    for place in ("line 1: no sentence", "line 3: no sentence", "line 4: no sentence", "13 more lines like these"):
        assert place in result.stderr


def test_help_names_the_sub_command() -> None:
    result = CliRunner().invoke(app, ["rules", "--help"])
    assert "check" in result.stdout

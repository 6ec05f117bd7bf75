"""What a rules file may say, and how it is told what is wrong with it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import ConfigurationError
from connector.processor.rules import Rule, RuleSet, load_rules, parse_rules

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "rules.yaml"

CONTRACT = b"""
rules:
  - id: guidance-cut
    any: ["lower guidance", "cut our outlook"]   # words and phrases
    all: []
    none: ["not lowering"]
    regex: []
    window: 1
    symbols: []
    speakers: []
    min_confidence: 0.0
    cooldown: 60s
    severity: high
    tags: [guidance]
"""


def problems(content: str | bytes) -> list[str]:
    """What is wrong with a file."""
    with pytest.raises(ConfigurationError) as caught:
        parse_rules(content.encode() if isinstance(content, str) else content, "f")
    return [problem.removeprefix("f: ") for problem in caught.value.problems]


def test_the_contracts_rule() -> None:
    (rule,) = parse_rules(CONTRACT).rules
    assert rule == Rule(
        id="guidance-cut",
        any=("lower guidance", "cut our outlook"),
        none=("not lowering",),
        window=1,
        cooldown=timedelta(seconds=60),
        severity="high",
        tags=("guidance",),
    )


def test_the_example() -> None:
    rules = load_rules(EXAMPLE)
    assert len(rules.rules) >= 10
    assert all(rule.severity and rule.tags for rule in rules.rules)


def test_a_rule_needs_an_id_and_something_to_look_for() -> None:
    (rule,) = parse_rules(b"rules: [{id: r, any: [x]}]").rules
    assert (rule.window, rule.cooldown, rule.min_confidence) == (1, timedelta(0), 0.0)


def test_no_rules_are_said_to_be_none() -> None:
    assert parse_rules(b"rules: []").rules == () == RuleSet.of().rules
    assert parse_rules(b"rules: []").version == RuleSet.of().version


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "must hold a list `rules`"),
        ("[]", "must hold a list `rules`"),
        ("rules:", "must hold a list `rules`"),
        ("rules: {}", "must hold a list `rules`"),
        ("rules: []\nrule: []", "rule: no such setting"),
        ("rules: []\nrules: []", "line 2 is not YAML: 'rules' stands twice"),
        ("rules: [{id: a, any: [x], any: [y]}]", "'any' stands twice"),
        ("rules: [", "is not YAML"),
        ("rules: !!python/object:os.system []", "is not YAML"),
        (b"rules: [\xff]", "is not UTF-8"),
        ("rules: [x]", "rules[0] must be a rule"),
        ("rules: [{any: [x]}]", "rules[0]: id: Field required"),
        ("rules: [{id: 5, any: [x]}]", "rules[0] (5): id: 5 is no text"),
        ("rules: [{id: '', any: [x]}]", "rules[0] (): id: "),
        ("rules: [{id: ' a', any: [x]}]", "begins or ends with a space"),
        ("rules: [{id: a}]", "rules[0] (a): nothing can make it fire"),
        ("rules: [{id: a, none: [x]}]", "nothing can make it fire"),
        ("rules: [{id: a, any: x}]", "any: must be a list"),
        (
            "rules: [{id: a, any: [x, no]}]",
            "any[1]: False is no text; YAML reads it as something else, put it in quotes",
        ),
        ("rules: [{id: a, any: [2025]}]", "any[0]: 2025 is no text"),
        ("rules: [{id: a, any: [x], symbols: [ON]}]", "symbols[0]: True is no text"),
        ("rules: [{id: a, any: [x], symbols: ['']}]", "symbols[0]: "),
        ("rules: [{id: a, any: ['%']}]", "any[0]: '%' has no letter or digit in it"),
        ("rules: [{id: a, any: [x], all: ['']}]", "all[0]: '' has no letter or digit in it"),
        ("rules: [{id: a, any: [Lower  guidance, lower guidance]}]", "any[1]: 'lower guidance' is the same as any[0]"),
        (f"rules: [{{id: a, any: ['{'x ' * 65}']}}]", "has more than 64 words"),
        ("rules: [{id: a, regex: ['(']}]", "regex[0]: '(' is not RE2 syntax: missing ): ("),
        ("rules: [{id: a, regex: ['(?=x)']}]", "is not RE2 syntax"),
        (r"rules: [{id: a, regex: ['(x)\1']}]", "is not RE2 syntax"),
        ("rules: [{id: a, regex: ['x*']}]", "regex[0]: 'x*' matches the empty text"),
        ("rules: [{id: a, any: [x], speakers: ['[CEO']}]", "speakers[0]: '[CEO' has a `[` without `]`"),
        ("rules: [{id: a, any: [x], speakers: ['[!]']}]", "has a `[` without `]`"),
        ("rules: [{id: a, any: [x], speakers: ['']}]", "an empty pattern matches no speaker"),
        ("rules: [{id: a, any: [x], window: -1}]", "window: "),
        ("rules: [{id: a, any: [x], window: true}]", "window: "),
        ("rules: [{id: a, any: [x], min_confidence: 50}]", "min_confidence: "),
        ("rules: [{id: a, any: [x], cooldown: 60}]", "cooldown: '60' is not a duration"),
        ("rules: [{id: a, any: [x], severity: ''}]", "severity: "),
        ("rules: [{id: a, any: [x], words: [y]}]", "words: no such setting; a rule has id, any, all, none, regex"),
        ("rules: [{id: a, any: [x]}, {id: a, any: [y]}]", "rules[1] (a): id: the same as that of rules[0]"),
    ],
)
def test_each_problem_is_told(content: str | bytes, told: str) -> None:
    (problem,) = problems(content)
    assert told in problem


def test_all_problems_are_told_at_once_with_rule_and_field() -> None:
    content = """
    rules:
      - {id: a, any: [x, '%'], cooldown: 5 minutes, word: y}
      - {id: b}
      - {id: a, regex: ['(', '[']}
    """
    found = problems(content)
    places = ["rules[0] (a): any[1]", "rules[0] (a): cooldown", "rules[0] (a): word", "rules[1] (b): nothing"]
    places += ["rules[2] (a): id", "rules[2] (a): regex[0]", "rules[2] (a): regex[1]"]
    assert len(found) == len(places)
    assert all(problem.startswith(place) for problem, place in zip(found, places, strict=True))


@pytest.mark.parametrize("pattern", ["[]]x", "[!]]", "[a-z]*", "*]", "[[]x", "?*"])
def test_good_shell_patterns(pattern: str) -> None:
    assert parse_rules(f"rules: [{{id: a, any: [x], speakers: ['{pattern}']}}]".encode())


def test_the_version_is_of_what_the_rules_say() -> None:
    version = parse_rules(CONTRACT).version
    assert len(version) == 16
    same = b"# comment\nrules: [{tags: [guidance], severity: high, cooldown: 1m, none: [not lowering],"
    same += b" any: [lower guidance, cut our outlook], id: guidance-cut}]"
    assert parse_rules(same).version == version
    for change in ((b"60s", b"61s"), (b"high", b"low"), (b"cut our", b"cut the"), (b"window: 1", b"window: 2")):
        assert parse_rules(CONTRACT.replace(*change)).version != version


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 100), st.floats(), st.text("ax%[(* \x00\u00e9", max_size=4)
)
NAMES = st.sampled_from([*Rule.model_fields, "words", "1"])
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)


def told(content: bytes) -> tuple[str, ...]:
    """What is wrong with a file, nothing where it is good; any other end fails the test."""
    try:
        parse_rules(content)
    except ConfigurationError as error:
        return error.problems
    return ()


@given(st.lists(st.dictionaries(NAMES, ANYTHING, max_size=6) | ANYTHING, max_size=3))
def test_whatever_stands_in_a_file_it_is_rules_or_sentences(rules: list[Any]) -> None:
    content = yaml.safe_dump({"rules": rules}, allow_unicode=True).encode("utf-8", "replace")
    assert all(problem.startswith("rules file") for problem in told(content))


@given(st.text("rules:[]{}-,'\"&*!|>?% \nax\t#", max_size=40))
def test_whatever_is_no_rules_file_is_told(text: str) -> None:
    assert told(text.encode()) or "rules" in text


@pytest.mark.parametrize(
    "content", ["? [a]\n: b", "? {a: b}\n: c\nrules: []", "rules: [{? [id] : x}]", "rules: &a [*a]"]
)
def test_odd_yaml_is_told(content: str) -> None:
    assert problems(content)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load_rules(tmp_path / "rules.yaml")

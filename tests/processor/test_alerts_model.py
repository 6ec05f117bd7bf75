"""Alerts against a naive matcher: any rules, any order of arrival, corrections, holes, restarts."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.mapping.datum import encoder_for
from tests.support.alerting import NOW, SECOND, Listener, rule_set
from tests.support.naive_alerts import NaiveAlerts, Said

WORDS = ["a", "b", "A", "B", "a", "b", "c", "don't", "don\u2019t"]
GLUE = [" ", " ", ", ", "-", " \u2014 ", "\u00a0"]
PHRASES = ["a b", "b a", "a b a", "b a b b", "a", "b", "c", "don't", "b don't"]


def lists(*items: str, at_most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(items), unique=True, max_size=at_most)


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([usual] * 4 * len(others) + list(others))


texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GLUE)), min_size=1, max_size=3).map(
    lambda pairs: "".join(word + glue for word, glue in pairs)
)
rules = st.fixed_dictionaries(
    {
        "any": lists(*PHRASES, at_most=2),
        "all": mostly([], ["a"], ["a b"], ["b", "c"]),
        "none": mostly([], ["c"], ["c a"], ["b b"]),
        "regex": mostly([], ["A+"], ["b.a"], ["B$"]),
        "window": st.integers(0, 3),
        "cooldown": st.sampled_from([0, 0, 2 * SECOND, 5 * SECOND]),
        "speakers": mostly([], ["*O"], ["CEO", "X"]),
        "symbols": mostly([], ["S"], ["OTHER"]),
        "min_confidence": mostly(0.0, 0.5),
    }
).filter(lambda rule: rule["any"] or rule["all"] or rule["regex"])
arrivals = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.one_of(texts, texts, texts, texts, mostly("...", None)),
        st.integers(0, 2),
        st.sampled_from([None, "CEO", "CFO", "Operator"]),
        mostly(None, 0.0, 0.4, 0.5, 0.9),
        st.booleans(),
    ),
    min_size=3,
    max_size=14,
)
encode = encoder_for("alerts")


def compiled(rule: dict[str, Any]) -> dict[str, Any]:
    return rule | {"cooldown": f"{rule['cooldown'] // SECOND}s"}


@settings(max_examples=400, deadline=None)
@given(st.lists(rules, min_size=1, max_size=3), arrivals)
def test_every_alert_is_the_naive_one(plain: list[dict[str, Any]], arrivals: list[tuple[Any, ...]]) -> None:
    named = [{"id": f"rule-{number}"} | rule for number, rule in enumerate(plain)]
    naive = NaiveAlerts(named)
    listener = Listener(rule_set(*map(compiled, named)))
    clock = NOW
    seen = set()
    for sequence, text, seconds, speaker, confidence, restarts in arrivals:
        clock += seconds * SECOND
        expected = naive.add(Said(sequence, text, clock, speaker, confidence, "S"))
        if restarts:
            listener.restart()
        alerts = listener.hear(sequence, text, received_at=clock, speaker=speaker, confidence=confidence, symbol="S")
        found = [
            {name: alert[name] for name in ("rule_id", "sequences", "term", "matched_text", "suppressed_before")}
            | {"hits": [(hit["term"], hit["matched_text"], hit["start"], hit["end"]) for hit in alert["hits"]]}
            for alert in alerts
        ]
        key = lambda alert: (alert["sequences"][-1], alert["rule_id"])  # noqa: E731
        assert sorted(found, key=key) == sorted(expected, key=key)
        for alert in alerts:
            encode(alert)
            assert alert["alert_id"] not in seen
            seen.add(alert["alert_id"])
    assert len(listener.suppressed) == naive.held_in_all


@settings(max_examples=150, deadline=None)
@given(st.lists(rules, min_size=1, max_size=3), arrivals)
def test_a_rules_change_counts_from_the_next_sentence_and_fires_nothing_twice(
    plain: list[dict[str, Any]], arrivals: list[tuple[Any, ...]]
) -> None:
    """Also where the process restarts between the change and the sentence."""
    sets = [rule_set(*map(compiled, plain)), rule_set(*map(compiled, reversed(plain))), rule_set()]
    running, restarted = (Listener(sets[0]) for _ in range(2))
    fired = set()
    for number, (sequence, text, seconds, *_, changes) in enumerate(arrivals):
        if changes:
            running.engine.rules = restarted.engine.rules = sets[number % 3]
        restarted.restart()
        at = NOW + number * seconds * SECOND
        alerts = running.hear(sequence, text, received_at=at)
        assert restarted.hear(sequence, text, received_at=at) == alerts
        for alert in alerts:
            assert alert["rules_version"] == running.engine.rules.version
            assert (alert["rule_id"], alert["sequences"][-1]) not in fired
            fired.add((alert["rule_id"], alert["sequences"][-1]))

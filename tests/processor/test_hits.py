"""What a term hits, and where: words, borders, signs, sentences."""

from __future__ import annotations

import pytest

from tests.support.alerting import Listener, rule_set


def found(term: str, *sentences: str) -> list[str]:
    """What the term hits in sentences that follow each other, as spoken."""
    listener = Listener(rule_set({"any": [term]}))
    alerts = [alert for sequence, text in enumerate(sentences) for alert in listener.hear(sequence, text)]
    for alert in alerts:
        for hit in alert["hits"]:
            if len(alert["sequences"]) == 1:
                assert alert["sentence"][hit["start"] : hit["end"]] == hit["matched_text"]
    return [hit["matched_text"] for alert in alerts for hit in alert["hits"]]


@pytest.mark.parametrize(
    ("term", "text", "expected"),
    [
        ("lower guidance", "We LOWER  Guidance", ["LOWER  Guidance"]),
        ("lower guidance", "lower, (guidance)", ["lower, (guidance"]),
        ("lower guidance", "lower\u00a0\u2014 \u201cguidance\u201d", ["lower\u00a0\u2014 \u201cguidance"]),
        ("lower guidance", "slower guidance, lower guidances", []),
        ("Guidance", "guidance guidance's guidance\u2019s", ["guidance", "guidance", "guidance"]),
        ("guidance", "our guid\u00adance\u00ad", ["guid\u00adance"]),
        ("guidance", "guidance\u2122 gu\u0131dance pr\u00e9guidance guidance\u0301", ["guidance"]),
        ("year over year", "Year-over-Year, year\u2011over\u2011year", ["Year-over-Year", "year\u2011over\u2011year"]),
        ("buy-in", "buy-in buy in buyin buy\u2010in", ["buy-in", "buy in", "buyin", "buy\u2010in"]),
        ("buyin", "buy-in", []),
        ("can", "we can't, can, CAN'T can\u2019t", ["can"]),
        ("can't", "we can\u2019t, can t, can't", ["can\u2019t", "can't"]),
        ("t", "can't T-Mobile", ["T"]),
        ("s", "guidance's S&P", ["S"]),
        ("company's plan", "the company\u2019s plan; the companys plan; company plan", ["company\u2019s plan"]),
        ("company plan", "company's plan", []),
        ("rock", "rock'n'roll rock", ["rock"]),
        ("5 percent", "3.5 percent, 5 percent, 1,5 percent, up 5, percent", ["5 percent", "5, percent"]),
        ("3.5 percent", "3 5 percent 3.5 percent 3,5 percent", ["3.5 percent"]),
        ("1,000", "1,000 1,000,000 1 000 21,000", ["1,000"]),
        ("Q3", "Q3'24, q3.", ["Q3", "q3"]),
        ("AT&T", "at T-Mobile, AT&T, AT & T, AT/T, AT&T's", ["AT&T", "AT & T", "AT&T"]),
        ("S and P", "S&P", []),
        ("R D", "R&D", ["R&D"]),
        ("5%", "5 points, 5%, 5 %, 15%, 5\uff05", ["5%", "5 %", "5\uff05"]),
        ("$5 billion", "5 billion; $5 billion; $ 5 billion; \u20ac5 billion", ["$5 billion", "$ 5 billion"]),
        ("$5", "US$5", ["$5"]),
        ("5 billion", "$5 billion", ["5 billion"]),
        ("C++", "C, C+, C++, C++.", ["C++", "C++"]),
        ("\u0130stanbul", "\u0130STANBUL istanbul i\u0307stanbul", ["\u0130STANBUL", "i\u0307stanbul"]),
        ("strasse", "Stra\u00dfe, STRASSE", ["Stra\u00dfe", "STRASSE"]),
        ("financial flow", "\ufb01nancial \ufb02ow", ["\ufb01nancial \ufb02ow"]),
        ("caf\u00e9", "cafe\u0301 CAFE\u0301 cafe", ["cafe\u0301", "CAFE\u0301"]),
        ("\u6307\u5f15", "\u6211\u4eec\u4e0b\u8c03\u6307\u5f15\u4e86", ["\u6307\u5f15"]),
        ("\u30ac\u30a4\u30c9", "\uff76\uff9e\uff72\uff84\uff9e\u3092", ["\uff76\uff9e\uff72\uff84\uff9e"]),
        ("a a", "a a a", ["a a", "a a"]),
    ],
)  # fmt: skip
def test_words_and_phrases(term: str, text: str, expected: list[str]) -> None:
    assert found(term, text) == expected


@pytest.mark.parametrize(
    ("term", "sentences", "expected"),
    [
        ("lower guidance", ["We lower.", "Guidance it is."], ["lower. Guidance"]),
        ("lower our guidance", ["We lower", "our", "guidance"], ["lower our guidance"]),
        ("lower guidance", ["We lower", "-- ... --", "guidance"], ["lower -- ... -- guidance"]),
        ("don't", ["don'", "t"], []),
        ("3.5", ["3.", "5"], []),
        ("5", ["3.", "5"], ["5"]),
        ("AT&T", ["AT &", "T"], ["AT & T"]),
        ("lower guidance", ["lower guidance", "guidance lower"], ["lower guidance"]),
    ],
)
def test_across_sentences(term: str, sentences: list[str], expected: list[str]) -> None:
    assert found(term, *sentences) == expected


def test_a_hit_across_sentences_belongs_to_the_one_it_ends_in() -> None:
    listener = Listener(rule_set({"any": ["lower our guidance", "guidance"]}))
    assert listener.hear(4, "\u2026 so we \u201clower") == []
    assert listener.hear(5, "our") == []
    (alert,) = listener.hear(6, "Guidance\u201d today, guidance.")
    assert alert["sequences"] == [4, 5, 6]
    assert (alert["sentence"], alert["before"]) == ("Guidance\u201d today, guidance.", "our")
    assert (alert["term"], alert["matched_text"]) == ("lower our guidance", "lower our Guidance")
    assert [(hit["term"], hit["start"], hit["end"]) for hit in alert["hits"]] == [
        ("lower our guidance", 0, 8), ("guidance", 0, 8), ("guidance", 17, 25),
    ]  # fmt: skip


def test_no_phrase_crosses_a_missing_sentence_but_one_without_a_text() -> None:
    listener = Listener(rule_set({"any": ["lower guidance"]}))
    assert listener.hear(1, "we lower") == []
    assert listener.hear(3, "guidance") == []
    (alert,) = listener.hear(2, None)
    assert (alert["sequences"], alert["before"]) == ([1, 3], "we lower")


def test_the_first_and_longest_hit_is_named() -> None:
    rules = rule_set({"any": ["our guidance", "cut our", "cut our guidance"], "regex": ["cut o"]})
    (alert,) = Listener(rules).hear(0, "We cut our guidance.")
    assert alert["term"] == "cut our guidance"
    assert [hit["term"] for hit in alert["hits"]] == ["cut our guidance", "cut our", "cut o", "our guidance"]


def test_expressions_look_at_one_sentence_as_it_is() -> None:
    listener = Listener(rule_set({"regex": [r"\bQ[1-4] \d+%", "(?i)down.?side", "xy+"]}))
    assert listener.hear(0, "\u00fcber q3 5%") == []
    (alert,) = listener.hear(1, "\u00fcber Q3 5%, DOWNSIDE, Q4 7%")
    assert [(hit["matched_text"], hit["start"]) for hit in alert["hits"]] == [
        ("Q3 5%", 5),
        ("DOWNSIDE", 12),
        ("Q4 7%", 22),
    ]
    assert listener.hear(2, "Q1") == []
    assert listener.hear(3, "5%") == []


def test_a_term_of_several_rules_is_every_rules_hit() -> None:
    rules = rule_set({"any": ["guidance"]}, {"any": ["GUIDANCE"]}, {"any": ["outlook"]})
    alerts = Listener(rules).hear(0, "our guidance")
    assert [(alert["rule_id"], alert["term"]) for alert in alerts] == [("rule-0", "guidance"), ("rule-1", "GUIDANCE")]


def test_a_long_row_of_sentences_without_words_costs_no_more_than_others() -> None:
    listener = Listener(rule_set({"any": ["lower guidance"]}))
    listener.hear(0, "lower")
    for sequence in range(1, 3000):
        listener.hear(sequence, "...")
    assert listener.hear(3000, "guidance") == []

"""Words and their offsets, whatever Unicode has in store."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.processor import normalise as module
from connector.processor.normalise import normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \t\n ... -- !", ""),
        ("Lower  guidance.", "lower guidance"),
        ("year-over-year", "year over year"),
        ("year\u2011over\u2010year", "year over year"),
        ("lower\u00a0guidance\u202fnow\u3000x", "lower guidance now x"),
        ("\u201cCut\u201d\u2026our\u2014outlook", "cut our outlook"),
        ("a\u200bb", "a b"),
        ("5\u20ac \u00a310", "5 10"),
        ("snake_case", "snake case"),
        ("\u00b4tis", "tis"),
        ("\u0130STANBUL", "i\u0307stanbul"),
        ("Stra\u00dfe", "strasse"),
        ("\ufb01nancial \ufb02ow, e\ufb03ciency", "financial flow efficiency"),
        ("cafe\u0301 caf\u00e9", "caf\u00e9 caf\u00e9"),
        ("o\u0323\u0302", "\u1ed9"),
        ("\uff33\uff21\uff2c\uff25\uff33 \uff15\uff05", "sales 5"),
        ("\uff76\uff9e\uff72\uff80\uff9e\uff9d\uff7d", "\u30ac\u30a4\u30c0\u30f3\u30b9"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "\ud55c\uae00"),
        ("\u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3", "\u03c3\u03b9\u03c3\u03c5\u03c6\u03bf\u03c3"),
        ("\u092e\u0941\u0928\u093e\u092b\u093e \u0915\u092e", "\u092e\u0941\u0928\u093e\u092b\u093e \u0915\u092e"),
        ("\u4e0b\u8c03\u6307\u5f15", "\u4e0b \u8c03 \u6307 \u5f15"),
        ("2024\u5e74\u306e\u58f2\u4e0a", "2024 \u5e74 \u306e \u58f2 \u4e0a"),
        ("m\u00b2", "m2"),
        ("1\u00bd", "1 1 2"),
        ("\U0001f680 \U0001d400\U0001d401", "ab"),
    ],
)
def test_what_is_compared(text: str, expected: str) -> None:
    assert normalise(text).words.split() == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We\u2019ll \u201ccut\u201d", ["We", "ll", "cut"]),
        ("guid\u00adance\u00ad.", ["guid\u00adance"]),
        ("a\u2060b\ufeff \u00e9", ["a\u2060b", "\u00e9"]),
        ("e\u0301lan vital", ["e\u0301lan", "vital"]),
        ("x \u0130\u00df \ufb03y z", ["x", "\u0130\u00df", "\ufb03y", "z"]),
        ("iPhone\u2122 \u00e9", ["iPhone", "\u00e9"]),
        ("\u5e74\u00ad\u306e", ["\u5e74", "\u306e"]),
        ("\u00bd", ["\u00bd", "\u00bd"]),
    ],
)
def test_where_the_words_stand(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in normalise(text).spans] == expected


def test_both_ways_through_the_text_are_one() -> None:
    every = "".join(map(chr, range(128)))
    for text in (every, "We don't cut 3.5%-4.5% AT&T (now)!", "x" + every[::-1]):
        slow = module._normalise_any(text, text)
        assert (slow.words, slow.spans) == (normalise(text).words, normalise(text).spans)


ALPHABET = st.one_of(
    st.characters(max_codepoint=0x24F),
    st.characters(categories=["L", "M", "N", "P", "S", "Z", "Cf"]),
    st.sampled_from("aeo'\u2019-\u00ad\u0301\u0323\u0307\u1100\u1161\u11a8\u4e0b\u3042\uff76\uff9e\u0130\ufb03 "),
)


@given(st.text(ALPHABET, max_size=30))
def test_words_are_in_order_and_compared_in_a_form_that_is_stable(text: str) -> None:
    found = normalise(text)
    behind, last = 0, (0, 0)
    for start, end in found.spans:
        assert 0 <= start < end <= len(text)
        assert start >= behind or (start, end) == last  # two words of one character, such as a half
        behind, last = end, (start, end)
    assert found.words.count(" ") == len(found.spans) + 1
    for word in found.words.split():
        assert normalise(word).words.strip() == word


@given(st.text(st.characters(categories=["L", "M", "Zs"]), max_size=30))
def test_a_text_and_its_normal_forms_have_the_same_words(text: str) -> None:
    shaped = "".join(c for c in text if not module._is_ignorable(c))
    expected = normalise(shaped).words
    for form in ("NFC", "NFD"):
        assert normalise(unicodedata.normalize(form, shaped)).words == expected


@given(st.text(ALPHABET, max_size=30), st.text(ALPHABET, max_size=30))
def test_a_space_parts_whatever_stands_beside_it(left: str, right: str) -> None:
    both = normalise(f"{left} {right}")
    one, other = normalise(left), normalise(f" {right}")
    assert both.words == one.words[:-1] + other.words
    assert both.spans == [*one.spans, *((start + len(left), end + len(left)) for start, end in other.spans)]

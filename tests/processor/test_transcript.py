from __future__ import annotations

import msgspec
import pytest

from connector.processor.transcript import RECENT, About, Outcome, Transcript
from tests.support.sentences import end, sentence

JOINED, DUPLICATE, CORRECTED = Outcome.JOINED, Outcome.DUPLICATE, Outcome.CORRECTED


def of(*sentences: object) -> tuple[Transcript, list[Outcome]]:
    transcript = Transcript()
    outcomes = []
    for offset, one in enumerate(sentences):
        outcomes.append(transcript.add(msgspec.structs.replace(one, offset=offset)))  # type: ignore[type-var]
    return transcript, outcomes


def texts(transcript: Transcript) -> dict[int, str]:
    return {sequence: version.text for sequence, version in sorted(transcript.spoken.items())}


def test_sentences_may_come_in_any_order() -> None:
    transcript, outcomes = of(sentence(2, "c"), sentence(0, "a"), sentence(1, "b"))
    assert outcomes == [JOINED] * 3
    assert texts(transcript) == {0: "a", 1: "b", 2: "c"}
    assert list(transcript.missing()) == []


def test_the_same_again_is_a_duplicate_and_changes_nothing() -> None:
    transcript, outcomes = of(sentence(0, "a"), sentence(0, "a", at=5), sentence(0, "a", status="LIVE"))
    assert outcomes == [JOINED, DUPLICATE, DUPLICATE]
    assert transcript.changes == 1


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        (None, None, "second"),
        (10, None, "second"),
        (None, 10, "second"),
        (10, 20, "second"),
        (10, 10, "second"),
        (20, 10, "first"),
    ],
)
def test_of_two_texts_the_newer_wins_else_the_later(first: int | None, second: int | None, winner: str) -> None:
    transcript, outcomes = of(sentence(0, "first", created_time=first), sentence(0, "second", created_time=second))
    assert texts(transcript) == {0: winner}
    assert outcomes[1] is (CORRECTED if winner == "second" else DUPLICATE)


def test_a_text_that_comes_again_with_a_newer_time_holds_against_one_made_in_between() -> None:
    transcript, outcomes = of(
        sentence(0, "a", created_time=10), sentence(0, "a", created_time=30), sentence(0, "b", created_time=20)
    )
    assert outcomes == [JOINED, DUPLICATE, DUPLICATE]
    assert texts(transcript) == {0: "a"}


def test_a_text_may_return() -> None:
    transcript, outcomes = of(sentence(0, "a"), sentence(0, "b"), sentence(0, "a"))
    assert outcomes == [JOINED, CORRECTED, CORRECTED]
    assert texts(transcript) == {0: "a"}


def test_a_speaker_that_becomes_known_is_a_correction_and_silence_about_it_is_none() -> None:
    transcript, outcomes = of(
        sentence(0, "a", confidence=0.5),
        sentence(0, "a", speaker="Ann"),
        sentence(0, "a"),
        sentence(0, "a", speaker="B"),
    )
    assert outcomes == [JOINED, CORRECTED, DUPLICATE, CORRECTED]
    assert (transcript.spoken[0].speaker, transcript.spoken[0].confidence) == ("B", 0.5)


def test_an_end_marker_that_repeats_a_text_says_nothing_of_its_sentence() -> None:
    transcript, outcomes = of(
        sentence(0, "a", confidence=0.5, speaker="Ann"), end(0, "a", confidence=0.0, speaker="nobody")
    )
    assert outcomes == [JOINED, DUPLICATE]
    assert (transcript.spoken[0].speaker, transcript.spoken[0].confidence) == ("Ann", 0.5)


@pytest.mark.parametrize("empty", [None, " ", "\n\t"])
def test_a_record_without_text_is_no_sentence_but_its_place_is_not_missing(empty: str | None) -> None:
    transcript, outcomes = of(sentence(0), sentence(1), end(2, empty))
    assert outcomes == [JOINED] * 3
    assert list(transcript.spoken) == [0, 1]
    assert list(transcript.missing()) == []


def test_a_record_without_text_does_not_take_a_text_away() -> None:
    transcript, outcomes = of(sentence(0, "a"), end(0, None))
    assert outcomes[1] is DUPLICATE
    assert texts(transcript) == {0: "a"}


def test_a_text_may_fill_the_place_of_a_record_without_one() -> None:
    transcript, outcomes = of(sentence(0, None), sentence(0, "a"))
    assert outcomes == [JOINED, JOINED]
    assert texts(transcript) == {0: "a"}
    assert not transcript.blank


def test_what_was_sent_before_the_end_marker_and_did_not_arrive_is_missing() -> None:
    transcript, _ = of(sentence(2), sentence(4), end(8))
    assert list(transcript.missing()) == [(0, 1), (3, 3), (5, 7)]


@pytest.mark.parametrize(
    ("before", "blank", "changes"),
    [([0, 1], 2, False), ([0, 1], 5, True), ([0, 2], 1, True), ([0], -4, False), ([], 0, False), ([], 1, True)],
)
def test_a_blank_record_counts_as_change_where_it_changes_what_is_missing(
    before: list[int], blank: int, changes: bool
) -> None:
    transcript, _ = of(*(sentence(one) for one in before))
    missing, count = list(transcript.missing()), transcript.changes
    transcript.add(end(blank, symbol="AAPL" if before else None))
    assert (list(transcript.missing()) != missing) is changes
    assert (transcript.changes != count) is changes


def test_sequences_far_apart_cost_nothing() -> None:
    transcript, _ = of(sentence(2**63 - 1), sentence(-(2**63)), sentence(5))
    assert list(transcript.missing()) == [(0, 4), (6, 2**63 - 2)]


def test_what_is_said_of_the_call_is_its_latest_version() -> None:
    transcript, _ = of(
        sentence(0, call_id="c", call_title="Q1"), sentence(1, call_title="Q1 2025"), sentence(2, symbol=None)
    )
    assert transcript.about == About(call_id="c", symbol="AAPL", call_title="Q1 2025")


def test_the_bytes_of_the_latest_sentences_are_at_hand_for_their_word_timings() -> None:
    transcript, _ = of(*(sentence(one, value=b"%d" % one) for one in range(RECENT + 1)), sentence(3, "x", value=b"new"))
    assert transcript.value(3) == b"new"
    assert transcript.value(RECENT) == b"%d" % RECENT
    assert transcript.value(0) == b""


def test_offsets_span_every_record_of_the_transcript() -> None:
    transcript, _ = of(sentence(0), sentence(1), sentence(1), end(1))
    assert (transcript.first_offset, transcript.last_offset) == (0, 3)


def test_a_sequence_that_starts_over_corrects_what_stood_there() -> None:
    transcript, outcomes = of(sentence(0, "a"), sentence(1, "b"), sentence(0, "c"), sentence(1, "b"), sentence(2, "d"))
    assert outcomes == [JOINED, JOINED, CORRECTED, DUPLICATE, JOINED]
    assert texts(transcript) == {0: "c", 1: "b", 2: "d"}

"""Generated calls: believable, in sequence, and with every kind of end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from connector.simulator import Oddities, generate
from connector.simulator.calls import plan_call
from connector.simulator.companies import COMPANIES
from connector.simulator.transcript_frames import END_MARKERS
from connector.simulator.values import Dice

NOW = datetime(2026, 1, 5, 21, tzinfo=UTC)
PHRASES = ("guidance", "outlook", "headwinds", "buyback", "margin", "dividend", "restructuring", "tariffs", "demand")


def only(**flags: bool) -> Oddities:
    return replace(Oddities.clean(), **flags)


def by_transcript(oddities: Oddities, count: int = 2000, calls: int = 3) -> dict[str, list[dict[str, Any]]]:
    transcripts: dict[str, list[dict[str, Any]]] = {}
    for generated in generate("transcripts", count, seed=2, oddities=oddities, calls=calls):
        if generated.kind in {"message", "duplicate"}:
            frame = json.loads(generated.text)
            transcripts.setdefault(frame["transcript_id"], []).append(frame)
    return transcripts


def ended(transcripts: dict[str, list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    return [frames for frames in transcripts.values() if frames[-1]["status"] != "IN_PROGRESS"]


@pytest.mark.parametrize("noisy", [False, True])
def test_words_add_up_to_their_sentence(noisy: bool) -> None:
    for spoken in plan_call(Dice(1), COMPANIES[0], NOW, noisy=noisy).sentences:
        assert " ".join(word["text"] for word in spoken.words) == spoken.text
        assert spoken.words[0]["start"] == 0
        assert all(one["end"] == two["start"] for one, two in pairwise(spoken.words))
        assert spoken.words[-1]["end"] == spoken.end_ms - spoken.start_ms
        assert all(0 <= word["confidence"] <= 1 for word in spoken.words)
        mean = sum(word["confidence"] for word in spoken.words) / len(spoken.words)
        assert spoken.confidence == pytest.approx(mean, abs=0.006)


def test_a_call_has_remarks_and_questions_by_several_people() -> None:
    sentences = plan_call(Dice(4), COMPANIES[3], NOW, questions=4).sentences
    speakers = [spoken.speaker for spoken in sentences]
    assert speakers[0] == speakers[-1] == "Operator"
    assert {f"{COMPANIES[3].ceo}, CEO", f"{COMPANIES[3].cfo}, CFO", "Investor Relations"} < set(speakers)
    assert len(set(speakers)) >= 8
    assert 50 < len(sentences) < 110
    first_question = next(index for index, spoken in enumerate(sentences) if "question" in spoken.text and index > 20)
    assert first_question < len(sentences)
    assert not any("{" in spoken.text for spoken in sentences)


def test_calls_contain_what_people_set_alerts_on_and_differ_from_each_other() -> None:
    texts = [
        " ".join(spoken.text for spoken in plan_call(Dice(seed), company, NOW).sentences).lower()
        for seed, company in enumerate(COMPANIES)
    ]
    assert len(set(texts)) == len(texts)
    together = " ".join(texts)
    assert all(phrase in together for phrase in PHRASES)
    assert any("lowering our guidance" in text for text in texts)
    assert not all("lowering our guidance" in text for text in texts)


def test_several_calls_run_at_once_and_clean_ones_are_complete() -> None:
    transcripts = by_transcript(Oddities.clean())
    first = [json.loads(frame.text)["symbol"] for frame in generate("transcripts", 30, oddities=Oddities.clean())]
    assert len(set(first)) == 3
    finished = ended(transcripts)
    assert len(finished) > 10
    for frames in finished:
        assert [frame["sequence"] for frame in frames] == list(range(len(frames)))
        assert all(frame["start_time"] <= frame["end_time"] for frame in frames)
        assert frames[-1]["sentence"] == ""
        assert {frame["speaker"] for frame in frames} == {""}
        assert len({(frame["call_id"], frame["symbol"], frame["call_title"]) for frame in frames}) == 1


def test_every_documented_end_marker_comes() -> None:
    forms = set()
    transcripts = by_transcript(only(end_markers=True), 4000)
    for frames in transcripts.values():
        last = frames[-1]
        match last["status"]:
            case "COMPLETED":
                forms.add("completed")
            case "COMPLETE" if "sentence" not in last:
                forms.add("no-sentence")
            case "COMPLETE" if last["sentence"] == "":
                forms.add("empty")  # `late` looks the same
            case "COMPLETE" if len(frames) > 1 and frames[-2]["sequence"] == last["sequence"]:
                forms.add("repeated")
            case "COMPLETE":
                forms.add("last-sentence")
            case _ if "disconnect" in last["sentence"]:
                forms.add("absent")
    assert forms == set(END_MARKERS) - {"late"}


def test_a_late_end_comes_after_other_calls_went_on() -> None:
    frames = [
        json.loads(frame.text) for frame in generate("transcripts", 4000, seed=2, oddities=only(end_markers=True))
    ]
    gaps = []
    last_seen: dict[str, int] = {}
    for place, frame in enumerate(frames):
        if frame["status"] == "COMPLETE" and frame.get("sentence") == "":
            gaps.append(place - last_seen[frame["transcript_id"]])
        last_seen[frame["transcript_id"]] = place
    assert max(gaps) >= 40


def test_a_duplicate_is_the_text_sent_last_for_its_sentence() -> None:
    latest: dict[tuple[str, int], str] = {}
    kinds = set()
    for generated in generate("transcripts", 3000, oddities=Oddities.all()):
        if generated.kind not in {"message", "duplicate"}:
            continue
        frame = json.loads(generated.text)
        key = (frame["transcript_id"], int(frame["sequence"]))
        assert (latest.get(key) == generated.text) is (generated.kind == "duplicate")
        latest[key] = generated.text
        kinds.add(generated.kind)
    assert kinds == {"message", "duplicate"}


def test_holes_are_never_filled() -> None:
    holes = 0
    for frames in ended(by_transcript(only(sequence_holes=True))):
        sequences = [frame["sequence"] for frame in frames]
        assert sequences == sorted(set(sequences))
        holes += sequences[-1] + 1 - len(sequences)
    assert holes


def test_sentences_that_overtake_each_other_all_come() -> None:
    overtakings = 0
    for frames in ended(by_transcript(only(out_of_order=True))):
        sequences = [frame["sequence"] for frame in frames]
        assert sorted(sequences) == list(range(len(sequences)))
        overtakings += sequences != sorted(sequences)
    assert overtakings


def test_corrections_change_the_text_under_a_known_sequence() -> None:
    corrected = 0
    for frames in by_transcript(only(corrections=True)).values():
        texts: dict[int, set[str]] = {}
        for frame in frames:
            texts.setdefault(frame["sequence"], set()).add(frame["sentence"])
        corrected += sum(len(variants) > 1 for variants in texts.values())
    assert corrected


def test_a_restart_is_a_new_transcript_of_the_same_call() -> None:
    transcripts: dict[str, set[str]] = {}
    for frames in by_transcript(only(restarts=True), 3000).values():
        transcripts.setdefault(frames[0]["call_id"], set()).add(frames[0]["transcript_id"])
        assert frames[0]["sequence"] == 0
    assert any(len(ids) > 1 for ids in transcripts.values())


def test_live_recognition_is_noisy_and_some_calls_name_speakers() -> None:
    transcripts = by_transcript(only(noisy_speech=True, speakers=True))
    confidences = [frames[0]["confidence"] for frames in transcripts.values()]
    assert min(confidences) < 0.7 < max(confidences)
    assert {frames[0]["speaker"] for frames in transcripts.values()} == {"", "Operator"}

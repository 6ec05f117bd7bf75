"""What is said to be missing, and what is not."""

from __future__ import annotations

from connector.messages import TranscriptPosition
from connector.source.gaps import RUNNING, SequenceGaps

SECOND = 1_000_000
NOW = 1_700_000_000 * SECOND


class TestSequence:
    def heard(self, gaps: SequenceGaps, *sequences: int, at: int = NOW, ended: bool = False) -> None:
        for sequence in sequences:
            gaps.sentence(TranscriptPosition("t", sequence, ended), at)

    def ranges(self, gaps: SequenceGaps, now: int) -> list[tuple[int | None, int | None]]:
        return [(gap.first_missing, gap.last_missing) for gap in gaps.due(now)]

    def test_a_hole_is_said_once_after_the_grace(self) -> None:
        gaps = SequenceGaps("transcripts", 10 * SECOND)
        self.heard(gaps, 0, 1, 5)
        assert self.ranges(gaps, NOW + 9 * SECOND) == []
        assert self.ranges(gaps, NOW + 10 * SECOND) == [(2, 4)]
        assert self.ranges(gaps, NOW + 60 * SECOND) == []

    def test_late_sentences_fill_their_part_of_the_hole(self) -> None:
        gaps = SequenceGaps("transcripts", 10 * SECOND)
        self.heard(gaps, 0, 6, 3)
        assert sorted(self.ranges(gaps, NOW + 10 * SECOND)) == [(1, 2), (4, 5)]

    def test_beginning_above_zero_or_starting_again_is_no_hole(self) -> None:
        gaps = SequenceGaps("transcripts", 10 * SECOND)
        self.heard(gaps, 40, 41, 0, 1, 2)
        assert self.ranges(gaps, NOW + 60 * SECOND) == []

    def test_each_transcript_that_ran_is_said_after_an_interruption(self) -> None:
        gaps = SequenceGaps("transcripts", 10 * SECOND)
        self.heard(gaps, 0, 1)
        gaps.sentence(TranscriptPosition("over", 7, ended=True), NOW)
        gaps.sentence(TranscriptPosition("silent", 7, ended=False), NOW - RUNNING)
        gaps.disconnected(NOW + SECOND)
        said = list(gaps.connected(NOW + 5 * SECOND))
        assert [(gap.transcript_id, gap.reason, gap.first_missing) for gap in said] == [("t", "no_replay", 2)]
        assert list(gaps.connected(NOW + 6 * SECOND)) == []

    def test_the_first_connection_says_nothing(self) -> None:
        assert list(SequenceGaps("transcripts", SECOND).connected(NOW)) == []

    def test_a_restart_goes_on_where_the_topic_ends(self) -> None:
        gaps = SequenceGaps("transcripts", 10 * SECOND)
        tail = [(TranscriptPosition("t", n, ended=False), NOW) for n in (0, 1, 5, 9)]
        gaps.restored(tail, {("t", 2, 4)})
        gaps.interrupted()
        assert [gap.transcript_id for gap in gaps.connected(NOW + SECOND)] == ["t"]
        assert self.ranges(gaps, NOW + 10 * SECOND) == [(6, 8)]

    def test_a_call_that_ran_when_a_long_outage_began_is_said_after_it(self) -> None:
        gaps = SequenceGaps("transcripts", 10 * SECOND)
        self.heard(gaps, 0, 1)
        gaps.disconnected(NOW + SECOND)
        late = NOW + 3 * RUNNING
        assert self.ranges(gaps, late) == []
        assert [gap.first_missing for gap in gaps.connected(late)] == [2]

    def test_a_restart_long_after_a_crash_says_what_may_have_run_then_and_says_it_once(self) -> None:
        tail = [
            (TranscriptPosition("silent", 7, ended=False), NOW - RUNNING),
            (TranscriptPosition("over", 3, ended=True), NOW),
            (TranscriptPosition("t", 5, ended=False), NOW),
        ]
        late = NOW + 3 * RUNNING
        gaps = SequenceGaps("transcripts", 10 * SECOND)
        gaps.restored(tail, set())
        gaps.interrupted()
        assert self.ranges(gaps, late - SECOND) == []
        said = list(gaps.connected(late))
        assert [(gap.transcript_id, gap.first_missing) for gap in said] == [("t", 6)]
        again = SequenceGaps("transcripts", 10 * SECOND)
        again.restored(tail, {("t", 6, None)})
        again.interrupted()
        assert list(again.connected(late + SECOND)) == []

    def test_memory_ends_with_the_call(self) -> None:
        gaps = SequenceGaps("transcripts", SECOND)
        self.heard(gaps, 0)
        assert self.ranges(gaps, NOW + 3 * RUNNING) == []
        assert gaps._transcripts == {}

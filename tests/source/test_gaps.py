"""What is said to be missing, and what is not."""

from __future__ import annotations

from connector.messages import Message, TranscriptPosition
from connector.source.gaps import RUNNING, Gap, ReplayGaps, SequenceGaps

SECOND = 1_000_000
NOW = 1_700_000_000 * SECOND


def message(name: str, time: int | None = None) -> Message:
    return Message(name, True, "r", name * 32, "created", time, None, True, {})


def replayed(gaps: ReplayGaps, at: int, *, new: str = "", known: str = "") -> list[Gap]:
    """One connection whose settle window brings these messages."""
    said = list(gaps.connected(at, replaying=True))
    for name in known:
        gaps.met_again(name * 32)
    for name in new:
        gaps.admitted(message(name))
    return said + list(gaps.settled(at + 2))


class TestReplay:
    def test_the_very_first_connection_makes_no_gap(self) -> None:
        assert replayed(ReplayGaps("news"), NOW, new="ab") == []

    def test_an_overlap_proves_that_nothing_is_missing(self) -> None:
        gaps = ReplayGaps("news")
        replayed(gaps, NOW, new="ab")
        assert list(gaps.disconnected(NOW + 5)) == []
        assert replayed(gaps, NOW + 9, known="b", new="c") == []

    def test_no_overlap_is_said_with_both_edges(self) -> None:
        gaps = ReplayGaps("news")
        replayed(gaps, NOW, new="a")
        gaps.admitted(message("b", 7_000_000))
        list(gaps.disconnected(NOW + 5))
        [gap] = replayed(gaps, NOW + 9, new="cd")
        assert gap == Gap(
            "news",
            "no_overlap",
            detected_at=NOW + 11,
            disconnected_at=NOW + 5,
            connected_at=NOW + 9,
            last_message_id="b",
            last_event_time=7_000,
            first_message_id="c",
            detail=gap.detail,
        )

    def test_an_empty_replay_proves_nothing(self) -> None:
        gaps = ReplayGaps("news")
        replayed(gaps, NOW, new="a")
        list(gaps.disconnected(NOW + 5))
        assert [gap.reason for gap in replayed(gaps, NOW + 9)] == ["no_replay"]

    def test_a_crash_is_an_interruption(self) -> None:
        gaps = ReplayGaps("news")
        gaps.restored("z", 9)
        gaps.interrupted()
        [gap] = replayed(gaps, NOW, new="a")
        assert (gap.reason, gap.last_message_id, gap.disconnected_at) == ("no_overlap", "z", None)

    def test_meeting_a_message_of_the_same_window_again_proves_nothing(self) -> None:
        gaps = ReplayGaps("news")
        gaps.restored("z", None)
        gaps.interrupted()
        list(gaps.connected(NOW, replaying=True))
        gaps.admitted(message("a"))
        gaps.met_again("a" * 32)
        assert [gap.reason for gap in gaps.settled(NOW + 2)] == ["no_overlap"]

    def test_a_window_that_breaks_off_says_at_once_what_it_could_not_prove(self) -> None:
        gaps = ReplayGaps("news")
        gaps.restored("z", None)
        gaps.interrupted()
        list(gaps.connected(NOW, replaying=True))
        gaps.admitted(message("a"))
        assert [gap.reason for gap in gaps.disconnected(NOW + 1)] == ["no_overlap"]
        assert replayed(gaps, NOW + 9, known="a") == []

    def test_an_interruption_in_which_nothing_arrived_goes_on_and_is_said_once(self) -> None:
        gaps = ReplayGaps("news")
        gaps.restored("z", None)
        gaps.interrupted()
        list(gaps.connected(NOW, replaying=True))
        assert list(gaps.disconnected(NOW + 1)) == []
        assert [gap.last_message_id for gap in replayed(gaps, NOW + 9, new="a")] == ["z"]
        assert list(gaps.disconnected(NOW + 20)) == []

    def test_a_connection_without_replay_is_said_at_once(self) -> None:
        gaps = ReplayGaps("news")
        replayed(gaps, NOW, new="a")
        list(gaps.disconnected(NOW + 5))
        assert [gap.reason for gap in gaps.connected(NOW + 9, replaying=False)] == ["no_replay"]


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

    def test_memory_ends_with_the_call(self) -> None:
        gaps = SequenceGaps("transcripts", SECOND)
        self.heard(gaps, 0)
        assert self.ranges(gaps, NOW + 3 * RUNNING) == []
        assert gaps._transcripts == {}

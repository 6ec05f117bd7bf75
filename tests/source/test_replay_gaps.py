"""What a replay proves, and what it does not."""

from __future__ import annotations

from connector.messages import Message
from connector.source.gaps import Gap
from connector.source.replay_gaps import ReplayGaps

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


def test_the_very_first_connection_makes_no_gap() -> None:
    assert replayed(ReplayGaps("news"), NOW, new="ab") == []


def test_an_overlap_proves_that_nothing_is_missing() -> None:
    gaps = ReplayGaps("news")
    replayed(gaps, NOW, new="ab")
    gaps.disconnected(NOW + 5)
    assert replayed(gaps, NOW + 9, known="b", new="c") == []


def test_no_overlap_is_said_with_both_edges() -> None:
    gaps = ReplayGaps("news")
    replayed(gaps, NOW, new="a")
    gaps.admitted(message("b", 7_000_000))
    gaps.disconnected(NOW + 5)
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


def test_an_empty_replay_proves_nothing() -> None:
    gaps = ReplayGaps("news")
    replayed(gaps, NOW, new="a")
    gaps.disconnected(NOW + 5)
    assert [gap.reason for gap in replayed(gaps, NOW + 9)] == ["no_replay"]


def test_a_crash_is_an_interruption() -> None:
    gaps = ReplayGaps("news")
    gaps.restored("z", 9)
    gaps.interrupted()
    [gap] = replayed(gaps, NOW, new="a")
    assert (gap.reason, gap.last_message_id, gap.disconnected_at) == ("no_overlap", "z", None)


def test_meeting_a_message_of_the_same_window_again_proves_nothing() -> None:
    gaps = ReplayGaps("news")
    gaps.restored("z", None)
    gaps.interrupted()
    list(gaps.connected(NOW, replaying=True))
    gaps.admitted(message("a"))
    gaps.met_again("a" * 32)
    assert [gap.reason for gap in gaps.settled(NOW + 2)] == ["no_overlap"]


def test_half_a_replay_proves_nothing_neither_way() -> None:
    gaps = ReplayGaps("news")
    replayed(gaps, NOW, new="z")
    gaps.disconnected(NOW + 5)
    list(gaps.connected(NOW + 6, replaying=True))
    gaps.met_again("z" * 32)
    gaps.admitted(message("c"))  # live, before the replay had brought a and b
    gaps.disconnected(NOW + 7)
    [gap] = replayed(gaps, NOW + 9, known="c", new="d")
    assert (gap.reason, gap.last_message_id, gap.first_message_id) == ("no_overlap", "z", "d")


def test_a_replay_that_reaches_back_behind_half_a_one_proves_everything() -> None:
    gaps = ReplayGaps("news")
    replayed(gaps, NOW, new="z")
    gaps.disconnected(NOW + 5)
    list(gaps.connected(NOW + 6, replaying=True))
    gaps.admitted(message("c"))
    gaps.disconnected(NOW + 7)
    assert replayed(gaps, NOW + 9, known="zc", new="ab") == []
    gaps.disconnected(NOW + 15)
    assert replayed(gaps, NOW + 19, known="b") == []


def test_of_a_very_first_replay_that_broke_off_the_oldest_message_must_come_again() -> None:
    for known, reasons in (("a", []), ("c", ["no_overlap"])):
        gaps = ReplayGaps("news")
        list(gaps.connected(NOW, replaying=True))
        gaps.admitted(message("a"))
        gaps.admitted(message("c"))
        gaps.disconnected(NOW + 1)
        assert [gap.reason for gap in replayed(gaps, NOW + 9, known=known)] == reasons


def test_after_a_crash_what_a_replay_brought_proves_nothing_unless_something_live_came_after_it() -> None:
    for known, reasons in (("z", []), ("a", ["no_overlap"])):
        gaps = ReplayGaps("news")
        gaps.restored("z", None, NOW, ["a" * 32])
        gaps.interrupted()
        assert [gap.reason for gap in replayed(gaps, NOW + 9, known=known)] == reasons


def test_what_the_journal_holds_besides_is_known_as_well() -> None:
    for known, reasons in (("a", ["no_overlap"]), ("b", []), ("z", [])):
        gaps = ReplayGaps("news")
        gaps.restored("z", None, NOW)
        gaps.recovered(message("a"), NOW + 1, replayed=True)
        gaps.recovered(message("b"), NOW + 2, replayed=False)
        gaps.interrupted()
        assert [gap.reason for gap in replayed(gaps, NOW + 9, known=known)] == reasons


def test_an_interruption_in_which_nothing_arrived_goes_on_and_is_said_once() -> None:
    gaps = ReplayGaps("news")
    gaps.restored("z", None)
    gaps.interrupted()
    list(gaps.connected(NOW, replaying=True))
    gaps.disconnected(NOW + 1)
    assert [gap.last_message_id for gap in replayed(gaps, NOW + 9, new="a")] == ["z"]
    gaps.disconnected(NOW + 20)
    assert replayed(gaps, NOW + 29, known="a") == []


def test_a_connection_without_replay_is_said_at_once() -> None:
    gaps = ReplayGaps("news")
    replayed(gaps, NOW, new="a")
    gaps.disconnected(NOW + 5)
    assert [gap.reason for gap in gaps.connected(NOW + 9, replaying=False)] == ["no_replay"]

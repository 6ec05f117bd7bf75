"""What counts as the same message (contract §3), case by case and against simple models."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.messages import Message
from connector.source.windows import EnvelopeWindow, FingerprintWindow, TranscriptWindow, Verdict


def message(message_id: str, content: str, *, feed_id: bool = True, has_time: bool = True) -> Message:
    return Message(message_id, feed_id, "r", content * 32, "created", None, None, has_time, {})


def known(window: EnvelopeWindow | TranscriptWindow, message_id: str, content: str, partition: int = 0) -> None:
    window.add(partition, message_id, bytes.fromhex(content * 32))


class TestEnvelope:
    def test_equal_id_and_content_is_the_same_message(self) -> None:
        window = EnvelopeWindow(10)
        known(window, "a", "1")
        assert window.check(0, message("a", "1")) is Verdict.DUPLICATE

    def test_an_id_that_changed_on_replay_is_seen_by_the_content(self) -> None:
        window = EnvelopeWindow(10)
        known(window, "a", "1")
        assert window.check(0, message("b", "1")) is Verdict.DUPLICATE

    def test_equal_content_without_a_time_may_be_said_twice(self) -> None:
        window = EnvelopeWindow(10)
        known(window, "a", "1")
        assert window.check(0, message("b", "1", has_time=False)) is Verdict.NEW

    def test_equal_feed_id_with_another_content_is_a_conflict_and_stays_one(self) -> None:
        window = EnvelopeWindow(10)
        known(window, "a", "1")
        assert window.check(0, message("a", "2")) is Verdict.CONFLICT
        known(window, "a", "2")
        assert window.check(0, message("a", "1")) is Verdict.DUPLICATE
        assert window.check(0, message("a", "2")) is Verdict.DUPLICATE
        assert window.check(0, message("a", "3")) is Verdict.CONFLICT

    def test_each_partition_forgets_its_own_oldest(self) -> None:
        window = EnvelopeWindow(2)
        known(window, "quiet", "0", partition=1)
        for content in "123":
            known(window, content, content)
        assert window.check(0, message("1", "1")) is Verdict.NEW
        assert window.check(0, message("2", "2")) is Verdict.DUPLICATE
        assert window.check(0, message("quiet", "0")) is Verdict.DUPLICATE
        assert len(window) == 3

    @given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("123")), max_size=60), st.integers(1, 8))
    def test_against_a_list_of_the_last_messages(self, arrivals: list[tuple[str, str]], size: int) -> None:
        window, last = EnvelopeWindow(size), list[tuple[str, str]]()
        for message_id, content in arrivals:
            verdict = window.check(0, message(message_id, content))
            if any(content == other for _, other in last):
                assert verdict is Verdict.DUPLICATE
                continue
            same_id = any(message_id == other for other, _ in last)
            assert verdict is (Verdict.CONFLICT if same_id else Verdict.NEW)
            known(window, message_id, content)
            last = [*last, (message_id, content)][-size:]
            assert len(window) == len(last)


class TestTranscripts:
    @given(st.lists(st.tuples(st.sampled_from(["t:1", "t:2", "u:1"]), st.sampled_from("123")), max_size=40))
    def test_only_the_last_version_is_the_same(self, arrivals: list[tuple[str, str]]) -> None:
        window, last = TranscriptWindow(100), dict[str, str]()
        for key, content in arrivals:
            verdict = window.check(0, message(key, content))
            assert verdict is (Verdict.DUPLICATE if last.get(key) == content else Verdict.NEW)
            if verdict is Verdict.NEW:
                known(window, key, content)
                last[key] = content

    def test_the_sentence_touched_longest_ago_is_forgotten(self) -> None:
        window = TranscriptWindow(2)
        for key in ("t:1", "t:2", "t:1", "t:3"):
            known(window, key, "1")
        assert window.check(0, message("t:2", "1")) is Verdict.NEW
        assert window.check(0, message("t:1", "1")) is Verdict.DUPLICATE


def test_frames_are_known_by_their_bytes() -> None:
    window = FingerprintWindow(2)
    for fingerprint in (b"a", b"b", b"a", b"c"):
        window.add(fingerprint)
    assert [window.is_new(f) for f in (b"a", b"b", b"c")] == [False, True, False]
    assert len(window) == 2

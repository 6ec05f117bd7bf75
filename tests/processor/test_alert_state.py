"""What alerts remember: through any restart, and never without bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from connector.errors import DecodeError
from connector.processor import alert_state
from connector.processor.alert_state import AlertState

RULES = st.sampled_from(["a", "b", "\u00fc"])
SEQUENCES = st.integers(-5, 40)


class Remembering(RuleBasedStateMachine):
    """Against plain sets, with a restart between any two steps."""

    def __init__(self) -> None:
        super().__init__()
        self.state = AlertState()
        self.fired: set[tuple[str, int]] = set()
        self.held: dict[str, set[int]] = {}
        self.last: dict[str, int] = {}

    @rule(id_=RULES, sequence=SEQUENCES, at=st.integers(0, 1000))
    def fire(self, id_: str, sequence: int, at: int) -> None:
        expected = len(self.held.pop(id_, set()) - {sequence})
        assert self.state.fire(id_, sequence, at) == expected
        self.fired.add((id_, sequence))
        self.last[id_] = max(self.last.get(id_, at), at)

    @rule(id_=RULES, sequence=SEQUENCES)
    def hold_back(self, id_: str, sequence: int) -> None:
        held = self.held.setdefault(id_, set())
        assert self.state.hold_back(id_, sequence) is (sequence not in held)
        held.add(sequence)

    @rule()
    def restart(self) -> None:
        dumped = self.state.dump()
        self.state = AlertState.load(dumped)
        assert not self.state.changed
        assert self.state.dump() == dumped

    @rule(id_=RULES, sequence=SEQUENCES, at=st.integers(0, 1000), cooldown=st.integers(0, 500))
    def ask(self, id_: str, sequence: int, at: int, cooldown: int) -> None:
        assert self.state.has_fired(id_, sequence) is ((id_, sequence) in self.fired)
        assert self.state.is_cooling(id_, at, cooldown) is (id_ in self.last and at < self.last[id_] + cooldown)

    @invariant()
    def dump_is_the_same_each_time(self) -> None:
        assert self.state.dump() == self.state.dump()


TestRemembering = Remembering.TestCase


def test_asking_changes_nothing() -> None:
    state = AlertState.load(b"null")
    assert not state.has_fired("r", 1)
    assert not state.is_cooling("r", 1, 1)
    assert not state.changed
    assert state.dump() == b"{}"


@pytest.mark.parametrize("dumped", [b"", b"[]", b"{", b'{"a":["x"]}', b"\xff"])
def test_what_it_did_not_write_it_does_not_read(dumped: bytes) -> None:
    with pytest.raises(DecodeError):
        AlertState.load(dumped)


def test_a_shorter_record_is_an_older_one() -> None:
    assert AlertState.load(b'{"a":[1,2]}').is_cooling("a", 1, 1)


@given(st.permutations(list(range(60))))
def test_beyond_its_bound_it_forgets_the_earlier_half_and_fires_nothing_twice(order: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alert_state, "MAX_REMEMBERED", 20)
        state = AlertState()
        fired = set()
        for sequence in order:
            if not state.has_fired("r", sequence):
                assert sequence not in fired
                state.fire("r", sequence, sequence)
                fired.add(sequence)
            state = AlertState.load(state.dump())
        assert all(state.has_fired("r", sequence) for sequence in fired)
        assert len(state.dump()) < 100


def test_its_bound_is_some_ten_thousand_sentences() -> None:
    state = AlertState()
    for sequence in range(0, 60_000, 3):
        state.hold_back("held", sequence)
        state.fire("often", sequence, sequence)
    assert len(state.dump()) < 30_000
    assert state.fire("held", 60_000, 0) == 20_000

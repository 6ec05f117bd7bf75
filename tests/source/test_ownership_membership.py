"""A source as a member of its group, on a real broker, without the rest of the process."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import ConfigurationError, KafkaError, TopicError
from connector.kafka import clients
from connector.kafka.claims import Claim, claim_partition, claim_record, release_record, source_group
from connector.kafka.claims_reader import is_held
from connector.kafka.topics import OWNERSHIP
from connector.kafka.transactions import TransactionalProducer
from connector.settings import Settings
from connector.source import membership
from connector.source.instance_id import InstanceId
from connector.source.lease import boot_seconds
from connector.source.membership import Membership, State
from connector.streams import STREAMS
from tests.support.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from connector.embedded import EmbeddedKafka
    from connector.source.sign_of_life import SignOfLife


class Heard:
    """What a membership tells."""

    def __init__(self) -> None:
        self.signs: dict[str, SignOfLife | None] = {}
        self.streams: set[str] = set()
        self.claims: list[Claim] = []
        self.may_lose = False
        self.lost_streams: list[str] = []

    def assigned(self, streams: Mapping[str, SignOfLife | None]) -> None:
        self.signs.update(streams)

    def revoked(self, streams: Iterable[str]) -> Future[None]:
        self.streams -= set(streams)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def lost(self, streams: Iterable[str], *, slept: bool) -> None:
        assert self.may_lose, (streams, slept)
        self.lost_streams += streams

    def joined(self, streams: Iterable[str]) -> None:
        self.streams = set(streams)

    def claimed(self, claim: Claim) -> None:
        self.claims.append(claim)


class Member:
    """A membership in its thread."""

    def __init__(self, settings: Settings, instance: str, instance_id: InstanceId | None = None) -> None:
        self.heard = Heard()
        self.membership = Membership(settings, instance, instance_id, self.heard)
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.membership.run()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def until(self, predicate: Callable[[], bool], timeout: float = 60.0) -> None:
        deadline = time.monotonic() + timeout
        while not predicate():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def ended(self) -> Exception | None:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.error

    def leave(self) -> None:
        self.membership.leave()
        assert self.ended() is None


@pytest.fixture
def made(kafka: EmbeddedKafka, prefix: str) -> Iterator[Callable[..., tuple[Member, Settings]]]:
    """Makes members of one cluster's groups; those that still are at the end leave."""
    members: list[Member] = []

    def make(
        instance: str, streams: list[str], kept: InstanceId | None = None, **ownership: Any
    ) -> tuple[Member, Settings]:
        settings = Settings.model_validate(
            {
                "kafka": {"bootstrap_servers": kafka.bootstrap_servers},
                "topics": {"prefix": prefix},
                "feed": {"streams": streams},
                "source": {"ownership": ownership},
            }
        )
        members.append(Member(settings, instance, kept))
        return members[-1], settings

    yield make
    for member in members:
        member.membership.leave()
        member.ended()


@pytest.fixture
def topic(kafka: EmbeddedKafka, prefix: str) -> str:
    name = f"{prefix}.{OWNERSHIP}"
    create_topics(kafka.bootstrap_servers, name, partitions=len(STREAMS))
    return name


@pytest.mark.usefixtures("topic")
def test_from_joining_to_leaving(made: Callable[..., tuple[Member, Settings]], prefix: str) -> None:
    one, settings = made("one", ["news", "ratings"])
    assert one.membership.group_id == source_group(settings) == f"{prefix}.source.ratings+news"
    one.until(lambda: one.heard.streams == {"ratings", "news"})
    one.until(lambda: one.membership.lease.valid)
    assert one.membership.state is State.MEMBER
    assert one.heard.signs == {"ratings": None, "news": None}

    claim = claim_record(settings, "news", "one")
    producer = TransactionalProducer(lambda: clients.producer(settings.kafka, f"{prefix}.news"), f"{prefix}.news")
    producer.fence()
    producer.publish([claim])
    one.until(lambda: len(one.heard.claims) == 1)
    producer.publish([release_record(settings, claim)])
    producer.close()
    one.until(lambda: len(one.heard.claims) == 2)
    taken, released = one.heard.claims
    assert (taken.instance, taken.group, taken.released_at) == ("one", one.membership.group_id, None)
    assert released.claimed_at == taken.claimed_at <= (released.released_at or 0)

    admin = clients.admin(settings.kafka)
    assert is_held(admin, settings, taken)
    assert not is_held(admin, settings, Claim("news", "old", 0))  # of a version without groups
    assert not is_held(admin, settings, Claim("news", "other", 0, f"{prefix}.source"))  # a group that never was
    one.leave()
    assert not one.membership.lease.valid
    assert not is_held(admin, settings, taken)

    # The next one knows since when nobody has the streams, and who had them: it was not waited for.
    two, _ = made("two", ["news", "ratings"])
    two.until(lambda: two.heard.streams == {"ratings", "news"}, timeout=5.5)
    sign = two.heard.signs["news"]
    assert sign is not None
    assert sign.instance == "one"
    assert 0 < time.time() - sign.alive_at / 1e6 < 60
    two.until(lambda: two.heard.claims == [taken, released])


@pytest.mark.usefixtures("topic")
def test_a_name_is_one_process_s_alone(made: Callable[..., tuple[Member, Settings]], tmp_path: Path) -> None:
    first, _ = made("first", ["news"], instance_id="same")
    first.until(lambda: bool(first.heard.streams))
    second, _ = made("second", ["news"], instance_id="same")
    error = first.ended()
    assert isinstance(error, KafkaError)
    assert "source.ownership.instance_id same must be this process's alone" in str(error)
    second.until(lambda: bool(second.heard.streams))

    # A name of the journal's folder, which was copied: the next start takes another one.
    kept = InstanceId.take(tmp_path / "journal")
    assert kept is not None
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "member-0.id").write_text(kept.text)
    copied = InstanceId.take(tmp_path / "copy")
    assert copied is not None
    third, _ = made("third", ["insights"], kept)
    third.until(lambda: bool(third.heard.streams))
    fourth, _ = made("fourth", ["insights"], copied)
    error = third.ended()
    assert "was source.journal.dir copied?" in str(error)
    fourth.until(lambda: bool(fourth.heard.streams))
    kept.close()
    again = InstanceId.take(tmp_path / "journal")
    assert again is not None
    assert again.text != copied.text


@pytest.mark.usefixtures("topic")
def test_who_is_fenced_by_its_own_new_membership_joins_again(
    made: Callable[..., tuple[Member, Settings]], topic: str
) -> None:
    member, settings = made("only", ["news"], instance_id="same")
    member.until(lambda: bool(member.heard.streams))
    # As librdkafka does after a session that timed out: the group is joined again, and the old member's name is taken.
    member.heard.may_lose = True
    member.membership._lost_at = boot_seconds()
    config = {"group.instance.id": "same", "partition.assignment.strategy": "cooperative-sticky"}
    ghost = clients.consumer(settings.kafka, member.membership.group_id, **config)
    ghost.subscribe([topic])
    deadline = time.monotonic() + 60
    while not ghost.assignment() and time.monotonic() < deadline:
        ghost.poll(0.1)
    member.until(lambda: member.heard.lost_streams == ["news"])
    member.until(lambda: member.membership.lease.valid)
    assert member.heard.streams == {"news"}
    assert member.error is None
    ghost.close()


@pytest.mark.usefixtures("topic")
def test_a_session_that_the_brokers_refuse_is_named(made: Callable[..., tuple[Member, Settings]]) -> None:
    member, _ = made("one", ["news"], session_timeout="40m")
    error = member.ended()
    assert isinstance(error, ConfigurationError)
    assert "source.ownership.session_timeout: the brokers refuse 2400 s" in str(error)


def test_a_topic_that_is_not_known_yet_is_waited_for_but_not_for_ever(
    made: Callable[..., tuple[Member, Settings]],
    kafka: EmbeddedKafka,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as impatient:
        impatient.setattr(membership, "MISSING_FOR", 0.5)
        never, _ = made("never", ["news"])
        error = never.ended()
    assert isinstance(error, TopicError)
    assert "run `benzinga-kafka provision`" in str(error)
    early, _ = made("early", ["news"])
    create_topics(kafka.bootstrap_servers, f"{prefix}.{OWNERSHIP}", partitions=len(STREAMS))
    early.until(lambda: early.heard.streams == {"news"}, timeout=30)


def test_all_streams_need_no_suffix_and_the_order_does_not_matter() -> None:
    def group(streams: list[str]) -> str:
        return source_group(Settings.model_validate({"feed": {"streams": streams}}))

    assert group([*reversed(STREAMS)]) == "benzinga.source"
    assert (
        group(["transcripts", "insights"])
        == group(["insights", "transcripts"])
        == "benzinga.source.insights+transcripts"
    )
    assert [claim_partition(stream) for stream in STREAMS] == list(range(len(STREAMS)))

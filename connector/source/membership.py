"""The consumer group's side of ownership: joins, hears of rebalances, keeps the lease, leaves. One thread.

Nothing is consumed: a partition of `internal.ownership` stands for a stream, and its offset is committed as a sign of
life (with the time of day in its metadata, from which a successor tells how long nobody read the stream).

Static members do not leave a group when they are closed, so that a restart costs nothing; but they do when they
unsubscribe (librdkafka). So an orderly end hands over at once, and a killed process is expected back for a session.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import TimeoutError as FutureTimeoutError
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka import KafkaException, TopicPartition

from connector.errors import ConfigurationError, KafkaError, TopicError
from connector.kafka import clients
from connector.kafka.claims import claim_partition, source_group
from connector.kafka.claims_reader import ClaimsReader
from connector.kafka.topics import OWNERSHIP, topic_name
from connector.logs import get_logger
from connector.source.lease import Lease, boot_seconds
from connector.source.sign_of_life import last_signs, sign_of_life

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Future

    from confluent_kafka import Consumer

    from connector.kafka.claims import Claim
    from connector.kafka.statistics import Watch
    from connector.settings import Settings
    from connector.source.instance_id import InstanceId
    from connector.source.sign_of_life import SignOfLife

log = get_logger(__name__)

POLL: Final = 0.1
"""Seconds until a new claim, or the wish to leave, is noticed."""

HEARTBEATS: Final = 12
"""In a session time-out: with a heartbeat a member hears of a rebalance, so they set how long a hand-over takes."""

POLL_INTERVAL: Final = 300.0
"""Seconds between two polls after which librdkafka leaves the group; never shorter than the session."""

LEAVE_WITHIN: Final = 2.0
"""Seconds that the coordinator has to hear that we leave."""

LEFT: Final = 0.1
"""Seconds that the request has after librdkafka gave up its membership."""

REVOKED_WITHIN: Final = 10.0
"""Seconds after which a rebalance goes on without our streams having ended: they are bounded, to far less."""

MISSING_FOR: Final = 15.0
"""Seconds for which a topic that was made a moment ago may be unknown to the broker that we ask."""

ASK_AGAIN: Final = 0.5
"""Seconds between two subscriptions until then: librdkafka itself would wait for its next metadata refresh."""

GHOST_SESSIONS: Final = 2
"""Sessions after a membership was lost in which it is ourselves who fence us: a sign of life that was under way for the
old membership, while a coordinator moved, say, comes to a group that knows us as another member by now. librdkafka
takes that for another process of our name, and its client is of no use any more."""

_DENIED: Final = frozenset({RdKafkaError.TOPIC_AUTHORIZATION_FAILED, RdKafkaError.GROUP_AUTHORIZATION_FAILED})
_MISSING: Final = frozenset(
    {
        RdKafkaError.UNKNOWN_TOPIC_OR_PART,
        RdKafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - a public constant
    }
)
_FENCED_INSTANCE: Final = RdKafkaError.FENCED_INSTANCE_ID


class State(Enum):
    """Where the process is in the group's life."""

    JOINING = "joining"
    MEMBER = "member"
    LEFT = "left"


class _OwnGhostError(Exception):
    """We were fenced by our own new membership: a new client joins again."""


class Listener(Protocol):
    """Who is told; called in the membership's thread."""

    def assigned(self, streams: Mapping[str, SignOfLife | None]) -> None:
        """These are ours; with the last sign of life of whoever had them."""

    def revoked(self, streams: Iterable[str]) -> Future[None]:
        """These go to another member as soon as the future is done."""

    def lost(self, streams: Iterable[str], *, slept: bool) -> None:
        """These may have gone already; `slept`: this process did not run for longer than a session."""

    def joined(self, streams: Iterable[str]) -> None:
        """A rebalance is over: these are all we have."""

    def claimed(self, claim: Claim) -> None:
        """A claim was committed."""


class Membership:
    """This process as a member. `run` in a thread; `state`, `lease` and `member_id` are read from any."""

    def __init__(
        self,
        settings: Settings,
        instance: str,
        instance_id: InstanceId | None,
        listener: Listener,
        watch: Watch | None = None,
    ) -> None:
        """`instance_id`: what this process is known by after a restart, where the settings do not say.

        `watch` hears the client's statistics and errors. Raises ConfigurationError for options librdkafka refuses.
        """
        ownership = settings.source.ownership
        self.group_id = source_group(settings)
        self.instance_id = ownership.instance_id or (instance_id and instance_id.text)
        self.state = State.JOINING
        self.member_id = ""
        session = ownership.session_timeout.total_seconds()
        self.lease = Lease(session)
        self._session = session
        self._instance = instance
        self._own_id = instance_id
        self._listener = listener
        self._topic = topic_name(settings.topics, OWNERSHIP)
        self._stream_of = {claim_partition(stream): stream for stream in settings.feed.streams}
        self._partitions: set[int] = set()
        """Ours per the group, those of streams that this process does not carry included."""
        self._leaving = threading.Event()
        self._turned_at = self._slept_at = float("-inf")
        self._missing: RdKafkaError | None = None
        self._missing_until = float("inf")
        self._subscribe_at = float("inf")
        self._lost_at = self._joined_anew_at = float("-inf")
        self._settings = settings.kafka
        self._watch = watch
        self._consumer = self._made()
        self._claims = ClaimsReader(settings, settings.feed.streams)

    def _made(self) -> Consumer:
        static = {"group.instance.id": self.instance_id} if self.instance_id else {}
        return clients.consumer(
            self._settings,
            self.group_id,
            **{
                "session.timeout.ms": int(self._session * 1000),
                "max.poll.interval.ms": int(max(POLL_INTERVAL, self._session) * 1000),
                "heartbeat.interval.ms": int(self._session * 1000 / HEARTBEATS),
                "partition.assignment.strategy": "cooperative-sticky",
                "on_commit": self._on_commit,
                **(self._watch.configuration() if self._watch is not None else {}),
                **static,
            },
        )

    def leave(self) -> None:
        """Make `run` leave the group and return; from any thread. The streams must have ended, or be halted."""
        self._leaving.set()

    def run(self) -> None:
        """Be a member until `leave`. Raises KafkaError or ConfigurationError where going on makes no sense."""
        self._turned_at = boot_seconds()
        self._subscribe()
        try:
            while not self._leaving.is_set():
                try:
                    self._turn()
                except _OwnGhostError as error:
                    self._join_anew(error)
            self._unsubscribe()
        except KafkaException as error:
            self._trouble(error.args[0])
            raise KafkaError(f"{self.group_id}: {error.args[0].str()}", code=error.args[0].name()) from error
        finally:
            self.lease.end()
            self.state = State.LEFT
            self._consumer.close()
            self._claims.close()

    def _turn(self) -> None:
        message = self._consumer.poll(POLL)
        if message is not None and (error := message.error()) is not None:
            self._trouble(error)
        self._note_sleep()
        if self._missing is not None:
            self._ask_again(self._missing)
        if self._partitions and self.lease.due:
            self._renew()
        for claim in self._claims.poll():
            self._listener.claimed(claim)

    def _subscribe(self) -> None:
        self._subscribe_at = time.monotonic() + ASK_AGAIN
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def _ask_again(self, error: RdKafkaError) -> None:
        """The topic is missing, which librdkafka says once: look again now and then, but not for ever."""
        now = time.monotonic()
        if now >= self._missing_until:
            raise self._unusable(error)
        if now >= self._subscribe_at:
            self._subscribe()

    def _join_anew(self, error: _OwnGhostError) -> None:
        log.warning("ownership.joining_anew", group=self.group_id, error=str(error))
        self._joined_anew_at = boot_seconds()
        self._consumer.close()
        streams, self._partitions = self._streams(self._partitions), set()
        self.state = State.JOINING
        self.lease.abandon()
        if streams:
            self._listener.lost(streams, slept=False)
        self._consumer = self._made()
        self._subscribe()

    def _note_sleep(self) -> None:
        now = boot_seconds()
        if (seconds := now - self._turned_at) > self._session:
            self._slept_at = now
            log.warning("ownership.slept", seconds=round(seconds, 1))
        self._turned_at = now

    def _unsubscribe(self) -> None:
        """Leave, so that the next member need not wait for the session to time out."""
        self.lease.end()
        self._consumer.unsubscribe()
        deadline = time.monotonic() + LEAVE_WITHIN
        while self._consumer.memberid() and time.monotonic() < deadline:
            self._consumer.poll(POLL)
        self._consumer.poll(LEFT)
        log.info("ownership.left", group=self.group_id)

    def _trouble(self, error: RdKafkaError) -> None:
        if error.code() in _MISSING:
            self._missing, self._missing_until = error, time.monotonic() + MISSING_FOR
            return
        if error.code() in _DENIED:
            raise self._unusable(error)
        if error.code() == RdKafkaError.INVALID_SESSION_TIMEOUT:
            problem = (
                f"source.ownership.session_timeout: the brokers refuse {self._session:g} s; set one between their "
                "group.min.session.timeout.ms and group.max.session.timeout.ms"
            )
            raise ConfigurationError([problem])
        if error.code() == _FENCED_INSTANCE or error.fatal() or error.code() == RdKafkaError._FATAL:  # noqa: SLF001
            lost, anew = (boot_seconds() - at for at in (self._lost_at, self._joined_anew_at))
            if lost < GHOST_SESSIONS * self._session < anew:
                raise _OwnGhostError(error.str())
            raise KafkaError(f"{self.group_id}: {error.str()}{self._hint()}", code=error.name())
        log.warning("ownership.group_error", error=error.str(), code=error.name())

    def _unusable(self, error: RdKafkaError) -> TopicError:
        return TopicError(
            f"{self.group_id}: {error.str()}; allow READ on the group and on {self._topic}, "
            "or run `benzinga-kafka provision`"
        )

    def _hint(self) -> str:
        if self._own_id is None:
            return f"; source.ownership.instance_id {self.instance_id} must be this process's alone"
        self._own_id.replace()
        return (
            f"; another process calls itself {self.instance_id}, too: was source.journal.dir copied? "
            "The next start takes another name"
        )

    # The lease

    def _renew(self) -> None:
        metadata = sign_of_life(self._instance)
        positions = self._claims.positions
        self.lease.ask()
        self._consumer.commit(
            offsets=[
                TopicPartition(self._topic, partition, positions.get(partition, 0), metadata)
                for partition in self._partitions
            ],
            asynchronous=True,
        )

    def _on_commit(self, error: RdKafkaError | None, partitions: list[TopicPartition]) -> None:
        self.lease.answered(ok=error is None and all(partition.error is None for partition in partitions))

    # Rebalances: called from within poll

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = {p.partition for p in partitions}
        if partitions:
            alive = last_signs(consumer, partitions)
            consumer.incremental_assign(partitions)
            consumer.pause(partitions)  # nothing is read here
            self._partitions |= numbers
            self.lease.hurry()
            streams = {stream: alive.get(p) for p in sorted(numbers) if (stream := self._stream_of.get(p))}
            log.info("ownership.assigned", group=self.group_id, streams=list(streams))
            self._listener.assigned(streams)
        self._missing = None
        self.member_id = consumer.memberid() or ""
        self.state = State.MEMBER
        self._listener.joined(self._streams(self._partitions))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = {p.partition for p in partitions}
        streams = self._streams(numbers)
        log.info("ownership.revoked", group=self.group_id, streams=streams)
        try:
            self._listener.revoked(streams).result(REVOKED_WITHIN)
        except FutureTimeoutError:
            log.exception("ownership.not_ended", streams=streams)  # whoever comes next fences them
        self._partitions -= numbers
        consumer.incremental_unassign(partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._note_sleep()
        slept = boot_seconds() - self._slept_at < self._session
        streams = self._streams(p.partition for p in partitions)
        log.warning("ownership.lost", group=self.group_id, streams=streams, slept=slept)
        self._lost_at = boot_seconds()
        self.lease.end()
        self.state = State.JOINING
        self._listener.lost(streams, slept=slept)
        self._partitions -= {p.partition for p in partitions}
        consumer.incremental_unassign(partitions)

    def _streams(self, partitions: Iterable[int]) -> list[str]:
        return [stream for partition in sorted(partitions) if (stream := self._stream_of.get(partition))]

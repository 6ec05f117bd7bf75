"""Which of the configured streams this process carries, from joining the group to leaving it.

The group's thread tells what it hears; everything is decided and done in the event loop, one event after the other.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from connector.errors import KafkaError
from connector.kafka import clients
from connector.kafka.claims_reader import is_held
from connector.kafka.statistics import Watch
from connector.logs import get_logger
from connector.source.handover import Handover
from connector.source.instance_id import InstanceId
from connector.source.keeper import Keeper
from connector.source.membership import Membership, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future

    from connector.kafka.claims import Claim
    from connector.metrics import SourceMetrics
    from connector.settings import Settings
    from connector.source.sign_of_life import SignOfLife
    from connector.source.stream import StreamSource

log = get_logger(__name__)

REVOKE_WITHIN: Final = 5.0
"""Seconds that streams which go to another member have to finish: all of them together."""

STOP_WITHIN: Final = 20.0
"""Seconds an orderly end may take: below the 30 that Kubernetes gives by default. Kafka may be away just then."""


class Ownership:
    """The streams this process may be given, and its membership in their group."""

    def __init__(
        self,
        settings: Settings,
        metrics: SourceMetrics,
        instance: str,
        make: Callable[[str], StreamSource],
        give: Callable[[str, threading.Event], int],
    ) -> None:
        """`make`: a stream's source, not started yet; `give`: hands over what we hold of a stream that is another's."""
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._failure: asyncio.Future[None] = self._loop.create_future()
        self.keepers = {
            stream: Keeper(stream, instance, make, metrics=metrics, is_held=self._is_held, failed=self._failed)
            for stream in settings.feed.streams
        }
        self._instance_id = None
        if settings.source.ownership.instance_id is None:
            self._instance_id = InstanceId.take(settings.source.journal.dir)
        self._membership = Membership(settings, instance, self._instance_id, self, Watch(metrics.kafka, "source"))
        for keeper in self.keepers.values():
            keeper.watch(self._membership.lease)
        self._handover_ends = threading.Event()
        self._handover = Handover(settings, self.keepers, give, self._loop, self._handover_ends)

    async def run(self, stop: asyncio.Event) -> None:
        """Carry what the group gives us until `stop`, finish it and leave the group. Raises what ends the process."""
        executor = ThreadPoolExecutor(2, thread_name_prefix="ownership")
        member = self._loop.run_in_executor(executor, self._membership.run)
        handover = self._loop.run_in_executor(executor, self._handover.run)
        stopping = asyncio.create_task(stop.wait())
        try:
            waiting: set[asyncio.Future[Any]] = {member, handover, stopping, self._failure}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not stopping.done():
                for ended in (self._failure, handover, member):
                    if ended.done():
                        ended.result()
                raise KafkaError(f"{self._membership.group_id}: left before its time")
            self._handover_ends.set()
            await self._finish()
            self._membership.leave()
            await member
            if self._failure.done():
                self._failure.result()
        finally:
            stopping.cancel()
            self._handover_ends.set()
            self.halt()
            await asyncio.gather(*(keeper.close(0) for keeper in self.keepers.values()))
            self._membership.leave()
            await asyncio.wait({member, handover})
            await asyncio.gather(*(keeper.ended() for keeper in self.keepers.values()))
            executor.shutdown()
            if self._instance_id is not None:
                self._instance_id.close()

    def halt(self) -> None:
        """Publish nothing more and close every socket."""
        for keeper in self.keepers.values():
            keeper.halt()

    @property
    def unready(self) -> list[str]:
        """Why this process is not what it should be; empty where it is, as owner or as standby. From any thread."""
        return self._joining + [reason for keeper in self.keepers.values() if (reason := keeper.unready) is not None]

    @property
    def starting(self) -> list[str]:
        """Those among the reasons that are about the start."""
        return self._joining + [reason for keeper in self.keepers.values() if (reason := keeper.starting) is not None]

    @property
    def _joining(self) -> list[str]:
        membership = self._membership
        if membership.state is State.MEMBER:
            return []
        return [f"ownership: {membership.state.value} the consumer group {membership.group_id}"]

    def status(self) -> dict[str, Any]:
        """As JSON values; from any thread."""
        membership = self._membership
        return {
            "group": {
                "id": membership.group_id,
                "instance_id": membership.instance_id,
                "member_id": membership.member_id,
                "state": membership.state.value,
            },
            "streams": {name: keeper.status() for name, keeper in self.keepers.items()},
        }

    async def _finish(self) -> None:
        """Finish every stream. Raises KafkaError where Kafka does not take everything in time."""
        sources = [
            source for keeper in self.keepers.values() if (source := keeper.source) is not None and keeper.carries
        ]
        await asyncio.gather(*(keeper.close(STOP_WITHIN) for keeper in self.keepers.values()))
        left = [source for source in sources if source.unpublished]
        if journalled := sum(source.unpublished for source in left if source.journalled):
            log.warning("source.left_in_journal", messages=journalled)
        if lost := sum(source.unpublished for source in left if not source.journalled):
            raise KafkaError(
                f"stopped with {lost} messages that Kafka did not take in time; the next replay brings "
                "back the last 100 of each stream, and what it does not is said on the gaps topic"
            )

    async def _is_held(self, claim: Claim) -> bool:
        """Whether the claimant still has the stream; so it is taken where nobody can tell."""
        if claim.group == self._membership.group_id:
            return False  # it has not heard yet that the group gave the stream to us
        client = clients.admin(self._settings.kafka)
        try:
            return await asyncio.to_thread(is_held, client, self._settings, claim)
        except KafkaError as error:
            log.warning("ownership.claimant_unknown", stream=claim.stream, error=str(error))
            return True

    def _failed(self, error: BaseException) -> None:
        if not self._failure.done():
            self._failure.set_exception(error)

    # What the membership's thread tells

    def assigned(self, streams: Mapping[str, SignOfLife | None]) -> None:
        """These are ours."""
        for stream, sign in streams.items():
            self._loop.call_soon_threadsafe(self.keepers[stream].assigned, sign)

    def revoked(self, streams: Iterable[str]) -> Future[None]:
        """These go to another member."""
        return asyncio.run_coroutine_threadsafe(self._revoked([self.keepers[stream] for stream in streams]), self._loop)

    async def _revoked(self, keepers: list[Keeper]) -> None:
        await asyncio.gather(*(keeper.revoked(REVOKE_WITHIN) for keeper in keepers))

    def lost(self, streams: Iterable[str], *, slept: bool) -> None:
        """These may have gone already."""
        for stream in streams:
            self._loop.call_soon_threadsafe(lambda keeper: keeper.lost(slept=slept), self.keepers[stream])

    def joined(self, streams: Iterable[str]) -> None:
        """These are all that the group has given us."""
        assigned = set(streams)
        for name, keeper in self.keepers.items():
            held = name in assigned
            self._loop.call_soon_threadsafe(lambda keeper, held: keeper.rejoined(assigned=held), keeper, held)

    def claimed(self, claim: Claim) -> None:
        """A claim was committed."""
        if (keeper := self.keepers.get(claim.stream)) is not None:
            self._loop.call_soon_threadsafe(keeper.claimed, claim)

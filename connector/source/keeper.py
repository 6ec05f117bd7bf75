"""One stream of this process: carries it while it is ours, and does what its tenure asks for. In the event loop."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from connector.kafka.records import rfc_3339
from connector.logs import get_logger
from connector.source.stream import State, StreamSource
from connector.source.tenure import Effect, Phase, Tenure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from connector.journal import Entry
    from connector.kafka.claims import Claim
    from connector.metrics import SourceMetrics
    from connector.source.lease import Lease
    from connector.source.sign_of_life import SignOfLife

log = get_logger(__name__)

HALT_WITHIN: Final = 1.0
"""Seconds that a halted stream is waited for: a call into librdkafka may take longer, but nothing comes of it."""

CONTEST_MIN: Final = 1.0
CONTEST_MAX: Final = 30.0
"""Seconds between two looks at whoever claimed a stream that the group gave to us; doubled each time."""

CONTEST_QUIET: Final = 120.0
"""Seconds of undisputed ownership after which the next contest begins with the least wait again."""

_FENCED_FIRST: Final = frozenset({State.READING_TAIL, State.PUBLISHING})


class Keeper:
    """Starts, stops and halts one stream's source; never two at a time."""

    def __init__(
        self,
        stream: str,
        instance: str,
        make: Callable[[str], StreamSource],
        *,
        metrics: SourceMetrics,
        is_held: Callable[[Claim], Awaitable[bool]],
        failed: Callable[[BaseException], None],
    ) -> None:
        """`is_held`: whether its writer still has the stream; `failed`: is told of what should end the process."""
        self.stream = stream
        self.tenure = Tenure(stream, instance)
        self.source: StreamSource | None = None
        self._instance = instance
        self._make = make
        self._metrics = metrics
        self._is_held = is_held
        self._failed = failed
        self._task: asyncio.Task[None] | None = None
        self._contest: asyncio.Task[None] | None = None
        self._contest_wait = CONTEST_MIN
        self._contested_at = float("-inf")
        self._last_sign: SignOfLife | None = None
        self._closing = False

    def watch(self, lease: Lease) -> None:
        """Let the metric say 1 only while the lease is valid: a process that was stopped says 0 when it wakes."""
        self._metrics.owned.labels(self.stream).set_function(lambda: float(self.owns and lease.valid))

    @property
    def owns(self) -> bool:
        """Whether the stream is ours and fenced; from any thread."""
        source = self.source
        return self.tenure.phase is Phase.OWNED and source is not None and source.state in _FENCED_FIRST

    @property
    def is_ours(self) -> bool:
        """Whether the stream is ours, or what we did for it has not ended; from any thread."""
        task = self._task
        return self.tenure.phase is not Phase.ABSENT or (task is not None and not task.done())

    @property
    def publishing(self) -> bool:
        """Whether the stream is ours and read back, so that more can be taken in; from any thread."""
        source = self.source
        return self.owns and source is not None and source.state is State.PUBLISHING

    async def take_in(self, entries: Sequence[Entry]) -> bool:
        """Take in what another process has handed over; True once our journal has it."""
        return self.publishing and self.source is not None and await self.source.take_in(entries)

    @property
    def carries(self) -> bool:
        """Whether the stream's source runs by right, or until somebody knows better."""
        return self.source is not None and self.tenure.among(Phase.OWNED, Phase.DOUBTFUL)

    @property
    def unready(self) -> str | None:
        """Why a stream that is ours is not as it should be; None where it is, or where it is another's."""
        if self.tenure.phase is not Phase.OWNED:
            return None
        return self.source.unready if self.source is not None else f"{self.stream}: starting"

    @property
    def starting(self) -> str | None:
        """What a stream that is ours still waits for before it can begin; None where it has."""
        if self.tenure.phase is not Phase.OWNED:
            return None
        return self.source.starting if self.source is not None else f"{self.stream}: starting"

    def status(self) -> dict[str, Any]:
        """As JSON values: the source's own, with who owns the stream."""
        source, claim = self.source, self.tenure.claim
        shown: dict[str, Any] = source.status() if source is not None else {"state": self.tenure.phase.value}
        owner = None
        if claim is not None:
            owner = {
                "instance": claim.instance,
                "group": claim.group,
                "claimed_at": rfc_3339(claim.claimed_at),
                "released_at": rfc_3339(claim.released_at) if claim.released_at is not None else None,
            }
        return shown | {"ownership": self.tenure.phase.value, "owner": owner}

    # Events

    def assigned(self, last_sign: SignOfLife | None) -> None:
        """The group gives us the stream; `last_sign`: of whoever had it."""
        self._last_sign = last_sign
        self._do(self.tenure.assigned())

    async def revoked(self, within: float) -> None:
        """Give the stream up: in order within so many seconds, else at once."""
        if self.tenure.revoked() is Effect.STOP:
            await self.finish(within)

    def lost(self, *, slept: bool) -> None:
        """The group may have gone on without us."""
        self._do(self.tenure.lost(slept=slept))

    def rejoined(self, *, assigned: bool) -> None:
        """We are a member again."""
        self._do(self.tenure.rejoined(assigned=assigned))

    def claimed(self, claim: Claim) -> None:
        """Somebody has taken the stream over or given it up."""
        before = self.tenure.claim
        effect = self.tenure.claimed(claim)
        if claim.instance == self._instance and claim.released_at is None:
            self._tell_predecessor(before, claim)
        elif effect is Effect.HALT:
            log.warning("stream.taken_over", stream=self.stream, by=claim.instance, group=claim.group)
        elif claim.released_at is not None and self._contest is not None:
            self._contest_wait = CONTEST_MIN
            self._contest.cancel()  # look soon, instead of after a wait that has grown
            self._contest = None
        self._do(effect)

    async def finish(self, within: float) -> None:
        """End what runs: in order within so many seconds, else at once."""
        task, source = self._task, self.source
        if task is None or task.done():
            return
        if source is not None:
            stopping = asyncio.create_task(source.stop())
            await asyncio.wait({task}, timeout=within)
            await asyncio.wait({stopping}, timeout=0 if task.done() else HALT_WITHIN)
        if not task.done():
            log.warning("stream.halted", stream=self.stream, after_seconds=within)
            self.halt()
            await asyncio.wait({task}, timeout=HALT_WITHIN)

    async def close(self, within: float) -> None:
        """Finish, and start nothing any more."""
        self._closing = True
        if self._contest is not None:
            self._contest.cancel()
        await self.finish(within)

    def halt(self) -> None:
        """Close the socket at once and publish nothing more."""
        if self.source is not None:
            self.source.feed.stop()
            self.source.halt()

    async def ended(self) -> None:
        """Wait until nothing runs any more; whatever it raised was told to `failed`."""
        if self._task is not None:
            await asyncio.wait({self._task})

    # Effects

    def _do(self, effect: Effect | None) -> None:
        if effect is Effect.START and not self._closing:
            self._task = asyncio.create_task(self._carry(self._task), name=f"keep-{self.stream}")
            self._task.add_done_callback(self._note_failure)
        elif effect is Effect.HALT:
            self.halt()
        if self.tenure.phase is Phase.CONTESTED and (self._contest is None or self._contest.done()):
            self._contest = asyncio.create_task(self._wait_for_claimant(), name=f"contest-{self.stream}")
            self._contest.add_done_callback(self._note_failure)

    async def _carry(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        if self._closing or not self.tenure.among(Phase.OWNED):
            return
        source = self.source = self._make(self.stream)
        try:
            await source.run()
        finally:
            # What was not published is journalled, or comes again with the next replay; no longer is it pending here.
            self._metrics.pending_messages.labels(self.stream).set_function(lambda: 0)
            self._metrics.pending_oldest.labels(self.stream).set_function(lambda: 0)
        if source.state is State.TAKEN_OVER:
            self._do(self.tenure.fenced())
        if not self.tenure.among(Phase.OWNED):
            self.source = None

    async def _wait_for_claimant(self) -> None:
        """Take the stream again once whoever claimed it has no right to it any more."""
        now = time.monotonic()
        if now - self._contested_at > CONTEST_QUIET:
            self._contest_wait = CONTEST_MIN
        while self.tenure.among(Phase.CONTESTED):
            await asyncio.sleep(self._contest_wait)
            self._contest_wait = min(CONTEST_MAX, self._contest_wait * 2)
            self._contested_at = time.monotonic()
            claim = self.tenure.claim
            if not self.tenure.among(Phase.CONTESTED):
                return
            if claim is None or self.tenure.claimed_by_us or not await self._is_held(claim):
                log.info("stream.claimant_gone", stream=self.stream, claimant=self.tenure.owner)
                self._do(self.tenure.freed())

    def _note_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    def _tell_predecessor(self, before: Claim | None, ours: Claim) -> None:
        """Log from whom we took over, and how long nobody read the stream."""
        if before is None:
            log.info("stream.taken_for_the_first_time", stream=self.stream)
            return
        if before.instance == self._instance:
            return
        sign = self._last_sign
        until = before.released_at
        if until is None and sign is not None and sign.instance == before.instance:
            until = sign.alive_at
        seconds = None if until is None else round(max(0, ours.claimed_at - until) / 1e6, 3)
        released = before.released_at is not None
        log.info(
            "stream.taken_over_from",
            stream=self.stream,
            previous=before.instance,
            released=released,
            unowned_seconds=seconds,
        )

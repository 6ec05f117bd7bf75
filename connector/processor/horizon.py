"""Up to which instant the silence of a partition is known to be silence, and not a backlog."""

from __future__ import annotations


class Horizon:
    """Microseconds since the epoch throughout.

    A deadline has passed when the clock says so *and* nothing that was received before it can still be waiting in the
    partition. While the processor lags, that is known up to the `received_at` of what it reads (the source publishes
    in the order it receives); once it has caught up, up to the moment the broker said so. Hence a call is not closed
    between two sentences that were received five seconds apart, however late they are read, and a call that really
    fell silent is closed without any further message.
    """

    def __init__(self) -> None:
        self._heard = 0
        self._read = 0
        self._held_until = 0

    def heard(self, received_at: int) -> None:
        """A record with this `received_at` is being handled."""
        if received_at > self._heard:  # noqa: PLR1730 - for every record, and `max` takes twice as long
            self._heard = received_at

    def read_until(self, instant: int) -> None:
        """Everything that stood in the partition at `instant` has been handled."""
        if instant >= self._held_until:
            self._read = max(self._read, instant)

    def hold(self, until: int) -> None:
        """Before `until`, being at the partition's end proves nothing: the source may not have been able to publish."""
        self._held_until = max(self._held_until, until)

    def limit(self, now: int) -> int:
        """Deadlines up to here have passed. A source whose clock is ahead cannot hurry them."""
        return min(now, max(self._heard, self._read))

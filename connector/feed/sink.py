"""What the feed hands its frames to: the one interface between the socket and the rest of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from connector.messages import Control, Frame


class Sink(Protocol):
    """The receiver of one stream's frames. Every method but `ready` is synchronous and quick.

    Instants (`at`) are microseconds since the epoch, UTC. An exception that leaves a method ends `Feed.run` with it.
    """

    @property
    def full(self) -> bool:
        """Whether the sink can take no more frames for now; read after every frame."""
        ...

    async def ready(self) -> None:
        """Return once there is room; awaited before the next frame is read while `full` is true."""
        ...

    def connected(self, at: int, *, replaying: bool) -> None:
        """The handshake succeeded and the connect commands were sent.

        `replaying`: a `replay` was among them, so that a settle window begins, which `settled` ends.
        """
        ...

    def receive(self, frame: Frame) -> Control | None:
        """Take one frame; say what kind of control frame it was, so that the session sees its pong."""
        ...

    def settled(self, at: int) -> None:
        """The settle window is over: once per `connected` with `replaying`, unless `disconnected` comes first."""
        ...

    def disconnected(self, at: int, reason: str, detail: str) -> None:
        """The connection has ended: once per `connected`. `reason` is the label of `reconnects_total`, or `stopped`."""
        ...

    def too_large(self, at: int, size: int | None, detail: str, payload: bytes = b"") -> None:
        """A frame above `source.max_frame_bytes` was dropped; `size` in bytes where the feed said it.

        `payload`: the frame, where it was read at all, so that the same one, replayed, is said once.
        """
        ...

    def refused(self, at: int, status: int) -> None:
        """The feed refuses this stream with 401 or 403; the next `connected` clears it."""
        ...

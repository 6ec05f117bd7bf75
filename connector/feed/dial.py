"""Opening one WebSocket, with `websockets` told to keep quiet about the key in its URL."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from websockets.asyncio.client import ClientConnection, connect

from connector import __version__

if TYPE_CHECKING:
    from connector.feed.url import StreamUrl

HARD_LIMIT: Final = 4
"""A frame above `max_frame_bytes` is dropped and the connection kept; above so many times that, it is not even read."""

_MAX_QUEUE: Final = 64
"""Frames read ahead: one turn of the loop's worth of ordinary ones, so that reading is rarely paused and resumed."""

_CONTROL_PING_INTERVAL: Final = 20.0
"""Seconds. Control pings keep what stands between from closing a quiet connection. Their pongs are not judged:
while the sink is full nothing is read, pongs included. Dead connections are found by the text ping, see `session`."""

_CLOSE_TIMEOUT: Final = 5.0
"""Seconds for the closing handshake; a server that has not answered by then is left."""

_SILENT: Final = logging.Logger("silent", level=logging.CRITICAL + 1)  # noqa: LOG001 - on purpose, see below
"""Detached from the logging tree, so that no configuration can make it print the request line."""


class _Dial(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        """Never follow: the new URL may be anybody's and may carry the key."""
        return exc


async def dial(url: StreamUrl, *, open_timeout: float, max_frame_bytes: int) -> ClientConnection:
    """Open the socket: one attempt. Raises what `endings.HANDSHAKE_ERRORS` lists."""
    return await _Dial(
        url.reveal(),
        open_timeout=open_timeout,
        close_timeout=min(_CLOSE_TIMEOUT, open_timeout),
        ping_interval=_CONTROL_PING_INTERVAL,
        ping_timeout=None,
        # Undocumented by the feed, and inflating costs more than all the rest of receiving.
        compression=None,
        max_size=HARD_LIMIT * max_frame_bytes,
        max_queue=_MAX_QUEUE,
        user_agent_header=f"benzinga-kafka/{__version__}",
        logger=_SILENT,
    )

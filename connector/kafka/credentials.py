"""SASL user names and passwords that stand in files and are replaced while clients live.

librdkafka logs in with what it was given when a client was made, also where it has to connect again hours later.
A thread looks at the files and hands what changed to every client that lives (`rd_kafka_sasl_set_credentials`); it is
used from the next login on. Without `sasl.username` or `sasl.password` in `kafka.options_files` there is no thread.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from connector.errors import ConfigurationError
from connector.logs import get_logger

if TYPE_CHECKING:
    from connector.settings import KafkaSettings

log = get_logger(__name__)

PERIOD: Final = 5.0
"""Seconds between two looks at the files."""

_USERNAME: Final = "sasl.username"
_PASSWORD: Final = "sasl.password"  # noqa: S105 - the property's name


class Rotation:
    """Keeps the clients of one process logged in."""

    def __init__(self, period: float = PERIOD) -> None:
        self._period = period
        self._lock = threading.Lock()
        self._clients: weakref.WeakKeyDictionary[Any, tuple[KafkaSettings, tuple[str, str]]]
        self._clients = weakref.WeakKeyDictionary()
        self._thread: threading.Thread | None = None
        self._said = ""

    def follow(self, client: Any, settings: KafkaSettings, options: dict[str, Any]) -> None:
        """From now on give `client`, which was made with `options`, what its files say."""
        if not {_USERNAME, _PASSWORD} & settings.options_files.keys():
            return
        with self._lock:
            self._clients[client] = settings, _credentials(options)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="credentials", daemon=True)
                self._thread.start()

    def leave(self, client: Any) -> None:
        """`client` is about to be closed and must not be touched any more."""
        with self._lock:
            self._clients.pop(client, None)

    def refresh(self) -> int:
        """Look at the files now; how many clients got new credentials."""
        changed, unreadable = 0, ""
        with self._lock:
            for client, (settings, known) in list(self._clients.items()):
                try:
                    credentials = _credentials(settings.read_options())
                except ConfigurationError as error:  # being replaced, perhaps: what we have still counts
                    unreadable = str(error)
                    continue
                if credentials != known:
                    client.set_sasl_credentials(*credentials)
                    self._clients[client] = settings, credentials
                    changed += 1
            repeated, self._said = unreadable == self._said, unreadable
        if unreadable and not repeated:
            log.warning("kafka.credentials_unreadable", error=unreadable)
        if changed:
            log.info("kafka.credentials_rotated", clients=changed)
        return changed

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(self._period):
            self.refresh()


def _credentials(options: dict[str, Any]) -> tuple[str, str]:
    return str(options.get(_USERNAME, "")), str(options.get(_PASSWORD, ""))


ROTATION: Final = Rotation()
"""The process's own."""

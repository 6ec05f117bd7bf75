"""The alerts that were committed last, for a person who looks: written by the workers, read by any thread."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from connector.processor.status import AlertStatus, alert_status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.processor.alerts import AlertDatum

KEPT: Final = 20


class RecentAlerts:
    """The last few."""

    def __init__(self) -> None:
        self._alerts: deque[AlertDatum] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def committed(self, alerts: Sequence[AlertDatum]) -> None:
        """These alerts are committed, in this order."""
        with self._lock:
            self._alerts.extend(alerts[-KEPT:])

    def newest(self) -> list[AlertStatus]:
        """The newest first."""
        with self._lock:
            alerts = list(self._alerts)
        return [alert_status(alert) for alert in reversed(alerts)]

"""A real Prometheus that scrapes what a test runs, once a second, with the labels a ServiceMonitor would give."""

from __future__ import annotations

import json
import math
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from connector.embedded.process import ServerProcess
from connector.embedded.workspace import Workspace
from tests.support.source import free_port
from tests.support.tools import tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

NAMESPACE = "market"

Samples = list[tuple[dict[str, str], float]]


class Prometheus:
    """A context manager."""

    def __init__(self, targets: Mapping[str, tuple[str, int]], rules: Path) -> None:
        """`targets`: job and port by pod."""
        binary = tool("prometheus", "dashboards, alerts and metrics against a real run")
        self._workspace = Workspace()
        self._url = f"http://127.0.0.1:{free_port()}"
        jobs = [
            {
                "job_name": f"{job}-{pod}",
                "static_configs": [
                    {
                        "targets": [f"127.0.0.1:{port}"],
                        "labels": {"job": job, "namespace": NAMESPACE, "pod": pod, "container": "connector"},
                    }
                ],
            }
            for pod, (job, port) in targets.items()
        ]
        configuration = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "2s"},
            "rule_files": [str(rules)],
            "scrape_configs": jobs,
        }
        file = self._workspace.path / "prometheus.json"
        file.write_text(json.dumps(configuration))  # JSON is YAML
        self._process = ServerProcess(
            "prometheus",
            [
                str(binary),
                f"--config.file={file}",
                f"--storage.tsdb.path={self._workspace.path / 'data'}",
                f"--web.listen-address={self._url.removeprefix('http://')}",
            ],
            self._workspace,
            lambda log: "Server is ready to receive web requests" in log,
            environment={},
        )

    def __enter__(self) -> Self:
        self._process.start(60.0)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.kill()
        self._workspace.close()

    def query(self, expr: str, at: float | None = None) -> Samples:
        """Labels and values at this instant (default: now); what is no number is left out, as Grafana shows nothing."""
        data = self.get("query", query=expr, time=repr(time.time() if at is None else at))
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        rows = [(row["metric"], float(row["value"][1])) for row in data["result"]]
        return [(labels, value) for labels, value in rows if not math.isnan(value)]

    def instant(self, targets: str, count: int, seconds: float = 60.0) -> float:
        """An instant at which all `count` targets had answered: a scrape that came too late leaves a hole behind."""
        deadline = time.monotonic() + seconds
        while True:
            now = time.time()
            if sum(value for _, value in self.query(f"up{{{targets}}}", now)) == count:
                return now
            assert time.monotonic() < deadline, "targets do not answer"
            time.sleep(0.2)

    def until(self, expr: str, predicate: Callable[[Samples], bool], seconds: float = 60.0) -> Samples:
        """Ask until the answer is as it must be."""
        deadline = time.monotonic() + seconds
        while not predicate(found := self.query(expr)):
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {expr}\n{found}"
            time.sleep(0.2)
        return found

    def fires(self, expr: str, seconds: float = 60.0, **labels: str) -> dict[str, str]:
        """Wait until an alert's expression, whose `for` is not waited for, is true with these labels."""
        found = self.until(expr, lambda samples: any(labels.items() <= one.items() for one, _ in samples), seconds)
        return next(one for one, _ in found if labels.items() <= one.items())

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of the HTTP API."""
        address = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            return json.load(answer)["data"]

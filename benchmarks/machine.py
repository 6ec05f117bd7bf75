"""What the kernel says of a process, and what machine this is. Linux only: it reads /proc."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Self

import confluent_kafka

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """CPU seconds (user and system) of a process so far."""

    total: float
    librdkafka: float
    """The part of librdkafka's own threads, which it names `rdk:…`."""

    def __sub__(self, other: Self) -> Usage:
        return Usage(self.total - other.total, self.librdkafka - other.librdkafka)


def usage(pid: int) -> Usage:
    """The CPU seconds of the process, to a hundredth."""
    librdkafka = 0.0
    for path in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended just now
            name, seconds = _stat(path / "stat")
            librdkafka += seconds if name.startswith("rdk:") else 0.0
    return Usage(_stat(Path(f"/proc/{pid}/stat"))[1], librdkafka)


def _stat(path: Path) -> tuple[str, float]:
    """Name and CPU seconds of a process or thread (proc_pid_stat(5): fields 2, 14 and 15)."""
    head, _, tail = path.read_text().rpartition(")")
    fields = tail.split()
    return head.partition("(")[2], (int(fields[11]) + int(fields[12])) / _TICK


def resident(pid: int) -> dict[str, float]:
    """Megabytes (10⁶ bytes) in memory: now, and at most so far."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return {name: int(lines[key].split()[0]) * 1024 / 1e6 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))}


def describe() -> dict[str, str | int]:
    """The machine and the versions that matter."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "processor": model,
        "cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": sys.version.split()[0],
        "librdkafka": confluent_kafka.libversion()[0],
        "websockets": version("websockets"),
        "fastavro": version("fastavro"),
    }

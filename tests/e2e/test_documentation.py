"""The commands of README and docs, run as they stand there: each one does something, and ends well."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.calls import write_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import ProcessorProcess, SourceProcess

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SERVICES = {"source", "processor"}
ELSEWHERE = {"simulate"}
"""Runs until it is stopped: `tests/commands/test_simulate.py` does."""


def commands() -> list[list[str]]:
    """What the pages tell to type, without the path of a configuration: here the environment is it."""
    found = []
    for page in PAGES:
        for body in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            for line in body.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0].endswith("benzinga-kafka"):
                    found.append(re.sub(r"--config \S+ ?", "", shlex.join(words[1:])).split())
    return found


def test_every_command_of_the_documentation_works(
    tmp_path: Path,
    feed: ThreadedSimulator,
    source: Callable[..., SourceProcess],
    processor: Callable[..., ProcessorProcess],
) -> None:
    told = commands()
    assert SERVICES.issubset({words[0] for words in told})
    rules = write_rules(tmp_path / "rules.yaml", [{"id": "any", "any": ["the"], "cooldown": 0}])
    carrier = source('["news", "transcripts"]')
    joiner = processor(**rules, PROCESSOR__SNAPSHOTS__SENTENCES="1")

    def run(words: list[str]) -> None:
        command = [sys.executable, "-m", "connector", *(word.replace("'", "") for word in words)]
        done = subprocess.run(command, env=carrier.environment, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        assert done.stdout or words[0] == "dead-letters", words

    before = [words for words in told if words[0] in {"check", "provision"}]
    for words in before:
        run(words)
    for process in (carrier, joiner):
        process.start()
    for process in (carrier, joiner):
        process.until_ready()
    feed.wait(lambda simulator: simulator.subscribed())
    for stream in ("news", "transcripts"):
        feed.call(lambda simulator, stream=stream: simulator.traffic.start(stream, rate=20))
    joiner.until(lambda: joiner.metric("benzinga_processor_alerts_total") > 0)
    for words in told:
        if words not in before and words[0] not in SERVICES | ELSEWHERE:
            run(words)
    assert carrier.stop() == 0
    assert joiner.stop() == 0

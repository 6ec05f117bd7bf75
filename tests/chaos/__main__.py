"""`make chaos`: `python -m tests.chaos [--seed N] [--seconds 600] [--brokers 1|3] [--sources N] [--processors N]`."""

from __future__ import annotations

import argparse
import random
import shlex
import sys
import tempfile
from pathlib import Path

from connector import logs
from tests.chaos.plan import Shape
from tests.chaos.report import failed, lines
from tests.chaos.run import Run
from tests.chaos.world import World


def main() -> int:
    """0 where nothing was found, 1 where something was."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="of the schedule and the traffic; random by default")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long faults go on")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=3)
    parser.add_argument("--sources", type=int, default=2)
    parser.add_argument("--processors", type=int, default=2)
    parser.add_argument("--every", type=float, default=2.0, help="mean seconds between two faults")
    parser.add_argument("--folder", type=Path, default=None, help="where logs and journals are kept")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(2**31) if options.seed is None else options.seed
    logs.configure("warning", "text")
    command = f"python -m tests.chaos --seed {seed} --seconds {options.seconds:g} --brokers {options.brokers}"
    command += f" --sources {options.sources} --processors {options.processors} --every {options.every:g}"
    sys.stdout.write(f"{command}\n")
    sys.stdout.flush()
    shape = Shape(options.seconds, options.brokers, options.sources, options.processors, every=options.every)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="benzinga-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    world = World(
        folder,
        seed,
        broker_count=options.brokers,
        source_count=options.sources,
        processor_count=options.processors,
    )
    with world:
        outcome = Run(world, shape).run()
    for line in lines(outcome, command):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"logs: {shlex.quote(str(folder))}\n")
    return 1 if failed(outcome) else 0


if __name__ == "__main__":
    sys.exit(main())

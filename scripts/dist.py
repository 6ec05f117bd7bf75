"""Everything a release consists of, in one folder: wheel, sdist, chart package, image context. `make dist`.

The version is `connector.__version__`. Two runs of one commit give the same bytes: times are the commit's.
"""

from __future__ import annotations

import argparse
import fnmatch
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from connector import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent


def main() -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=ROOT / "dist", help="the folder; made where it is missing")
    into: Path = parser.parse_args().into.absolute()
    into.mkdir(parents=True, exist_ok=True)
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or _committed_at()
    environment = os.environ | {"SOURCE_DATE_EPOCH": epoch}
    binaries = Path(sys.executable).parent
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(into)]
    subprocess.run([*build, "--target", "sdist", "--target", "wheel"], cwd=ROOT, env=environment, check=True)
    package = [str(binaries / "helm"), "package", "helm/benzinga-kafka", "--destination", str(into)]
    subprocess.run(package, cwd=ROOT, check=True)
    image_context(into / f"benzinga-kafka-image-{__version__}.tar", int(epoch))


def image_context(path: Path, epoch: int) -> None:
    """The files `docker build - < FILE` needs: the Dockerfile and what `.dockerignore` lets through."""
    with tarfile.open(path, "w") as archive:
        for file in sorted({ROOT / "Dockerfile", ROOT / ".dockerignore", *_context()}):
            content = file.read_bytes()
            member = tarfile.TarInfo(file.relative_to(ROOT).as_posix())
            member.size, member.mtime, member.mode = len(content), epoch, 0o644
            archive.addfile(member, io.BytesIO(content))


def _context() -> Iterator[Path]:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    taken = [line[1:] for line in lines if line.startswith("!")]
    left_out = [line.removeprefix("**/") for line in lines if line.startswith("**/")]
    for pattern in taken:
        for found in ROOT.glob(pattern):
            for file in found.rglob("*") if found.is_dir() else (found,):
                parts = file.relative_to(ROOT).parts
                if file.is_file() and not any(fnmatch.fnmatch(part, one) for part in parts for one in left_out):
                    yield file


def _committed_at() -> str:
    """When the last commit was made, in seconds since the epoch; 1980 where there is no repository."""
    log = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    return log.stdout.strip() or "315532800"


if __name__ == "__main__":
    main()

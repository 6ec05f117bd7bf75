"""Under which licences what we install stands: `make licences` prints them and fails for one that is not allowed."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from typing import Final

from scripts.lockfile import Package, packages

ALLOWED: Final = frozenset(
    {
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "LicenseRef-Public-Domain",
        "MIT",
        "MIT-0",
        "MPL-2.0",  # certifi's list of authorities, which is passed on as it is
        "PSF-2.0",
    }
)

_SPOKEN: Final = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "BSD-3-Clause and Public-Domain": "BSD-3-Clause AND LicenseRef-Public-Domain",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""What packages write that are older than SPDX expressions in metadata (PEP 639)."""

_LONGEST: Final = 60
"""Characters: some packages have the licence's whole text in its place."""


def licence(package: Package) -> str | None:
    """Its SPDX expression; None where it is not installed here. Raises ValueError where nothing is said."""
    try:
        about = metadata(package.name)
    except PackageNotFoundError:
        return None
    classifiers = [
        text.split(" :: ")[-1] for text in about.get_all("Classifier") or [] if text.startswith("License ::")
    ]
    short = about.get("License") or ""
    for text in (about.get("License-Expression"), short if len(short) <= _LONGEST else None, *classifiers):
        if text:
            return _SPOKEN.get(text, text)
    raise ValueError(f"{package.name} {package.version} does not say under which licence it stands")


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression of AND and OR gives us a licence that is allowed."""
    expression = expression.replace("(", " ( ").replace(")", " ) ")
    if re.search(r"[()]", expression):
        raise ValueError(f"{expression}: brackets are not understood; look at it by hand")
    return any(all(part.strip() in ALLOWED for part in choice.split(" AND ")) for choice in expression.split(" OR "))


def main() -> int:
    """Print a line a package."""
    failed = 0
    for package in packages():
        expression = licence(package)
        if expression is None:
            if package.marker is None:
                failed = 1
            print(f"{package.name} {package.version}: not installed here ({package.marker or 'run make first'})")
            continue
        allowed = is_allowed(expression)
        failed |= not allowed
        print(f"{package.name} {package.version}: {expression}{'' if allowed else '  <-- NOT ALLOWED'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())

"""Known vulnerabilities of what we install, asked of OSV in one question: `make audit`.

Exit codes: 0 none is known, or nobody could be asked, which is said loudly; 1 there are some; 2 an answer that is none.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from typing import Any, Final

from scripts.lockfile import Package, packages

OSV: Final = "https://api.osv.dev/v1/querybatch"
_TIMEOUT: Final = 20.0


def vulnerabilities(listed: list[Package], url: str) -> list[tuple[Package, list[str]]]:
    """What is known of each package that has something. Raises OSError, or ValueError for nonsense."""
    queries = [{"package": {"name": one.name, "ecosystem": "PyPI"}, "version": one.version} for one in listed]
    request = urllib.request.Request(  # noqa: S310 - the address is ours, or the command line's
        url, json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
        results: Any = json.load(answer).get("results")
    if not isinstance(results, list) or len(results) != len(listed):
        raise ValueError(f"{url} gave no answer for each package")
    known = zip(listed, results, strict=True)
    return [(one, [item["id"] for item in result["vulns"]]) for one, result in known if result.get("vulns")]


def main(arguments: list[str] | None = None) -> int:
    """Ask, and print what is known."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--url", default=OSV, help="another service with the same interface")
    url: str = parser.parse_args(arguments).url
    listed = packages()
    try:
        found = vulnerabilities(listed, url)
    except urllib.error.HTTPError as error:
        print(f"audit: {url} answers {error.code}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"audit: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"audit: SKIPPED, NOTHING WAS CHECKED: {url} cannot be reached ({error})", file=sys.stderr)
        return 0
    for package, names in found:
        print(f"{package.name} {package.version}: {', '.join(names)}")
    print(f"audit: {len(found)} of {len(listed)} packages have known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

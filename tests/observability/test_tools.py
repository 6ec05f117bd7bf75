"""Where a tool is missing, the test that needs it says what was not checked, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No tool in PATH, none in the cache."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("BENZINGA_KAFKA_CACHE", str(tmp_path / "cache"))
    tools._fetch.cache_clear()


@pytest.mark.parametrize("name", ["promtool", "dashboard-linter"])
def test_what_cannot_be_had_is_skipped_aloud(name: str) -> None:
    with pytest.raises(pytest.skip.Exception, match=f"NOT CHECKED: the rules: there is no {name} in PATH"):
        tools.tool(name, "the rules")


def test_what_is_in_the_cache_is_taken(tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "tools" / "promtool"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert tools.tool("promtool", "the rules") == kept


def test_a_package_manager_without_a_network_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("apt-get", "dpkg-deb"):
        program = tmp_path / "bin" / name
        program.write_text("#!/bin/sh\necho 'E: Unable to fetch some archives' >&2\nexit 100\n")
        program.chmod(0o755)
    with pytest.raises(pytest.skip.Exception, match="Debian's package cannot be fetched"):
        tools.tool("prometheus", "the rules")

"""The suites in `helm/benzinga-kafka/tests`, by helm-unittest."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.helm.chart import CHART, helm


def _command() -> list[str]:
    if named := os.environ.get("HELM_UNITTEST"):
        return [named]
    for name in ("untt", "helm-unittest"):
        if found := shutil.which(name):
            return [found]
    if "unittest" in helm("plugin", "list").stdout:
        return ["helm", "unittest"]
    pytest.skip("NOT TESTED: the chart's helm-unittest suites; install the plugin, or name its binary in HELM_UNITTEST")


def test_the_suites_pass() -> None:
    done = subprocess.run([*_command(), str(CHART)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    suites = len(list((CHART / "tests").glob("*_test.yaml")))
    assert f"{suites} passed, {suites} total" in done.stdout

"""The status page in a real browser: what a person sees on a phone and on a screen, in light and in dark."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

from connector.http import Health, HttpServer
from connector.logs import get_logger
from connector.metrics import new_registry
from connector.settings import HttpSettings
from tests.http import sample
from tests.support.browser import Browser, executable

if TYPE_CHECKING:
    from collections.abc import Iterator

PHONE, DESK = (375, 812), (1440, 900)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = executable()
    if program is None:
        warnings.warn("no Chromium here: nobody has looked at the status page", stacklevel=1)
        pytest.skip("no Chromium here (Debian, Ubuntu: apt-get install chromium)")
    with Browser(program, tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


class Facts:
    """What the process tells, as a test wants it."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.status = status
        self.reasons: list[str] = []


@pytest.fixture
def facts() -> Facts:
    get_logger("connector.test").warning("feed.retry", stream="news", reason="network", detail=sample.HOSTILE)
    return Facts(sample.source())


@pytest.fixture
def server(facts: Facts) -> Iterator[HttpServer]:
    health = Health(lambda: facts.reasons)
    server = HttpServer(HttpSettings(host="127.0.0.1", port=0), new_registry(), health, lambda: facts.status)
    server.start()
    yield server
    server.close()


def url(server: HttpServer) -> str:
    return f"http://127.0.0.1:{server.port}/"


@pytest.mark.parametrize("process", ["source", "processor"])
def test_it_fits_every_screen_and_runs_nothing_the_feed_sends(
    browser: Browser, server: HttpServer, facts: Facts, process: str
) -> None:
    facts.status = getattr(sample, process)()
    facts.reasons = [f"news: {sample.HOSTILE}"]
    backgrounds = set()
    for width, height in (PHONE, (768, 1024), DESK):
        for dark in (False, True):
            page = browser.open(url(server), width=width, height=height, dark=dark)
            assert page.run("document.documentElement.scrollWidth") <= width
            assert page.run("document.title") == f"⚠ benzinga-kafka {process}"
            assert page.run("document.querySelectorAll('script, img, iframe').length") == 1
            assert sample.HOSTILE in page.run("document.body.textContent")
            backgrounds.add(page.run("getComputedStyle(document.body).backgroundColor"))
            # Nothing is cut off at an edge, and whatever is a sentence has room to be read.
            assert page.run(
                f"[...document.querySelectorAll('main *')].every(e => e.getBoundingClientRect().right <= {width})"
            )
            assert page.run(
                "[...document.querySelectorAll('td.text')].every(e => e.clientWidth >= 0.35 * innerWidth"
                f" && (innerWidth > {PHONE[0]} || e.clientWidth > 250))"
            )
            assert page.complaints == []
            page.close()
    assert len(backgrounds) == 2


def test_it_follows_the_process_without_a_reload(browser: Browser, server: HttpServer, facts: Facts) -> None:
    without_script = browser.open(url(server), width=800, height=600, dark=False, script=False)
    page = browser.open(url(server), width=1440, height=900, dark=False)
    page.run("window.witness = document.querySelector('tbody tr'); getSelection().selectAllChildren(witness)")
    before = page.run("document.getElementById('as-of').textContent")
    facts.status = sample.source(received=77.0)
    facts.reasons = ["news: the feed refuses the API key (401)"]
    page.until("document.querySelector('[data-label=\"Received/s\"]').textContent === '77'")
    page.until(f"document.getElementById('as-of').textContent !== '{before}'")
    assert page.run("document.querySelector('.reasons li').textContent") == facts.reasons[0]
    # The same nodes, the same selection: nothing flickers, and what a person marks to copy stays marked.
    assert page.run("witness.isConnected && document.querySelector('tbody tr') === witness")
    assert page.run("getSelection().toString()") != ""
    assert page.complaints == []
    assert page.loads == 1
    without_script.until_loaded(2)
    server.close()
    page.until("document.getElementById('stale').textContent.includes('no answer')")
    assert page.run("document.querySelector('[data-label=\"Received/s\"]').textContent") == "77"

"""The status page: what `/status` says, for people. Pure: JSON values in, HTML out.

Whatever the feed says is text here: the template escapes, and the policy that goes with the page lets a browser run
this page's own script and nothing else (Content Security Policy level 3, `script-src` by hash).
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from connector.http import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template

_TEMPLATES: Final = files("connector.http") / "templates"


def render(page: Mapping[str, Any]) -> bytes:
    """The page; `page` is what `/status` says."""
    return _template().render(page=page, now=datetime.fromisoformat(page["now"])).encode()


@cache
def policy() -> str:
    """Its `Content-Security-Policy`."""
    style, script = (_hash(_text(name)) for name in ("status.css", "status.js"))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _template() -> Template:
    # Imported where a page is asked for: a command that serves none starts without it.
    from jinja2 import ChainableUndefined, Environment, PackageLoader  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("connector.http", "templates"),
        autoescape=True,
        undefined=ChainableUndefined,  # what a process does not tell is a dash, not a broken page
    )
    environment.filters |= {
        "ago": words.ago, "bytes": words.size, "clock": words.clock, "gaps": words.gaps, "kind": words.kind,
        "number": words.number, "owner": words.owner, "rate": words.rate, "seconds": words.seconds,
        "shown": words.shown,
    }  # fmt: skip
    # Two files of ours are the only text that is not escaped.
    environment.globals |= {name: Markup(_text(f"status.{end}")) for name, end in (("style", "css"), ("script", "js"))}  # noqa: S704
    return environment.get_template("status.html")


@cache
def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

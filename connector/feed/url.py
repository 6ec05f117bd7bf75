"""The URL of a stream's socket. It carries the API key, so it shows itself only without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

from connector.errors import ConfigurationError
from connector.logs import MASK, add_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.settings import FeedSettings
    from connector.streams import Stream


@dataclass(frozen=True, slots=True)
class StreamUrl:
    """Where a stream is read; `str` and `repr` give the form without the key."""

    redacted: str
    _full: str = field(repr=False)

    def __str__(self) -> str:
        return self.redacted

    def reveal(self) -> str:
        """The URL with the key, for the handshake alone."""
        return self._full


def stream_url(stream: Stream, settings: FeedSettings, token: str) -> StreamUrl:
    """The URL of `stream` with its filters and `token`, which from now on is masked in every log line."""
    for secret in {token, quote(token, safe="")}:
        add_secret(secret)
    base = settings.url.rstrip("/")
    rest = _query(settings.filters.get(stream.name, {}))
    return StreamUrl(
        redacted=f"{_without_credentials(base)}{stream.path}?token={MASK}{rest}",
        _full=f"{base}{stream.path}?token={quote(token, safe='')}{rest}",
    )


def check_url(url: str) -> None:
    """Raise ConfigurationError where `feed.url` has the shape of an address but is none."""
    try:
        parse_uri(url).host.encode("idna")
    except (InvalidURI, ValueError) as error:
        reason = error.msg if isinstance(error, InvalidURI) else error
        raise ConfigurationError([f"feed.url: {_without_credentials(url)} is not an address: {reason}"]) from None


def _query(filters: Mapping[str, str | list[str]]) -> str:
    """`&tickers=AAPL,MSFT…`: the feed takes lists as comma-separated values (fact sheet §3)."""
    pairs = [(name, value if isinstance(value, str) else ",".join(value)) for name, value in filters.items() if value]
    return f"&{urlencode(pairs, quote_via=quote, safe=',')}" if pairs else ""


def _without_credentials(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"

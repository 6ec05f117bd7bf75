"""What is said on the transcripts socket besides sentences: commands in, replies out (fact sheet §3.7). No sockets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.simulator.companies import MOCK_COMPANIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.simulator.settings import ReplyForm
    from connector.simulator.values import Dice

MOCK_TICKERS = frozenset(company.symbol for company in MOCK_COMPANIES)
_ENDED = frozenset({"COMPLETE", "COMPLETED"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command leads to."""

    replies: tuple[str, ...] = ()
    subscribed: str | None = None
    """The ticker of a new subscription, upper case, or `*`."""

    mock: bool = False


@dataclass(slots=True)
class TranscriptSession:
    """The subscriptions of one socket."""

    form: ReplyForm
    subscriptions: dict[str, bool] = field(default_factory=dict)
    """Ticker → whether it is the mock one."""

    def wants(self, symbol: str | None, *, mock: bool) -> bool:
        """Whether a sentence of this ticker goes to this socket; unreadable frames go to whoever subscribed at all."""
        if symbol is None:
            return bool(self.subscriptions)
        return any(self.subscriptions.get(ticker) is mock for ticker in (symbol, "*"))

    def command(self, text: str, live_calls: Mapping[str, str], *, pong: bool = True) -> Outcome:
        """Obey one text frame. Replies nobody documented are as plain as the documented ones."""
        try:
            command = json.loads(text)
        except ValueError:
            command = None
        if not isinstance(command, dict):
            return Outcome((_error("the command is not a JSON object", []),))
        action = command.get("action")
        if action in {"subscribe", "unsubscribe"}:
            return self._subscription(str(action), command)
        if action == "ping" and not pong:
            return Outcome()
        return Outcome((self._answer(action, command, live_calls),))

    def _answer(self, action: object, command: Mapping[str, Any], live_calls: Mapping[str, str]) -> str:
        match action:
            case "ping":
                return self._reply("pong", {"action": "pong", "message": "pong"})
            case "echo":
                message = command.get("message", command.get("data", ""))
                return self._reply(str(message), {"action": "echo", "message": message})
            case "list":
                calls = [{"call_id": call_id, "symbol": symbol} for call_id, symbol in live_calls.items()]
                return _dumps({"action": "list", "calls": calls})
            case "subscribed":
                return _dumps({"action": "subscribed", "tickers": list(self.subscriptions)})
            case _:
                return _error("unknown action", ["action"])

    def _subscription(self, action: str, command: dict[str, Any]) -> Outcome:
        ticker = command.get("ticker") or command.get("symbol")
        if not isinstance(ticker, str):
            return Outcome((_error("ticker is required", ["ticker"]),))
        ticker = ticker.upper()
        if action == "unsubscribe":
            if ticker == "*":
                self.subscriptions.clear()
            self.subscriptions.pop(ticker, None)
            text = f"Unsubscribed from {ticker}"
            return Outcome((self._reply(text, {"status": "ok", "message": text}),))
        mock = command.get("mock") in (True, "true")
        if mock and ticker != "*" and ticker not in MOCK_TICKERS:
            return Outcome((_error(f"there is no mock transcript of {ticker}", ["ticker"]),))
        self.subscriptions[ticker] = mock
        text = f"Subscribed to {ticker}"
        return Outcome((self._reply(text, {"status": "ok", "message": text}),), ticker, mock)

    def _reply(self, text: str, as_object: dict[str, Any]) -> str:
        match self.form:
            case "text":
                return text
            case "object":
                return _dumps(as_object)
            case _:
                return _dumps(text)


def greeting(dice: Dice) -> str:
    """The first frame on a transcripts socket."""
    return _dumps({"message": "Connected to the server", "uid": dice.uuid()})


def audio_event(symbol: str, call_id: str, dice: Dice) -> str:
    """Where a call can be heard: a signed URL, which is a credential though this one opens nothing."""
    signature = f"{dice.random.getrandbits(512):0128x}"
    policy = f"{dice.random.getrandbits(256):064x}"
    url = (
        f"https://api.benzinga.com/api/v1/transcripts/calls/{call_id}/hls"
        f"?Key-Pair-Id=K{dice.random.getrandbits(52):013X}&Policy={policy}&Signature={signature}"
    )
    return _dumps({"action": "audio", "symbol": symbol, "call_id": call_id, "hls_url": url})


def follow_calls(live_calls: dict[str, str], facts: Mapping[str, Any]) -> tuple[str, str] | None:
    """Keep account of the calls in progress; (call id, symbol) where this frame begins one."""
    call_id, symbol = facts.get("call_id"), facts.get("symbol")
    if not isinstance(call_id, str) or not isinstance(symbol, str):
        return None
    if facts.get("status") in _ENDED:
        live_calls.pop(call_id, None)
        return None
    if call_id in live_calls:
        return None
    live_calls[call_id] = symbol
    return call_id, symbol


def _error(message: str, params: list[str]) -> str:
    return _dumps({"type": "invalid_request_error", "message": message, "params": params})


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""How the simulated feed behaves. Times are seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from connector.streams import REPLAY_LIMIT

if TYPE_CHECKING:
    from pathlib import Path

ReplayOrder: TypeAlias = Literal["old-first", "new-first", "shuffled"]
ReplyForm: TypeAlias = Literal["json-string", "text", "object"]

DEFAULT_TOKEN: Final = "bz.simulator0000token"  # noqa: S105 - it opens nothing but this simulator


@dataclass(slots=True)
class ReplayBehaviour:
    """What a `replay` brings; everything the fact sheet leaves open (§1.3) can be chosen."""

    limit: int = REPLAY_LIMIT
    """Most frames; 0 answers with nothing."""

    order: ReplayOrder = "old-first"
    new_ids: bool = False
    """Whether the envelope's `id` names the delivery, as in the webhook product, so that it changes."""

    pause: float = 0.0
    """Between two replayed frames; above 0 live frames come in between."""


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """The feed's manners; the defaults are quick, `faithful` is what was observed."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""

    token: str = DEFAULT_TOKEN
    other_tokens: frozenset[str] = frozenset()
    """More keys that are let in; each has its own slot on every stream."""

    unlicensed: frozenset[str] = frozenset()
    """Streams refused with 403."""

    connection_limit: Literal["stream", "key", "none"] = "stream"
    """One connection per key and stream (2026), per key (2023), or as many as wanted (fact sheet §1)."""

    refusal_delay: float = 0.02
    """Before a 429 is answered."""

    slot_release: float = 0.0
    """How long a slot stays taken after its connection ended without a closing handshake."""

    ping_interval: float = 10.0
    """Between two ping control frames of the server."""

    ping_timeout: float | None = None
    """Without any sign of life for so long after a ping the client is dropped; None: never."""

    replay: ReplayBehaviour = field(default_factory=ReplayBehaviour)
    status_on_connect: bool = False
    """Whether the enveloped streams greet with a status object (every AsyncAPI file says so, no capture shows one)."""

    on_unknown_text: Literal["ignore", "close"] = "ignore"
    """Unknown commands: ignored (2025), or the connection is closed at once (2023)."""

    reply_form: ReplyForm = "json-string"
    """Replies of the transcripts socket: `"Subscribed to X"`, the same without quotes, or an object."""

    audio: bool = True
    """Transcripts: an audio event before a call's first sentence."""

    backlog: int = 0
    """Transcripts: how many of the last sentences a new subscription brings again; undocumented, hence 0."""

    mock_interval: float = 0.05
    """Transcripts: between two sentences of a mock call."""

    history: int | None = None
    """How many published frames `sent` keeps a stream; None: all."""

    record: Path | None = None
    """Every published frame as one JSON line."""

    seed: int = 0

    @classmethod
    def faithful(cls) -> SimulatorSettings:
        """The waiting times that were observed (fact sheet §1)."""
        return cls(refusal_delay=5.0, slot_release=8.0, ping_timeout=20.0, mock_interval=2.0)

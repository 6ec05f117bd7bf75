"""Every setting: its name, default, type and help. The reference page and the chart's schema are made from this model.

Source: contract §2. One YAML tree; every leaf is also an environment variable, `BENZINGA_` + the path joined by `__`.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connector.errors import ConfigurationError
from connector.options import with_files
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

ENV_PREFIX = "BENZINGA_"
TOPICS = (*STREAMS, "calls", "alerts", "gaps", "dead-letters")
"""The topics that others read, without their prefix (contract §3)."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: object) -> object:
    """`250ms`, `10s`, `30m`, `12h`, `30d` as a timedelta; a bare 0 needs no unit."""
    if isinstance(value, timedelta):
        return value
    text = str(value).strip()
    if text == "0":
        return timedelta(0)
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", text)
    if match is None or isinstance(value, bool):
        raise ValueError(f"{text!r} is not a duration; write a number and a unit, such as 250ms, 10s, 30m, 12h or 30d")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise ValueError(f"{text} is longer than any duration") from None


_WRITTEN = WithJsonSchema(
    {
        "type": ["string", "integer"],
        "pattern": r"^\s*(0|[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d))\s*$",
        "minimum": 0,  # of a number: nothing but 0 goes without a unit
        "maximum": 0,
    }
)
"""What `parse_duration` takes, for the chart's schema."""

Duration = Annotated[timedelta, BeforeValidator(parse_duration, json_schema_input_type=Annotated[str | int, _WRITTEN])]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class TranscriptsFeed(_Group):
    """What is subscribed to on the transcripts socket."""

    tickers: list[str] = Field(["*"], min_length=1, description="Tickers to subscribe to; `*` is every call.")
    mock: bool = Field(False, description="Ask for Benzinga's mock calls (AAPL, MSFT and TSLA only).")
    key: Literal["ticker", "symbol"] = Field(
        "ticker",
        description="Name of the subscribe command's parameter; older documentation calls it `symbol`.",
    )


class FeedSettings(_Group):
    """Benzinga's side."""

    url: str = Field(
        "wss://api.benzinga.com",
        pattern=r"^wss?://[^/\s?#]+/?$",
        description="Scheme, host and port; a stream's path is added.",
    )
    token: SecretStr | None = Field(None, description="API key. This or `token_file` is required by `source`.")
    token_file: Path | None = Field(
        None,
        description="File with the API key; read again at every connect, so that a rotated key needs no restart.",
    )
    streams: list[str] = Field(
        list(STREAMS),
        min_length=1,
        description="The streams to carry.",
        json_schema_extra={"items": {"enum": list(STREAMS)}},
    )
    filters: dict[str, dict[str, str | list[str]]] = Field(
        {},
        description="Per stream, what is asked for: `tickers`, `isins`, `channels`, `simplify`, `aggregate_type`.",
    )
    transcripts: TranscriptsFeed = TranscriptsFeed()
    open_timeout: Duration = Field(
        timedelta(seconds=20),
        description="Longest wait for the handshake; the feed takes about 5 s to refuse one.",
    )

    @field_validator("streams")
    @classmethod
    def _known_streams(cls, value: list[str]) -> list[str]:
        _refuse_unknown(value, STREAMS, "stream")
        return list(dict.fromkeys(value))

    @field_validator("filters")
    @classmethod
    def _known_filters(cls, value: dict[str, dict[str, str | list[str]]]) -> dict[str, dict[str, str | list[str]]]:
        for name, filters in value.items():
            if name not in STREAMS:
                raise ValueError(f"{name}: no such stream; there are {', '.join(STREAMS)}")
            allowed = STREAMS[name].filters
            if unknown := [key for key in filters if key not in allowed]:
                offer = ", ".join(sorted(allowed)) or "none"
                raise ValueError(f"{name}.{unknown[0]}: the feed has no such filter on this stream; it allows: {offer}")
        return value

    def read_token(self) -> str:
        """The API key as it is now. Raises ConfigurationError where there is none."""
        if self.token_file is not None:
            try:
                token = self.token_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not text"
                raise ConfigurationError([f"feed.token_file: {self.token_file} cannot be read: {reason}"]) from error
            if not token:
                raise ConfigurationError([f"feed.token_file: {self.token_file} is empty; put the API key in it"])
            return token
        if self.token is not None and (token := self.token.get_secret_value().strip()):
            return token
        raise ConfigurationError(
            [f"feed.token: no API key; set feed.token_file or the environment variable {ENV_PREFIX}FEED__TOKEN"]
        )


def _refuse_unknown(names: Iterable[str], known: Collection[str], what: str) -> None:
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{', '.join(unknown)}: no such {what}; there are {', '.join(known)}")


def _refuse_both(options: Mapping[str, object], files: Mapping[str, Path]) -> None:
    if both := sorted(options.keys() & files.keys()):
        raise ValueError(f"{', '.join(both)}: in options and in options_files; keep one of the two")


class KafkaSettings(_Group):
    """How Kafka is reached."""

    bootstrap_servers: str = Field(
        "localhost:9092", min_length=1, description="Comma-separated `host:port` of some brokers."
    )
    options: dict[str, str | int | float | bool] = Field(
        {}, description="Any librdkafka property: `security.protocol`, `sasl.*`, `ssl.*` and so on."
    )
    options_files: dict[str, Path] = Field(
        {},
        description=(
            "Properties whose value is in a file, such as `sasl.password`: a mounted secret. A rotated user name or "
            "password is taken within seconds; the others are read when a client is made."
        ),
    )

    @model_validator(mode="after")
    def _one_place_each(self) -> Self:
        _refuse_both(self.options, self.options_files)
        return self

    def read_options(self) -> dict[str, Any]:
        """All properties as they are now, files read. Raises ConfigurationError."""
        return with_files("kafka.options", self.options, self.options_files)


class SchemaRegistrySettings(_Group):
    """How the schema registry is reached."""

    url: str = Field(
        "http://localhost:8081",
        pattern=r"^https?://",
        description="Base URL of a Confluent-compatible registry.",
    )
    options: dict[str, Any] = Field(
        {}, description="Any SchemaRegistryClient property: `basic.auth.user.info`, `ssl.*` and so on."
    )
    options_files: dict[str, Path] = Field(
        {},
        description=(
            "Properties whose value is in a file, such as `basic.auth.user.info`: a mounted secret, read again when it "
            "was rotated."
        ),
    )
    register_: bool = Field(
        True,
        alias="register",
        description="Register missing schemas; false: `provision` did it, or someone else.",
    )
    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, validate_by_name=True, validate_by_alias=True
    )

    @model_validator(mode="after")
    def _one_place_each(self) -> Self:
        _refuse_both(self.options, self.options_files)
        return self

    def read_options(self) -> dict[str, Any]:
        """All properties as they are now, files read. Raises ConfigurationError."""
        return with_files("schema_registry.options", self.options, self.options_files)


class TopicOverrides(_Group):
    """What differs for one topic."""

    partitions: int | None = Field(None, ge=1)
    replication_factor: int | None = Field(None, ge=1)
    retention: Duration | None = None
    config: dict[str, str] = Field({}, description="Any topic configuration, as Kafka names it.")


class TopicsSettings(_Group):
    """The topics this connector writes."""

    prefix: str = Field(
        "benzinga",
        pattern=r"^[A-Za-z0-9._-]{1,150}$",
        description="Comes before every topic name, with a dot.",
    )
    partitions: int = Field(6, ge=1, description="Partitions of a new topic.")
    replication_factor: int = Field(3, ge=1, description="Replicas of a new topic.")
    retention: Duration = Field(timedelta(days=30), description="How long a new topic keeps its records.")
    create: bool = Field(
        True,
        description="Whether `source` and `processor` create what is missing; false: `provision` did it.",
    )
    overrides: dict[str, TopicOverrides] = Field(
        {}, description="Per topic (its name without the prefix), what differs."
    )

    @field_validator("overrides")
    @classmethod
    def _known_topics(cls, value: dict[str, TopicOverrides]) -> dict[str, TopicOverrides]:
        _refuse_unknown((name for name in value if not name.startswith("internal.")), TOPICS, "topic")
        return value


class Heartbeat(_Group):
    """The text `ping` that proves the feed is alive."""

    interval: Duration = Field(timedelta(seconds=30), gt=timedelta(0), description="Time between two pings.")
    timeout: Duration = Field(timedelta(seconds=10), gt=timedelta(0), description="Longest wait for the pong.")


class Backoff(_Group):
    """Waiting before the next connection attempt; jittered exponential."""

    min: Duration = Field(timedelta(seconds=2), gt=timedelta(0), description="First wait.")
    max: Duration = Field(timedelta(seconds=15), gt=timedelta(0), description="Longest wait.")
    stable_after: Duration = Field(
        timedelta(seconds=60), description="A connection that lasted this long resets the wait."
    )
    refused: Duration = Field(timedelta(minutes=5), gt=timedelta(0), description="Wait after a 401 or 403.")


class Ownership(_Group):
    """Which process reads a stream."""

    session_timeout: Duration = Field(
        timedelta(seconds=6), gt=timedelta(0), description="A silent owner is replaced after this."
    )
    instance_id: str | None = Field(
        None,
        description=(
            "Static membership: a name of this process that stays the same over restarts, such as the pod's. Null: one "
            "that is kept in the journal's folder."
        ),
    )


class Journal(_Group):
    """The local buffer of frames that are not yet committed to Kafka."""

    dir: Path = Field(Path("journal"), description="Folder of the journal, on a local disk.")
    max_bytes: int = Field(1_073_741_824, ge=1_048_576, description="Most bytes a stream's journal may take.")
    fsync: bool = Field(
        False, description="Whether a frame is on the disk, not only with the kernel, before it counts."
    )
    required: bool = Field(
        True,
        description="Whether a stream waits while its journal cannot be written; false: it goes on without one, and a "
        "crash may lose what is not committed.",
    )


class SourceSettings(_Group):
    """`benzinga-kafka source`."""

    dedup_window: int = Field(5000, ge=1, description="Messages of each partition in which duplicates are recognised.")
    settle: Duration = Field(
        timedelta(seconds=2), description="How long replayed and live frames are merged after a connect."
    )
    max_frame_bytes: int = Field(16_777_216, ge=1024, le=16_777_216, description="Largest frame that is kept.")
    max_pending_bytes: int = Field(
        33_554_432,
        ge=1_048_576,
        description="Most bytes of a stream waiting for Kafka in memory; what is beyond waits in the journal alone.",
    )
    idle_timeout: dict[str, Duration] = Field(
        {}, description="Per stream, silence in market hours after which the socket is replaced."
    )
    heartbeat: Heartbeat = Heartbeat()
    backoff: Backoff = Backoff()
    ownership: Ownership = Ownership()
    journal: Journal = Journal()

    @field_validator("idle_timeout")
    @classmethod
    def _known_streams(cls, value: dict[str, timedelta]) -> dict[str, timedelta]:
        _refuse_unknown(value, STREAMS, "stream")
        return value


class Snapshots(_Group):
    """Publication of calls that are still open."""

    sentences: int = Field(0, ge=0, description="After so many sentences; 0 is off.")
    interval: Duration = Field(timedelta(0), description="After so long; 0 is off.")


class ProcessorSettings(_Group):
    """`benzinga-kafka processor`."""

    rules: Path | None = Field(None, description="File with the alert rules.")
    grace: Duration = Field(timedelta(seconds=10), description="How long late sentences may fill holes.")
    idle_timeout: Duration = Field(timedelta(minutes=30), description="Silence that ends a call.")
    max_duration: Duration = Field(timedelta(hours=12), description="The longest a call may be open.")
    keep_closed: Duration = Field(timedelta(hours=24), description="How long a closed call still takes corrections.")
    snapshots: Snapshots = Snapshots()
    session_timeout: Duration = Field(
        timedelta(seconds=6), gt=timedelta(0), description="A silent process is replaced after this."
    )
    instance_id: str | None = Field(
        None,
        description="Static membership: a name of this process that stays the same over restarts, such as the pod's.",
    )


class HttpSettings(_Group):
    """Metrics, health and status."""

    host: str = Field("0.0.0.0", description="Address to listen on.")  # noqa: S104 - scraped from other pods
    port: int = Field(9108, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")


class LogSettings(_Group):
    """Logs, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = Field(
        "auto", description="auto: text on a terminal, JSON lines elsewhere."
    )


class TracingSettings(_Group):
    """Spans of what becomes of a frame and of a sentence; needs the extra `otel`."""

    endpoint: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Where an OpenTelemetry collector takes traces: OTLP over HTTP, "
        "such as `http://collector:4318/v1/traces`; off without one.",
    )
    sample_ratio: float = Field(0.01, ge=0, le=1, description="How many of the messages are traced, from 0 to 1.")


class Settings(BaseSettings):
    """The whole tree."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    feed: FeedSettings = FeedSettings()
    kafka: KafkaSettings = KafkaSettings()
    schema_registry: SchemaRegistrySettings = SchemaRegistrySettings()
    topics: TopicsSettings = TopicsSettings()
    source: SourceSettings = SourceSettings()
    processor: ProcessorSettings = ProcessorSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file: what `load` passes in is the file's tree."""
        return env_settings, init_settings


def load(path: Path | None = None) -> Settings:
    """Read FILE and the environment. Raises ConfigurationError that names every problem at once."""
    problems = list(_unknown_variables())
    tree = _read_yaml(path) if path is not None else {}
    problems += [f"{name}: no such setting" for name in tree if name not in Settings.model_fields]
    try:
        settings = Settings(**{name: group for name, group in tree.items() if name in Settings.model_fields})
    except ValidationError as error:
        problems += [_sentence(item) for item in error.errors(include_url=False, include_input=False)]
    except ValueError as error:  # pydantic-settings: a variable that should be JSON is not
        broken = getattr(error.__cause__, "doc", None)
        names = [name for name, value in os.environ.items() if name.upper().startswith(ENV_PREFIX) and value == broken]
        problems.append(f"{', '.join(names) or error}: not JSON; lists and maps in the environment are JSON")
    if problems:
        raise ConfigurationError(problems)
    return settings


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError([f"{path} cannot be read: {reason}"]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigurationError([f"{path}{where} is not YAML: {getattr(error, 'problem', error)}"]) from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigurationError([f"{path} must hold a tree of settings, such as `feed: {{streams: [news]}}`"])
    return tree


def _unknown_variables() -> Iterator[str]:
    # Kubernetes adds BENZINGA_KAFKA_PORT and the like for a service of that name:
    # only our own separator makes it a setting.
    for name in os.environ:
        if name.startswith(ENV_PREFIX) and "__" in name:
            group = name.removeprefix(ENV_PREFIX).split("__", 1)[0].lower()
            if group not in Settings.model_fields:
                yield f"{name}: no such setting; groups are {', '.join(Settings.model_fields)}"


def _sentence(item: Any) -> str:
    path = ".".join(str(part) for part in item["loc"]) or "settings"
    if item["type"] == "extra_forbidden":
        return f"{path}: no such setting"
    return f"{path}: {str(item['msg']).removeprefix('Value error, ')}"

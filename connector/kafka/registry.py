"""The schema registry: ids for our schemas, and the Confluent wire format's prefix.

Source: Confluent Schema Registry API; any registry that speaks it (Apicurio answers 409 to one of two processes that
register the same schema at once: then it is looked up).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, ServerConfig
from confluent_kafka.schema_registry.common.schema_registry_client import ConfigCompatibilityLevel
from confluent_kafka.schema_registry.error import SchemaRegistryError

from connector.errors import ConfigurationError, RegistryError
from connector.logs import get_logger, redact
from connector.mapping.schemas import schema_text

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from connector.settings import SchemaRegistrySettings

log = get_logger(__name__)

T = TypeVar("T")

COMPATIBILITY: Final = "FULL_TRANSITIVE"
RETRY_MIN: Final = 0.5
RETRY_MAX: Final = 10.0
_CONFLICT: Final = 409
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_NOT_FOUND_CODES: Final = range(40400, 40500)
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


def wire_prefix(schema_id: int) -> bytes:
    """The five bytes before an Avro value: magic 0 and the schema's id, big-endian."""
    return b"\0" + schema_id.to_bytes(4, "big")


def ignore(_result: str) -> None:
    """Tell nobody."""


class RegistryUnavailableError(RegistryError):
    """The registry cannot be reached now; later it may."""


class Registry:
    """Registers and finds schemas; every method blocks."""

    def __init__(self, settings: SchemaRegistrySettings, on_answer: Callable[[str], None] = ignore) -> None:
        """`on_answer` hears `ok`, `refused` or `unavailable` of every question about a schema."""
        self._settings = settings
        self._on_answer = on_answer
        self._options = settings.read_options()
        self._made = self._make()

    @property
    def _client(self) -> SchemaRegistryClient:
        """The client, made anew where a property that stands in a file has changed. Raises ConfigurationError."""
        options = self._settings.read_options() if self._settings.options_files else self._options
        if options != self._options:
            self._options = options
            self._made = self._make()
        return self._made

    def _make(self) -> SchemaRegistryClient:
        try:
            return SchemaRegistryClient({"url": self._settings.url, "timeout": 10, "max.retries": 0, **self._options})
        except (ValueError, TypeError, OSError) as error:  # OSError: a certificate's file that is not there
            raise ConfigurationError([f"schema_registry.options: {redact(str(error))}"]) from error

    def schema_id(self, topic: str, name: str) -> int:
        """The id of `schemas/<name>.avsc` under the subject of `topic`; registers it where the settings allow.

        Raises RegistryUnavailableError, or RegistryError where the registry refuses for good.
        """
        return self._asked(lambda: self._schema_id(topic, name))

    def _schema_id(self, topic: str, name: str) -> int:
        subject = f"{topic}-value"
        schema = Schema(schema_text(name), "AVRO")
        found = self._find(subject, schema)
        if found is not None:
            return found
        if not self._settings.register_:
            raise RegistryError(
                f"{subject}: this version's schema is not registered and schema_registry.register is false; "
                "run `benzinga-kafka provision`"
            )
        self.ensure_compatibility(topic)
        return self._register(subject, schema)

    def wait_for_schema_id(self, topic: str, name: str, stop: threading.Event) -> int:
        """As `schema_id`, but waits for a registry that is away; a log line says so. `stop` ends the wait."""
        wait = RETRY_MIN
        said = False
        while True:
            try:
                return self.schema_id(topic, name)
            except RegistryUnavailableError as error:
                if not said:
                    log.warning("registry.waiting", url=self._settings.url, error=str(error))
                    said = True
                if stop.wait(wait):
                    raise
                wait = min(RETRY_MAX, wait * 2)

    def compatibility(self, subject: str) -> str | None:
        """The subject's own compatibility level, None where it has none."""
        try:
            config: ServerConfig = self._client.get_config(subject)
        except Exception as error:
            if _is_not_found(error):
                return None
            raise self._classified(subject, error) from error
        level = config.compatibility_level or config.compatibility
        return str(getattr(level, "value", level)) if level is not None else None

    def registered(self, topic: str, name: str) -> bool:
        """Whether this version's schema is there already."""
        return self._find(f"{topic}-value", Schema(schema_text(name), "AVRO")) is not None

    def ensure_compatibility(self, topic: str) -> bool:
        """Set the level of `topic`'s subject where it is another; whether that was so."""
        subject = f"{topic}-value"
        if self.compatibility(subject) == COMPATIBILITY:
            return False
        try:
            self._client.set_config(subject, ServerConfig(compatibility=ConfigCompatibilityLevel(COMPATIBILITY)))
        except Exception as error:
            if not (isinstance(error, SchemaRegistryError) and error.http_status_code == _CONFLICT):
                raise self._classified(subject, error) from error
        return True

    def compatible(self, topic: str, name: str) -> bool:
        """Whether the registry would take this version's schema; true where it has none yet."""
        subject = f"{topic}-value"
        try:
            return self._client.test_compatibility_all_versions(subject, Schema(schema_text(name), "AVRO"))
        except Exception as error:
            if _is_not_found(error):
                return True
            raise self._classified(subject, error) from error

    def schema_by_id(self, schema_id: int) -> str:
        """The text of the schema a record was written with. Raises RegistryError."""
        return self._asked(lambda: self._schema_by_id(schema_id))

    def _schema_by_id(self, schema_id: int) -> str:
        try:
            text = self._client.get_schema(schema_id).schema_str
        except Exception as error:
            if _is_not_found(error):
                raise RegistryError(f"the registry has no schema with the id {schema_id}") from error
            raise self._classified(f"schema {schema_id}", error) from error
        return text or ""

    def subjects(self) -> list[str]:
        """Every subject: a question that proves that the registry is one."""
        try:
            return list(self._client.get_subjects())
        except Exception as error:
            raise self._classified("subjects", error) from error

    def _asked(self, question: Callable[[], T]) -> T:
        try:
            answer = question()
        except RegistryUnavailableError:
            self._on_answer("unavailable")
            raise
        except RegistryError:
            self._on_answer("refused")
            raise
        self._on_answer("ok")
        return answer

    def _find(self, subject: str, schema: Schema) -> int | None:
        try:
            found = self._client.lookup_schema(subject, schema)
        except Exception as error:
            if _is_not_found(error):
                return None
            raise self._classified(subject, error) from error
        return found.schema_id

    def _register(self, subject: str, schema: Schema) -> int:
        try:
            return int(self._client.register_schema(subject, schema))
        except Exception as error:
            if isinstance(error, SchemaRegistryError) and error.http_status_code == _CONFLICT:
                # Either another process registered it a moment ago, or it really is incompatible.
                self._client.clear_caches()  # type: ignore[no-untyped-call]
                found = self._find(subject, schema)
                if found is not None:
                    return found
                raise RegistryError(
                    f"{subject}: the registry holds an earlier schema that this one is not compatible with "
                    f"({redact(error.error_message)}); set another topics.prefix, or evolve the subject by hand"
                ) from error
            raise self._classified(subject, error) from error

    def _classified(self, subject: str, error: Exception) -> RegistryError:
        if isinstance(error, ConfigurationError):  # a file of options that went away
            raise error
        if isinstance(error, SchemaRegistryError):
            status, text = error.http_status_code, redact(str(error.error_message))[:200]
            if status in _PASSING:
                return RegistryUnavailableError(f"schema_registry.url: {self._settings.url} answers {status}: {text}")
            # These two are about the registry as a whole, whatever was asked for.
            if status == _UNAUTHORIZED:
                advice = "check basic.auth.user.info in schema_registry.options (or its file)"
                return RegistryError(f"schema_registry.url: {self._settings.url} answers {status}: {text}; {advice}")
            if status == _NOT_FOUND:
                advice = "check that it is the base of a Confluent-compatible API"
                return RegistryError(f"schema_registry.url: {self._settings.url} answers {status}: {text}; {advice}")
            hint = "; the credentials may not do this" if status == _FORBIDDEN else ""
            return RegistryError(f"schema_registry: {subject}: the registry answers {status}: {text}{hint}")
        if isinstance(error, ValueError | KeyError | TypeError | AttributeError):  # an answer the client cannot read
            return RegistryError(
                f"schema_registry.url: what answers at {self._settings.url} is no schema registry; "
                "give the base URL of a Confluent-compatible API"
            )
        return RegistryUnavailableError(
            f"schema_registry.url: {self._settings.url} cannot be reached: {redact(str(error)) or type(error).__name__}"
        )


def _is_not_found(error: Exception) -> bool:
    """Whether a registry says it has no such subject or schema; a plain 404 says that this is no registry."""
    return (
        isinstance(error, SchemaRegistryError)
        and error.http_status_code == _NOT_FOUND
        and error.error_code in _NOT_FOUND_CODES
    )

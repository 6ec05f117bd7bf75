"""Properties that stand in files: what is read, what is refused, what never shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import ConfigurationError
from connector.kafka import clients
from connector.kafka.credentials import Rotation
from connector.kafka.registry import Registry
from connector.logs import redact
from connector.settings import KafkaSettings, SchemaRegistrySettings, load
from tests.support.command import CommandLine

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "correct-horse-battery"  # made up


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    return file


@pytest.mark.parametrize("group", ["kafka", "schema_registry"])
@pytest.mark.parametrize("by", ["file", "environment"])
def test_a_property_is_read_from_its_file_without_the_line_end(
    group: str, by: str, password: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"sasl.password": str(password)}
    config = tmp_path / "settings.yaml"
    config.write_text(json.dumps({group: {"options": {"a": "b"}} | ({"options_files": files} if by == "file" else {})}))
    if by == "environment":
        monkeypatch.setenv(f"BENZINGA_{group.upper()}__OPTIONS_FILES", json.dumps(files))
    options = getattr(load(config), group)
    assert options.read_options() == {"a": "b", "sasl.password": SECRET}
    password.write_text(f"  {SECRET} 2 \r\n\n")
    assert options.read_options()["sasl.password"] == f"  {SECRET} 2 ", "spaces may be a part of it"


def test_what_a_file_holds_is_masked_and_names_are_not(password: Path, tmp_path: Path) -> None:
    (user := tmp_path / "user").write_text("ordinary-word")
    (info := tmp_path / "info").write_text("someone:hunter2hunter2")
    KafkaSettings(options_files={"sasl.password": password, "sasl.username": user}).read_options()
    SchemaRegistrySettings(options_files={"basic.auth.user.info": info}).read_options()
    assert (
        redact(f"{SECRET} of ordinary-word, someone:hunter2hunter2, hunter2hunter2") == "*** of ordinary-word, ***, ***"
    )


def test_every_file_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "nul").write_bytes(b"a\0b")
    (tmp_path / "large").write_bytes(b"a" * 2_000_000)
    names = ["missing", "empty", "binary", "nul", "large", ""]
    settings = KafkaSettings(options_files={f"ssl.{name or 'folder'}": tmp_path / name for name in names})
    with pytest.raises(ConfigurationError) as caught:
        settings.read_options()
    reasons = ["No such file", "is empty", "not text", "NUL", "more than 1048576 bytes", "Is a directory"]
    assert len(caught.value.problems) == len(reasons)
    for name, reason, problem in zip(names, reasons, caught.value.problems, strict=True):
        assert problem.startswith(f"kafka.options_files: ssl.{name or 'folder'}: {tmp_path / name}")
        assert reason in problem
    with pytest.raises(ConfigurationError, match="No such file"):
        clients.admin(settings)


@pytest.mark.parametrize("group", ["kafka", "schema_registry"])
def test_a_property_has_one_place(group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"BENZINGA_{group.upper()}__OPTIONS", '{"sasl.password": "a"}')
    monkeypatch.setenv(f"BENZINGA_{group.upper()}__OPTIONS_FILES", '{"sasl.password": "/a"}')
    with pytest.raises(ConfigurationError, match=f"{group}: sasl.password: in options and in options_files; keep one"):
        load()


def test_a_missing_file_is_told_by_check(tmp_path: Path) -> None:
    files = json.dumps({"sasl.password": str(tmp_path / "nowhere")})
    env = {f"BENZINGA_{group}__OPTIONS_FILES": files for group in ("KAFKA", "SCHEMA_REGISTRY")}
    result = CommandLine(env)("check")
    assert result.code == 2
    for group in ("kafka", "schema_registry"):
        assert f"{group}.options_files: sasl.password: {tmp_path}/nowhere cannot be read: No such file" in result.out


class Client:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[str, str]] = []

    def set_sasl_credentials(self, username: str, password: str) -> None:
        self.given.append((username, password))


def test_clients_that_live_are_given_what_changed_once(password: Path) -> None:
    settings = KafkaSettings(options={"sasl.username": "app"}, options_files={"sasl.password": password})
    rotation, living, closed, gone = Rotation(period=3600), Client(), Client(), Client()
    for client in (living, closed, gone):
        rotation.follow(client, settings, settings.read_options())
    assert rotation.refresh() == 0
    rotation.leave(closed)
    del gone, client
    password.write_text("replaced-by-another")
    assert (rotation.refresh(), rotation.refresh()) == (1, 0)
    assert living.given == [("app", "replaced-by-another")]
    assert closed.given == []
    assert redact("replaced-by-another") == "***"
    password.unlink()
    assert rotation.refresh() == 0, "a file that is away changes nothing"
    password.write_text("and-back-again")
    assert rotation.refresh() == 1


def test_without_files_nothing_is_followed() -> None:
    rotation, client = Rotation(period=0.001), Client()
    settings = KafkaSettings(options={"sasl.username": "app", "sasl.password": "x"})
    rotation.follow(client, settings, settings.read_options())
    assert rotation._thread is None


def test_the_registrys_client_is_made_anew_where_its_file_changed(tmp_path: Path) -> None:
    (info := tmp_path / "info").write_text("me:first-password")
    registry = Registry(SchemaRegistrySettings(options_files={"basic.auth.user.info": info}))
    first: Any = registry._client
    assert registry._client is first
    info.write_text("me:second-password")
    assert registry._client is not first

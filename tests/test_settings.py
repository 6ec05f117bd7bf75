"""Settings: file and environment, durations, and every problem at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connector.errors import ConfigurationError
from connector.settings import load, parse_duration


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("10s", 10), ("30m", 1800), ("12h", 43200), ("30d", 2592000), (0, 0)]
)
def test_durations(text: object, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["10", 10, "s", "1w", "-1s", "1 fortnight", True])
def test_a_duration_needs_a_number_and_a_unit(text: object) -> None:
    with pytest.raises(ValueError, match="write a number and a unit"):
        parse_duration(text)


def test_the_contracts_defaults() -> None:
    settings = load()
    assert settings.feed.url == "wss://api.benzinga.com"
    assert settings.feed.streams[0] == "insights"
    assert len(settings.feed.streams) == 7
    assert settings.topics.prefix == "benzinga"
    assert (settings.topics.partitions, settings.topics.replication_factor) == (6, 3)
    assert settings.topics.retention == timedelta(days=30)
    assert (settings.source.dedup_window, settings.source.settle) == (5000, timedelta(seconds=2))
    assert settings.source.heartbeat.interval == timedelta(seconds=30)
    assert settings.source.backoff.refused == timedelta(minutes=5)
    assert settings.processor.idle_timeout == timedelta(minutes=30)
    assert (settings.http.host, settings.http.port) == ("0.0.0.0", 9108)


def test_the_environment_beats_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("topics: {prefix: from-file, partitions: 3}\nschema_registry: {register: false}\n")
    monkeypatch.setenv("BENZINGA_TOPICS__PREFIX", "from-environment")
    monkeypatch.setenv("BENZINGA_FEED__STREAMS", '["news"]')
    monkeypatch.setenv("BENZINGA_KAFKA__OPTIONS", '{"security.protocol": "SSL"}')
    settings = load(file)
    assert (settings.topics.prefix, settings.topics.partitions) == ("from-environment", 3)
    assert settings.feed.streams == ["news"]
    assert settings.kafka.options == {"security.protocol": "SSL"}
    assert not settings.schema_registry.register_


def test_every_problem_is_told_at_once_by_its_setting(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("feed: {streams: [news, quotes], colour: red}\nsource: {settle: 2}\nnonsense: 1\n")
    monkeypatch.setenv("BENZINGA_FEDE__TOKEN", "typo")
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    told = "\n".join(caught.value.problems)
    for name in ("feed.streams", "feed.colour", "source.settle", "nonsense", "BENZINGA_FEDE__TOKEN"):
        assert name in told
    assert caught.value.exit_code == 2


def test_what_kubernetes_puts_into_the_environment_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENZINGA_KAFKA_PORT", "tcp://10.0.0.1:9108")
    assert load().http.port == 9108


def test_a_filter_the_feed_does_not_have_is_refused(file: Path) -> None:
    file.write_text("feed: {filters: {news: {isins: [US0378331005]}}}\n")
    with pytest.raises(ConfigurationError, match=r"news\.isins.*channels, tickers"):
        load(file)


@pytest.mark.parametrize("content", ["a: [", "- 1\n- 2", "just text"])
def test_a_file_that_is_no_tree_of_settings(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=file.name):
        load(file)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        load(Path("no-such-file.yaml"))


def test_a_rotated_token_is_read_anew(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(" bz.first \n")
    settings_file = tmp_path / "settings.yaml"
    settings_file.write_text(f"feed: {{token_file: {token}}}")
    feed = load(settings_file).feed
    assert feed.read_token() == "bz.first"
    token.write_text("bz.second")
    assert feed.read_token() == "bz.second"
    token.write_text("")
    with pytest.raises(ConfigurationError, match="is empty"):
        feed.read_token()


def test_a_secret_does_not_show_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENZINGA_FEED__TOKEN", "bz.secret-value")
    assert "secret-value" not in repr(load())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("on: true", "True: no such setting"),
        ("_env_file: x", "_env_file: no such setting"),
        ("source: {settle: 99999999999999d}", "source.settle: 99999999999999d is longer than any duration"),
        ("source: {idle_timeout: {nwes: 1h}}", "source.idle_timeout: nwes: no such stream"),
        ("topics: {overrides: {nwes: {partitions: 2}}}", "topics.overrides: nwes: no such topic"),
    ],
)
def test_what_no_setting_is_called_or_can_be_is_told(file: Path, text: str, problem: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=problem):
        load(file)


def test_a_variable_that_is_no_json_is_named_and_its_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENZINGA_KAFKA__OPTIONS", "sasl.password=hush")
    with pytest.raises(ConfigurationError, match="BENZINGA_KAFKA__OPTIONS: not JSON; lists and maps") as caught:
        load()
    assert "hush" not in str(caught.value)

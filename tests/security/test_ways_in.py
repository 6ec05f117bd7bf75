"""TLS, client certificates and every SASL mechanism, through `kafka.options` alone, against a broker that insists."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka.admin import NewTopic

from connector.errors import BenzingaKafkaError
from connector.kafka import clients
from connector.kafka.credentials import ROTATION
from connector.kafka.reading import scan
from connector.kafka.records import Record
from connector.kafka.transactions import TransactionalProducer
from tests.support.certificates import Authority
from tests.support.secured import LISTENERS, PASSWORDS, REAUTHENTICATE_MS, Secured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.settings import KafkaSettings

APP = {"principal": "User:app", "host": "*", "pattern_type": "PREFIXED", "permission_type": "ALLOW"}
GRANTED = {"TOPIC": ["Read", "Write"], "TRANSACTIONAL_ID": ["Write"], "GROUP": ["Describe"]}


@pytest.fixture
def topic(secured: Secured, prefix: str) -> str:
    """A topic that user `app` may use."""
    name = f"{prefix}.topic"
    secured.allow(
        APP | {"resource_type": kind, "resource_name": f"{prefix}.", "operations": operations}
        for kind, operations in GRANTED.items()
    )
    for future in secured.superuser.create_topics([NewTopic(name, 1, 1)]).values():
        future.result(30)
    return name


def fenced(settings: KafkaSettings, topic: str) -> TransactionalProducer:
    producer = TransactionalProducer(lambda: clients.producer(settings, f"{topic}.id"), f"{topic}.id")
    producer.fence()
    return producer


def publish(producer: TransactionalProducer, topic: str, value: bytes) -> None:
    producer.publish([Record(topic, 0, b"key", value, [], 1)])


@pytest.mark.parametrize("listener", LISTENERS)
def test_a_client_comes_in_publishes_and_reads(
    listener: str, kafka_settings: Callable[..., KafkaSettings], topic: str
) -> None:
    settings = kafka_settings(listener)
    clients.cluster_reached(clients.admin(settings), settings, 10)
    producer = fenced(settings, topic)
    publish(producer, topic, b"a transaction")
    found = [message.value() for message in scan(settings, topic, [0], threading.Event(), group_id=f"{topic}.group")]
    assert found == [b"a transaction"]
    producer.close()


@pytest.mark.parametrize(
    ("listener", "changed", "told"),
    [
        ("PLAIN", {"sasl_password": "wrong-password"}, "refuses us"),
        ("SCRAM", {"sasl_password": "wrong-password"}, "refuses us"),
        ("SCRAM", {"sasl_mechanism": "SCRAM-SHA-256"}, "refuses us"),
        ("OAUTH", {"sasl_oauthbearer_client_secret": "wrong-password"}, "invalid_client"),
        ("OAUTH", {"sasl_oauthbearer_token_endpoint_url": "http://127.0.0.1:1/"}, "Could not connect"),
        ("TLS", {"security_protocol": "PLAINTEXT"}, "check the address, the network, and security.protocol"),
        ("TLS", {"ssl_ca_location": None}, "certificate verify failed"),
        ("MTLS", {"ssl_certificate_location": None, "ssl_key_location": None}, "certificate required"),
        ("MTLS", {"ssl_key_password": "wrong-password"}, "kafka.options: "),
        ("TLS", {"ssl_ca_location": "/nowhere/ca.pem"}, "ssl.ca.location: /nowhere/ca.pem cannot be read"),
    ],
)
def test_who_does_not_come_in_is_told_why(
    listener: str, changed: dict[str, Any], told: str, kafka_settings: Callable[..., KafkaSettings]
) -> None:
    settings = kafka_settings(listener, **changed)
    with pytest.raises(BenzingaKafkaError) as caught:
        clients.cluster_reached(clients.admin(settings), settings, 3)
    assert told in str(caught.value)
    assert "wrong-password" not in str(caught.value)
    assert PASSWORDS["app"] not in str(caught.value)


def test_a_broker_nobody_vouches_for_is_not_logged_in_to(
    kafka_settings: Callable[..., KafkaSettings], tmp_path: Path
) -> None:
    settings = kafka_settings("SCRAM", ssl_ca_location=str(Authority(tmp_path, "another").ca))
    with pytest.raises(BenzingaKafkaError, match=r"refuses us .*certificate verify failed"):
        clients.cluster_reached(clients.admin(settings), settings, 3)


def test_a_password_is_replaced_while_a_producer_lives(
    secured: Secured, kafka_settings: Callable[..., KafkaSettings], topic: str, tmp_path: Path
) -> None:
    (file := tmp_path / "password").write_text(PASSWORDS["app"])
    settings = kafka_settings("SCRAM", sasl_password=None).model_copy(update={"options_files": {"sasl.password": file}})
    producer = fenced(settings, topic)
    publish(producer, topic, b"before")
    secured.set_password("app", "another-password-of-app")
    try:
        file.write_text("another-password-of-app")
        assert ROTATION.refresh() >= 1
        # By now the broker wants another login on the connection that is open.
        assert not threading.Event().wait(REAUTHENTICATE_MS / 1000)
        publish(producer, topic, b"after")
        clients.cluster_reached(clients.admin(settings), settings, 10)
    finally:
        secured.set_password("app", PASSWORDS["app"])
        producer.close()

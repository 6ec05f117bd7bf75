"""`values.schema.json`: what the chart's values may be.

`config` and the alert rules come from the connector's own models, so that chart and connector never disagree. What is
Kubernetes' own (volumes, probes, ...) is checked for its shape here and for its content by the API server.

JSON Schema draft 7: the newest that every Helm 3 understands.
"""

from __future__ import annotations

from typing import Any, Final

from connector.processor.rules import Rule
from connector.settings import Settings

Schema = dict[str, Any]

_QUANTITY: Final = r"^[0-9]+(\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$"
_DNS_NAME: Final = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
_SECRET_KEY: Final = r"^[-._A-Za-z0-9]+$"  # noqa: S105 - what a key of a Secret looks like
_SECONDS: Final = r"^[0-9]+(ms|s|m|h)$"


def values_schema() -> Schema:
    """The whole document."""
    definitions: Schema = {}
    config = _model(Settings, definitions)
    rule = _model(Rule, definitions)
    # What templates read without asking whether it is there.
    config["required"] = ["kafka", "schema_registry"]
    definitions["KafkaSettings"]["required"] = ["bootstrap_servers"]
    definitions["SchemaRegistrySettings"]["required"] = ["url"]
    root = _object(
        config=config,
        secrets=_secrets(),
        image=_object(
            registry=_text(),
            repository=_text(minLength=1),
            tag=_text(pattern=r"^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$"),
            digest=_text(pattern=r"^(sha256:[0-9a-f]{64})?$"),
            pullPolicy=_one_of("Always", "IfNotPresent", "Never"),
        ),
        imagePullSecrets=_list(_object(["name"], name=_text(minLength=1))),
        nameOverride=_text(pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$"),
        fullnameOverride=_text(pattern=r"^([a-z]([-a-z0-9]*[a-z0-9])?)?$"),
        commonLabels=_strings(),
        commonAnnotations=_strings(),
        serviceAccount=_object(create=_flag(), name=_text(), annotations=_strings()),
        podSecurityContext=_any_object(),
        securityContext=_any_object(),
        source=_object(
            **_serving(),
            persistence=_object(
                enabled=_flag(),
                size=_text(pattern=_QUANTITY),
                storageClass=_text(),
                accessModes=_list(
                    _one_of("ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"), minItems=1, uniqueItems=True
                ),
                annotations=_strings(),
                retentionPolicy=_object(
                    whenDeleted=_one_of("Retain", "Delete"), whenScaled=_one_of("Retain", "Delete")
                ),
            ),
            updateStrategy=_any_object(),
        ),
        processor=_object(
            **_serving(),
            rules=_object(
                items=_list(rule),
                existingConfigMap=_name(),
                key=_text(pattern=_SECRET_KEY),
            ),
            autoscaling=_object(
                enabled=_flag(),
                minReplicas=_number(1),
                maxReplicas=_number(1),
                lagThreshold=_number(1),
                pollingInterval=_number(1),
                cooldownPeriod=_number(0),
                triggerMetadata=_strings(),
                authenticationRef=_object(
                    name=_name(), kind=_one_of("TriggerAuthentication", "ClusterTriggerAuthentication")
                ),
            ),
            updateStrategy=_any_object(),
        ),
        provision=_object(
            enabled=_flag(),
            hook=_flag(),
            backoffLimit=_number(0),
            activeDeadlineSeconds=_number(1),
            **_pod(),
        ),
        metrics=_metrics(),
        networkPolicy=_object(
            enabled=_flag(),
            ingress=_object(**{"from": _list(_any_object())}),
            egress=_object(
                dnsTo=_list(_any_object()),
                feedTo=_list(_any_object()),
                kafkaTo=_list(_any_object()),
                kafkaPorts=_list(_number(1, 65535)),
                registryTo=_list(_any_object()),
                extra=_list(_any_object()),
            ),
        ),
        strimzi=_object(
            cluster=_name(),
            namespace=_name(),
            apiVersion=_one_of("v1", "v1beta2"),
            topics=_object(enabled=_flag()),
            user=_object(
                enabled=_flag(),
                name=_name(),
                authentication=_one_of("scram-sha-512", "tls", "tls-external"),
                quotas=_any_object(),
            ),
        ),
        tests=_object(enabled=_flag()),
        extraManifests=_list({"type": ["object", "string"]}),
        **{"global": {"type": "object"}},
    )
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Made by helm/generate.py; not to be edited by hand.",
        "title": "Values of the chart benzinga-kafka",
        **root,
        "required": ["config", "secrets", "source", "processor"],
        "definitions": definitions,
    }


def _secrets() -> Schema:
    keys = {"type": "object", "additionalProperties": {"type": ["string", "null"], "pattern": _SECRET_KEY}}
    valued = _object(existingSecret=_name(), options=keys)
    located = _object(existingSecret=_name(), locations=keys)
    return _object(
        token=_object(existingSecret=_name(), key=_text(pattern=_SECRET_KEY)),
        sasl=valued,
        tls=located,
        clientTls=located,
        registry=valued,
        registryTls=located,
    )


def _metrics() -> Schema:
    monitor = _object(
        enabled=_flag(),
        interval=_text(pattern=f"^$|{_SECONDS}"),
        labels=_strings(),
        metricRelabelings=_list(_any_object()),
    )
    return _object(
        runbookUrl=_text(),
        podMonitor=monitor,
        serviceMonitor=monitor,
        prometheusRule=_object(
            enabled=_flag(),
            labels=_strings(),
            disabled=_list(_text()),
            extraGroups=_list(_any_object(["name", "rules"])),
        ),
        dashboards=_object(enabled=_flag(), labels=_strings(), annotations=_strings()),
    )


def _pod() -> dict[str, Schema]:
    quantities = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
    return {
        "resources": _object(requests=quantities, limits=quantities, claims=_list(_any_object())),
        "priorityClassName": _text(),
        "nodeSelector": _strings(),
        "tolerations": _list(_any_object()),
        "affinity": _any_object(),
        "podLabels": _strings(),
        "podAnnotations": _strings(),
        "extraEnv": _list(_any_object(["name"])),
        "extraEnvFrom": _list(_any_object()),
        "extraVolumes": _list(_any_object(["name"])),
        "extraVolumeMounts": _list(_any_object(["name", "mountPath"])),
    }


def _serving() -> dict[str, Schema]:
    """What source and processor have in common."""
    probe = {"type": ["object", "null"]}
    return {
        "enabled": _flag(),
        "replicas": _number(1),
        "terminationGracePeriodSeconds": _number(1),
        "startupProbe": probe,
        "livenessProbe": probe,
        "readinessProbe": probe,
        "podDisruptionBudget": _object(
            enabled=_flag(),
            maxUnavailable={"anyOf": [_number(1), _text(pattern=r"^([1-9][0-9]?|100)%$")]},
        ),
        "topologySpreadConstraints": _list(_any_object(["maxSkew", "topologyKey", "whenUnsatisfiable"])),
        "initContainers": _list(_any_object(["name", "image"])),
        "extraContainers": _list(_any_object(["name", "image"])),
        **_pod(),
    }


def _model(model: Any, definitions: Schema) -> Schema:
    """A pydantic model's schema; the models in it go to `definitions`."""
    made: Schema = _plain(model.model_json_schema(mode="validation"))
    definitions.update(made.pop("$defs", {}))
    return made


def _plain(node: Any) -> Any:
    """Without what is no constraint: texts, which change more often, and defaults (durations as ISO 8601)."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(reference := node.get("$ref"), str):
        return {"$ref": reference.replace("#/$defs/", "#/definitions/")}
    return {
        key: {name: _plain(inner) for name, inner in value.items()} if key in {"properties", "$defs"} else _plain(value)
        for key, value in node.items()
        if key not in {"default", "description", "title", "writeOnly", "format"}
    }


def _object(required: list[str] | None = None, /, **properties: Schema) -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return schema | {"required": required} if required else schema


def _any_object(required: list[str] | None = None) -> Schema:
    return {"type": "object", "required": required} if required else {"type": "object"}


def _list(items: Schema, **constraints: Any) -> Schema:
    return {"type": "array", "items": items, **constraints}


def _strings() -> Schema:
    """Labels, annotations and the like: Kubernetes takes text only, so that `true` and `1` have to be quoted."""
    return {"type": "object", "additionalProperties": {"type": "string"}}


def _text(**constraints: Any) -> Schema:
    return {"type": "string", **constraints}


def _name() -> Schema:
    return _text(pattern=f"^$|{_DNS_NAME}")


def _flag() -> Schema:
    return {"type": "boolean"}


def _number(minimum: int, maximum: int | None = None) -> Schema:
    schema: Schema = {"type": "integer", "minimum": minimum}
    return schema if maximum is None else schema | {"maximum": maximum}


def _one_of(*values: str) -> Schema:
    return {"enum": list(values)}

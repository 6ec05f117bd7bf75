"""A real broker that lets nobody in without a login, and denies what nobody granted: every way in that Kafka has."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from connector.embedded import EmbeddedKafka
from tests.support.certificates import Authority
from tests.support.web import Issuer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PASSWORDS = {
    name: f"kafka-password-of-{name}" for name in ("app", "source", "processor", "provision", "operator", "reader")
}
KEY_PASSWORD = "password-of-the-private-key"

_SECURITY = "org.apache.kafka.common.security"
LISTENERS = {"TLS": "SSL", "MTLS": "SSL", "PLAIN": "SASL_SSL", "SCRAM": "SASL_SSL", "OAUTH": "SASL_SSL"}
REAUTHENTICATE_MS = 3_000


@dataclass
class Secured:
    """The broker and what its clients need; the plain listener is the superuser's."""

    kafka: EmbeddedKafka
    authority: Authority
    client_certificate: Path
    token_url: str

    @cached_property
    def superuser(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.kafka.bootstrap_servers, "log_level": 0})

    def options(self, listener: str, user: str = "app") -> dict[str, Any]:
        """`kafka.options` of that user."""
        options: dict[str, Any] = {"security.protocol": LISTENERS[listener], "ssl.ca.location": str(self.authority.ca)}
        login = {"sasl.username": user, "sasl.password": PASSWORDS[user]}
        match listener:
            case "MTLS":
                file = str(self.client_certificate)
                options |= {"ssl.certificate.location": file, "ssl.key.location": file}
                options |= {"ssl.key.password": KEY_PASSWORD}
            case "PLAIN":
                options |= {"sasl.mechanism": "PLAIN", **login}
            case "SCRAM":
                options |= {"sasl.mechanism": "SCRAM-SHA-512", **login}
            case "OAUTH":
                options |= {
                    "sasl.mechanism": "OAUTHBEARER",
                    "sasl.oauthbearer.method": "oidc",
                    "sasl.oauthbearer.client.id": user,
                    "sasl.oauthbearer.client.secret": PASSWORDS[user],
                    "sasl.oauthbearer.token.endpoint.url": self.token_url,
                }
        return options

    def set_password(self, user: str, password: str) -> None:
        """A SCRAM user's, new or anew."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(user, info, password.encode())
        for future in self.superuser.alter_user_scram_credentials([change]).values():
            future.result(30)

    def allow(self, rules: Iterable[dict[str, Any]]) -> None:
        """Grant what `provision --print-acls --json` printed."""
        for future in self.superuser.create_acls([binding for rule in rules for binding in bindings(rule)]).values():
            future.result(30)

    def revoke(self, rule: dict[str, Any]) -> int:
        """Take that back; how many grants it was."""
        filters = [
            AclBindingFilter(
                b.restype, b.name, b.resource_pattern_type, b.principal, b.host, b.operation, b.permission_type
            )
            for b in bindings(rule)
        ]
        return sum(len(future.result(30)) for future in self.superuser.delete_acls(filters).values())


def bindings(rule: dict[str, Any]) -> list[AclBinding]:
    """The grants of one line of `provision --print-acls --json`."""
    return [
        AclBinding(
            ResourceType[rule["resource_type"]],
            rule["resource_name"],
            ResourcePatternType[rule["pattern_type"]],
            rule["principal"],
            rule["host"],
            AclOperation[_snake(operation)],
            AclPermissionType[rule["permission_type"]],
        )
        for operation in rule["operations"]
    ]


@contextmanager
def secured_kafka(folder: Path) -> Iterator[Secured]:
    """The broker, with all users in it and nothing granted."""
    authority = Authority(folder)
    issuer = Issuer(PASSWORDS)
    with issuer.serving() as url:
        kafka = EmbeddedKafka(
            config=_config(authority.ca, authority.certificate("broker"), url),
            listeners=LISTENERS,
            java_options=[f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={url}/keys"],
        )
        with kafka:
            certificate = authority.certificate("app", password=KEY_PASSWORD)
            secured = Secured(kafka, authority, certificate, f"{url}/token")
            for user, password in PASSWORDS.items():
                secured.set_password(user, password)
            yield secured


def _config(ca: Path, certificate: Path, issuer: str) -> dict[str, str]:
    plain = " ".join(f'user_{name}="{password}"' for name, password in PASSWORDS.items())
    scram, oauth = "listener.name.scram", "listener.name.oauth"
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificate),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ca),
        "listener.name.mtls.ssl.client.auth": "required",
        "listener.name.mtls.ssl.principal.mapping.rules": "RULE:^CN=(.*)$/$1/",
        "listener.name.plain.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.plain.plain.sasl.jaas.config": f"{_SECURITY}.plain.PlainLoginModule required {plain};",
        f"{scram}.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        f"{scram}.scram-sha-512.sasl.jaas.config": f"{_SECURITY}.scram.ScramLoginModule required;",
        # Who stays logs in again this often: a password that was replaced is missed at once.
        f"{scram}.scram-sha-512.connections.max.reauth.ms": str(REAUTHENTICATE_MS),
        f"{oauth}.sasl.enabled.mechanisms": "OAUTHBEARER",
        f"{oauth}.oauthbearer.sasl.jaas.config": f"{_SECURITY}.oauthbearer.OAuthBearerLoginModule required;",
        f"{oauth}.oauthbearer.sasl.server.callback.handler.class": (
            f"{_SECURITY}.oauthbearer.OAuthBearerValidatorCallbackHandler"
        ),
        f"{oauth}.sasl.oauthbearer.jwks.endpoint.url": f"{issuer}/keys",
        f"{oauth}.sasl.oauthbearer.expected.audience": "kafka",
    }


def _snake(operation: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in operation).lstrip("_").upper()

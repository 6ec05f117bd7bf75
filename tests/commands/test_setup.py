"""Which settings are secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.commands.setup import secrets
from connector.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_token_passwords_and_credentials_in_addresses_are_secret(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("from-the-file\n")
    settings = Settings.model_validate(
        {
            "feed": {"token": "from-the-setting", "token_file": str(token_file), "url": "wss://user:feed%2Dpw@feed"},
            "kafka": {
                "options": {
                    "sasl.password": "kafka-pw",
                    "ssl.key.pem": "-----BEGIN",
                    "ssl.keystore.password": "store-pw",
                    "sasl.oauthbearer.client.secret": "oauth-secret",
                    "sasl.oauthbearer.token.endpoint.url": "https://login.example",
                    "sasl.username": "me",
                    "linger.ms": 5,
                }
            },
            "schema_registry": {
                "url": "https://me:registry-pw@registry",
                "options": {"basic.auth.user.info": "me:basic-pw"},
            },
            "tracing": {"endpoint": "https://me:tracing-pw@collector/v1/traces"},
        }
    )
    found = set(secrets(settings))
    assert found >= {
        "from-the-file", "from-the-setting", "feed%2Dpw", "feed-pw", "kafka-pw", "-----BEGIN", "store-pw",
        "oauth-secret", "registry-pw", "me:basic-pw", "basic-pw", "tracing-pw",
    }  # fmt: skip
    assert not found & {"https://login.example", "me", "5", ""}

"""The feed over TLS, as in production: trusted certificates only."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.feeds import make_settings, running_feed, units, websocket_server

pytest.importorskip("cryptography")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from websockets.asyncio.server import ServerConnection


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "feed")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


def context(certificate: Path) -> ssl.SSLContext:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    return server


async def test_a_trusted_feed_is_read_and_left_properly(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int | None] = []

    async def handler(ws: ServerConnection) -> None:
        async for text in ws:
            if text == "ping":
                await ws.send("pong")
        closed.append(ws.close_code)

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with (
        websocket_server(handler, ssl=context(certificate)) as url,
        running_feed(make_settings(url.replace("ws:", "wss:"), settle=units(1))) as running,
    ):
        assert await running.sink.until("frame", 2) == [b"pong", b"pong"]
        assert running.metric("pong_seconds_count") == 2
        await running.feed.close()
        assert running.sink.of("disconnected") == ["stopped"]
        await running.until(lambda: closed == [1000])


async def test_a_feed_nobody_vouches_for_gets_no_key(certificate: Path, log_output: io.StringIO) -> None:
    async def handler(ws: ServerConnection) -> None:
        reached.append(ws)

    reached: list[ServerConnection] = []
    async with (
        websocket_server(handler, ssl=context(certificate)) as url,
        running_feed(make_settings(url.replace("ws:", "wss:"))) as running,
    ):
        await running.until(lambda: running.metric("connects_total", result="network") >= 2)
    assert reached == []
    assert "certificate verify failed" in log_output.getvalue()
    assert "CA certificates" in log_output.getvalue()

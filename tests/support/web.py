"""Small web servers on loopback: one that gives out OAuth tokens, one that guards the registry."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Issuer:
    """Gives an OAuth client a signed token for its id and secret, and everybody the key to verify it with."""

    def __init__(self, secrets: dict[str, str], audience: str = "kafka") -> None:
        self.secrets = secrets
        self.audience = audience
        self.issued = 0
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its base URL; tokens are at `/token`, keys at `/keys`."""
        issuer = self

        class Handler(_Handler):
            def do_GET(self) -> None:
                self.answer(200, json.dumps(issuer.keys()).encode())

            def do_POST(self) -> None:
                form = parse_qs(self.body().decode())
                if form.get("grant_type") != ["client_credentials"]:
                    self.answer(400, b'{"error":"unsupported_grant_type"}')
                elif (user := _login(self.headers["Authorization"], issuer.secrets)) is None:
                    self.answer(401, b'{"error":"invalid_client"}')
                else:
                    self.answer(200, json.dumps(issuer.token(user)).encode())

        with _serving(Handler) as server:
            yield f"http://127.0.0.1:{server.server_port}"

    def keys(self) -> dict[str, Any]:
        """The JSON Web Key Set."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": _number(numbers.n), "e": _number(numbers.e)}
        return {"keys": [key]}

    def token(self, user: str) -> dict[str, Any]:
        """What the token endpoint answers."""
        self.issued += 1
        now = int(time.time())
        claims = {"sub": user, "aud": self.audience, "iss": "test", "iat": now, "exp": now + 3600, "scope": "kafka"}
        signed = f"{_part({'alg': 'RS256', 'kid': '1', 'typ': 'JWT'})}.{_part(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return {"access_token": f"{signed}.{_text(signature)}", "token_type": "Bearer", "expires_in": 3600}


@contextmanager
def guarded_registry(url: str, certificate: Path, users: dict[str, str]) -> Iterator[str]:
    """The registry at `url` over TLS, for `users` (name to password, looked up at each request) only."""
    target = urlsplit(url)

    class Handler(_Handler):
        def forward(self) -> None:
            body = self.body()
            if _login(self.headers["Authorization"], users) is None:
                self.answer(401, b'{"error_code":40101,"message":"Unauthorized"}')
                return
            connection = http.client.HTTPConnection(target.netloc, timeout=30)
            headers = {name: self.headers[name] for name in ("Accept", "Content-Type") if name in self.headers}
            connection.request(self.command, target.path + self.path, body, headers)
            answer = connection.getresponse()
            self.answer(answer.status, answer.read(), answer.headers["Content-Type"] or "")
            connection.close()

        do_GET = do_POST = do_PUT = do_DELETE = forward  # noqa: N815 - the names are the base class's

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with _serving(Handler, context) as server:
        yield f"https://127.0.0.1:{server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def answer(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def _serving(handler: type[_Handler], context: ssl.SSLContext | None = None) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _login(header: str | None, users: dict[str, str]) -> str | None:
    """Whom a basic `Authorization` header proves."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme != "Basic":
        return None
    user, _, password = base64.b64decode(encoded).decode().partition(":")
    return user if users.get(user) == password else None


def _part(value: dict[str, Any]) -> str:
    return _text(json.dumps(value).encode())


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def answering(answer: Callable[[bytes], Any]) -> Iterator[str]:
    """A service that answers every POST with the JSON that `answer` makes of its body."""

    class Handler(_Handler):
        def do_POST(self) -> None:
            self.answer(200, json.dumps(answer(self.body())).encode())

    with _serving(Handler) as server:
        yield f"http://127.0.0.1:{server.server_port}/"

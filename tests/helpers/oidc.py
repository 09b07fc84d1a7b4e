"""A small OpenID Connect provider for tests: discovery, sign-in page, tokens, keys, sign-out.

Follows OpenID Connect Core 1.0 as far as a confidential client with the authorisation code flow
and PKCE (RFC 7636) needs it, and refuses what does not fit, so that a client that leaves a check
out is found.
"""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "mien"
CLIENT_SECRET = "a secret of these tests"
KEY_BITS = 2048


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in.

    Attributes:
        subject: `sub`.
        email: `email`.
        email_verified: whether the provider has seen that the address is theirs.
        lifetime_s: from the sign-in to `exp`; clients allow for two minutes of wrong clocks, so
            a negative one makes a token that is over and still let through by them.
    """

    subject: str
    email: str
    email_verified: bool = True
    lifetime_s: float = 3600.0


@dataclass
class Provider:
    """A running provider; `sign_ins` and `sign_outs` count what went through to the end.

    Attributes:
        changes: claims of tokens that are other than they should be; None leaves one out.
        signs: what tokens are signed with, where it is not `key`.
        secret: what it takes for the client's secret.
    """

    url: str
    accounts: tuple[Account, ...]
    key: RSAKey
    changes: dict[str, object] = field(default_factory=dict)
    signs: RSAKey | None = None
    secret: str = CLIENT_SECRET
    grants: dict[str, tuple[Account, dict[str, str]]] = field(default_factory=dict)
    sign_ins: int = 0
    sign_outs: int = 0

    @property
    def metadata_url(self) -> str:
        """What a client is configured with."""
        return f"{self.url}/.well-known/openid-configuration"

    def metadata(self) -> dict[str, object]:
        """OpenID Connect Discovery 1.0, section 3."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def sign_in_page(self, asked: Mapping[str, str]) -> str:
        """One link an account; each leads back to the client with a code of its own."""
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        links = []
        for account in self.accounts:
            code = secrets.token_urlsafe(16)
            self.grants[code] = (account, dict(asked))
            back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            links.append(f'<p><a href="{html.escape(back)}">{html.escape(account.email)}</a></p>')
        return f"<!doctype html><title>Sign in</title><h1>Who are you?</h1>{''.join(links)}"

    def tokens(self, form: Mapping[str, str], authorization: str) -> dict[str, object]:
        """Tokens for a code, which works once; RFC 6749's error for who is not the client."""
        account, asked = self.grants.pop(form["code"])
        expected = base64.b64encode(f"{CLIENT_ID}:{self.secret}".encode()).decode()
        if authorization != f"Basic {expected}":
            return {"error": "invalid_client"}
        assert form["redirect_uri"] == asked["redirect_uri"]
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        assert challenge == asked["code_challenge"]
        now = time.time()
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": account.subject,
            "iat": int(now) - 60,
            "exp": int(now + account.lifetime_s),
            "nonce": asked["nonce"],
            "email": account.email,
            "email_verified": account.email_verified,
        } | self.changes
        claims = {name: value for name, value in claims.items() if value is not None}
        self.sign_ins += 1
        key = self.signs or self.key
        return {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, key),
        }


@contextmanager
def started_provider(*accounts: Account) -> Iterator[Provider]:
    """Serve a provider on a free port of this machine, until the block ends."""
    key = RSAKey.generate_key(KEY_BITS, {"use": "sig", "alg": "RS256"})
    key.ensure_kid()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}", accounts, key)
    server.provider = provider
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _provider(self) -> Provider:
        found: Provider = self.server.provider
        return found

    def do_GET(self) -> None:
        provider, asked = self._provider, urlsplit(self.path)
        query = dict(parse_qsl(asked.query))
        if asked.path == "/.well-known/openid-configuration":
            self._answer(json.dumps(provider.metadata()))
        elif asked.path == "/keys":
            self._answer(json.dumps({"keys": [provider.key.as_dict(private=False)]}))
        elif asked.path == "/authorize":
            self._answer(provider.sign_in_page(query), "text/html; charset=utf-8")
        elif asked.path == "/end":
            provider.sign_outs += 1
            self.send_response(302)
            self.send_header("Location", query["post_logout_redirect_uri"])
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        tokens = self._provider.tokens(form, self.headers["Authorization"])
        self._answer(json.dumps(tokens), status=401 if "error" in tokens else 200)

    def _answer(
        self, text: str, content_type: str = "application/json", *, status: int = 200
    ) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Keep the test's output clean."""

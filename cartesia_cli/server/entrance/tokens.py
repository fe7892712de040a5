"""``POST /access-token``: tokens that stand in for a key, for an hour at most and not for everything."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.errors import CredentialsError
from cartesia_cli.server.bodies import read_json
from cartesia_cli.server.failures import ForbiddenError
from cartesia_cli.server.schemas.account import AccessTokenRequest
from cartesia_cli.wire.refusals import refuse_request

_GRANTS = ("tts", "stt", "agent")
LONGEST_LIFE = 3_600
"""Seconds that a token lasts at most; and that it lasts if the request does not say."""

_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()

_GRANT_OF_PATH: Mapping[str, str] = {
    "tts": "tts",
    "infill": "tts",
    "voice-changer": "tts",
    "stt": "stt",
    "audio": "stt",
}
"""By the first part of a path; everything else needs a key. The grant ``agent`` is for a socket, of calls on
the web, that is not here."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token allows, and until when."""

    grants: frozenset[str]
    expires_at: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Issues tokens and reads them. They are signed, and nothing of them is kept.

    Args:
        secret: what they are signed with; tokens of another secret are none of ours.
        clock: seconds since 1970.
    """

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    clock: Callable[[], float] = time.time

    def issue(self, grants: frozenset[str], seconds: int) -> str:
        """Return a new token: a JSON Web Token, for those who look into it."""
        now = int(self.clock())
        claims = {
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + seconds,
            "grants": dict.fromkeys(sorted(grants), True),
        }
        body = f"{_HEADER}.{_encode(json.dumps(claims).encode())}"
        return f"{body}.{self._sign(body)}"

    def read(self, text: str) -> Token | None:
        """Return the token in a text, expired or not; None if it is none that was issued here."""
        body, _, signature = text.rpartition(".")
        given, right = signature.encode("utf-8", "replace"), self._sign(body).encode()
        if not body or not hmac.compare_digest(given, right):
            return None
        claims = json.loads(_decode(body.partition(".")[2]))
        return Token(frozenset(claims["grants"]), claims["exp"])

    def check(self, token: Token, path: str) -> None:
        """Refuse what a token does not allow.

        Args:
            token: of this server.
            path: without the prefix under which everything lies.

        Raises:
            CredentialsError: it has expired.
            ForbiddenError: it does not allow this path.
        """
        if self.clock() >= token.expires_at:
            raise CredentialsError("The access token has expired.", title="Unauthorized")
        grant = _GRANT_OF_PATH.get(path.strip("/").partition("/")[0])
        if grant is None:
            raise ForbiddenError(
                "An access token does not allow this: it needs an API key.", title="Forbidden"
            )
        if grant not in token.grants:
            raise ForbiddenError(f"The access token lacks the grant {grant}.", title="Forbidden")

    def _sign(self, body: str) -> str:
        return _encode(hmac.new(self.secret, body.encode("utf-8", "replace"), hashlib.sha256).digest())


def token_routes(tokens: Tokens) -> list[Route]:
    """Return the route that issues ``tokens``."""

    async def create(request: Request) -> Response:
        payload = await read_json(request, AccessTokenRequest)
        return JSONResponse({"token": tokens.issue(_grants(payload), _seconds(payload))})

    return [Route("/access-token", create, methods=["POST"])]


def _grants(payload: Mapping[str, Any]) -> frozenset[str]:
    grants = payload.get("grants")
    if grants is None:
        return frozenset()
    if not isinstance(grants, Mapping):
        refuse_request("grants must be an object.")
    for name in _GRANTS:
        if not isinstance(grants.get(name), bool | None):
            refuse_request(f"The grant {name} must be true or false.")
    return frozenset(name for name in _GRANTS if grants.get(name) is True)


def _seconds(payload: Mapping[str, Any]) -> int:
    seconds = payload.get("expires_in")
    if seconds is None:
        return LONGEST_LIFE
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= LONGEST_LIFE:
        refuse_request(f"expires_in must be from 1 to {LONGEST_LIFE} seconds.")
    return seconds


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

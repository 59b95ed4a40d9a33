"""An IdP for storms: it knows one client, refreshes whatever it issued, and counts. A spent refresh token is refused."""

import time
from collections import Counter
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.fakes.idp import ec_key, published, sign

CLIENT_ID = "muster"


class StormIdp:
    """Refresh tokens are `LOGIN.GENERATION`, and each is good once. `granted` counts by login; `refused` holds the rest."""

    def __init__(self) -> None:
        self.issuer = ""
        self.granted: Counter[str] = Counter()
        self.refused: list[str] = []
        self._spent: set[str] = set()
        self._header = {"alg": "ES256", "kid": "ec-1"}

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/.well-known/openid-configuration", self._metadata)
        application.router.add_get("/jwks", self._keys)
        application.router.add_post("/token", self._token)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024).start()
        host, port = self._runner.addresses[0][:2]
        self.issuer = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _metadata(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(published(ec_key()))

    async def _token(self, request: web.Request) -> web.Response:
        token = str((await request.post()).get("refresh_token", ""))
        login, _, generation = token.rpartition(".")
        if not login or token in self._spent:
            self.refused.append(token)
            return web.json_response({"error": "invalid_grant"}, status=400)
        self._spent.add(token)
        self.granted[login] += 1
        answer: dict[str, Any] = {
            "access_token": f"access-{token}",
            "token_type": "Bearer",
            "refresh_token": f"{login}.{int(generation) + 1}",
            "id_token": sign(self._claims(login), ec_key(), self._header),
        }
        return web.json_response(answer)

    def _claims(self, login: str) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self.issuer,
            "sub": f"sub-{login}",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "email": f"{login}@example.com",
            "email_verified": True,
            "preferred_username": login,
            "groups": ["engineers"],
        }

"""A small OpenID Provider, for demonstration and tests only: there are no passwords, whoever clicks a name is that person.

Runs in a process (`DemoIdp`) or as one: `python -m proxy.demo.idp --port 0` prints one JSON line with its address.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web

from proxy.demo import idp_access, idp_authorize, idp_token
from proxy.demo.idp_control import CONTROL_ROUTES, refuse_while_out
from proxy.demo.idp_state import IdpOptions, IdpState
from proxy.demo.listener import Listener, serve_until_signal
from proxy.demo.people import PEOPLE, Person

TEMPLATES = Path(__file__).parent / "templates"


@web.middleware
async def outage(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    refusal = refuse_while_out(request.app[idp_authorize.STATE], request)
    return refusal if refusal is not None else await handler(request)


def make_application(state: IdpState) -> web.Application:
    application = web.Application(middlewares=[outage])
    application[idp_authorize.STATE] = state
    aiohttp_jinja2.setup(application, loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    application.add_routes(
        [
            web.get("/.well-known/openid-configuration", idp_token.discovery),
            web.get("/jwks", idp_token.jwks),
            web.get("/authorize", idp_authorize.authorize),
            web.post("/authorize", idp_authorize.authorize_form),
            web.post("/token", idp_token.token),
            web.get("/userinfo", idp_token.userinfo),
            web.post("/userinfo", idp_token.userinfo),
            web.post("/introspect", idp_access.introspect),
            web.post("/revoke", idp_token.revoke),
            web.get("/end_session", idp_authorize.end_session),
            web.post("/end_session", idp_authorize.end_session),
            *CONTROL_ROUTES,
        ]
    )
    return application


class DemoIdp:
    """The IdP and its listener. `state` may be read and changed directly by a test in the same process.

    `options` are those of `IdpOptions` (lives, rotation, marker, algorithm). The issuer is the address of the first start.
    """

    def __init__(
        self,
        people: Iterable[Person] = PEOPLE,
        client_id: str = "muster",
        client_secret: str | None = "demo-secret",  # noqa: S107 -- a demonstration's secret is public
        **options: Any,
    ) -> None:
        self.state = IdpState(people, IdpOptions(client_id=client_id, client_secret=client_secret, **options))
        self._listener = Listener(lambda: make_application(self.state))

    @property
    def issuer(self) -> str:
        return self.state.issuer

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; port 0 keeps the port of last time. Returns the issuer."""
        url = await self._listener.start(host, port)
        self.state.issuer = self.state.issuer or url
        return self.state.issuer

    @property
    def is_listening(self) -> bool:
        return self._listener.is_listening

    async def stop(self) -> None:
        """Stop listening; everything issued stays valid for the next start."""
        await self._listener.stop()


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proxy.demo.idp", description="The demo IdP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--client-id", default="muster")
    parser.add_argument("--client-secret", default="demo-secret")
    parser.add_argument("--access-life", type=float, default=300.0, help="seconds")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    asked = _arguments(argv)
    idp = DemoIdp(client_id=asked.client_id, client_secret=asked.client_secret, access_life=asked.access_life)
    asyncio.run(serve_until_signal(idp, asked.host, asked.port))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

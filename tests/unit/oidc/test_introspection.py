"""What an introspection endpoint's answer is read as, and what is sent to it."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from proxy.identity import IdpId
from proxy.oidc.introspection import IntrospectionRules, introspect
from proxy.oidc.rules import IdpRules
from proxy.oidc.transport import Transport, open_session
from proxy.session.model import Misconfigured, Trouble
from tests.fakes.idp import Reply, send

IDP = IdpRules(id=IdpId("corp"), name="Corp", issuer="https://idp.example.com", client_id="muster", timeout=2)


class Endpoint:
    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.forms: list[dict[str, str]] = []
        self.proofs: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        self.proofs.append(request.headers["Authorization"])
        return await send(request, self.reply)


@asynccontextmanager
async def serving(endpoint: Endpoint) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/introspect", endpoint.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/introspect"
    finally:
        await runner.cleanup()


async def asked(reply: Reply) -> tuple[Any, Endpoint]:
    endpoint = Endpoint(reply)
    async with serving(endpoint) as url, open_session() as http:
        rules = IntrospectionRules(url=url, client_id="api:1", secret=lambda: "s%cret")
        return await introspect("the-token", rules, Transport(IDP, http)), endpoint


async def test_the_answer_is_the_document() -> None:
    answer, endpoint = await asked(Reply({"active": True, "sub": "alice"}))
    assert answer == {"active": True, "sub": "alice"}
    assert endpoint.forms == [{"token": "the-token", "token_type_hint": "access_token"}]
    assert base64.b64decode(endpoint.proofs[0].removeprefix("Basic ")) == b"api%3A1:s%25cret"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply({"error": "invalid_client"}, status=401), Misconfigured(code="introspection_401")),
        (Reply(b"", status=403, content_type="text/html"), Misconfigured(code="introspection_403")),
        (Reply({"error": "invalid_request"}, status=400), Misconfigured(code="introspection_400")),
        (Reply(b"<html>", status=400, content_type="text/html"), Trouble(detail="http_400")),
        (Reply(b"<html>", content_type="text/html"), Trouble(detail="not_json")),
        (Reply([True]), Trouble(detail="not_json")),
        (Reply({"active": True}, status=302, headers={"Location": "/x"}), Trouble(detail="http_302")),
        (Reply({}, status=503, headers={"Retry-After": "7"}), Trouble(detail="http_503", retry_after=7.0)),
        (Reply({"active": True}, cut=5), Trouble(detail="answer_broken")),
    ],
)
async def test_everything_else_says_nothing_about_the_token(reply: Reply, expected: object) -> None:
    answer, _ = await asked(reply)
    assert answer == expected


async def test_nobody_there_is_trouble() -> None:
    async with open_session() as http:
        rules = IntrospectionRules(url="http://127.0.0.1:9/", client_id="a", secret=lambda: "b")
        assert await introspect("t", rules, Transport(IDP, http)) == Trouble(detail="connection_failed")


def test_the_secret_is_not_shown() -> None:
    rules = IntrospectionRules(url="https://x", client_id="a", secret=lambda: "hidden")
    assert "lambda" not in repr(rules)

"""What a proxy's answers say about how it asks, and what to do about it."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from proxy.cli.doctor_finding import Finding
from proxy.cli.doctor_forward_auth import examine_forward_auth, front_finding, here_finding, reason_in
from proxy.cli.doctor_http import Seen, Silent, open_http
from proxy.reasons import Reason
from tests.fakes.certificates import Authority
from tests.fakes.configurations import settings_of
from tests.fakes.doors import Doors, Page, text

ASKED: dict[str, Any] = {"forward_auth": {"enabled": True}, "trusted_proxies": ["127.0.0.1"]}
SILENT = Silent(detail="no connection (connection refused)")


def seen(status: int, body: str = "<html>") -> Seen:
    return Seen(status=status, headers={}, body=body.encode(), at=0.0)


def told(status: int, reason: str) -> Seen:
    return seen(status, json.dumps({"error": reason}))


@pytest.mark.parametrize(
    ("answer", "result", "what", "advice"),
    [
        (told(401, "not_signed_in"), "ok", "asks Muster", ""),
        (told(403, "untrusted_proxy"), "failed", "not believed", "log of Muster"),
        (told(400, "proxy_unclear"), "failed", "does not say about what", "X-Forwarded-Uri"),
        (told(421, "wrong_host"), "failed", "another host", "X-Forwarded-Host"),
        (told(404, "no_upstream"), "failed", "sends the app's requests", "/_muster/auth"),
        (told(503, "proxy_disagrees"), "failed", "nothing was refused", "error_page"),
        (told(400, "bad_request"), "failed", "is no request", "as it came"),
        (told(503, "store_unavailable"), "failed", "store_unavailable", "operations.md"),
        (told(200, "not_signed_in"), "failed", "is told not_signed_in", "operations.md"),
        (seen(401), "warning", "a page of its own (401)", "error_page"),
        (seen(403), "warning", "a page of its own (403)", "error_page"),
        (seen(500), "failed", "answers 500", "reaches Muster"),
        (seen(502), "failed", "answers 502", "reaches Muster"),
        (seen(200), "failed", "answers 200 without having asked", "strangers are served"),
        (seen(404), "failed", "answers 404 without having asked", "strangers are served"),
        (seen(302), "failed", "answers 302 without having asked", "strangers are served"),
        (seen(401, '{"error": "some other service"}'), "warning", "a page of its own", "error_page"),
        (SILENT, "warning", "no connection", "public address"),
    ],
)
def test_an_answer_to_a_stranger_means(answer: Seen | Silent, result: str, what: str, advice: str) -> None:
    found = front_finding("https://app.example.com", answer)
    assert (found.result, what in found.seen, advice in found.advice) == (result, True, True)


@pytest.mark.parametrize(
    ("answer", "is_believed", "result", "what"),
    [
        (told(401, "not_signed_in"), True, "ok", "answers the questions"),
        (told(403, "untrusted_proxy"), False, "ok", "refuses the questions"),
        (told(403, "untrusted_proxy"), True, "failed", "403 untrusted_proxy"),
        (seen(404), True, "failed", "(404)"),
        (seen(200), True, "failed", "(200)"),
        (SILENT, True, "warning", "no connection"),
    ],
)
def test_musters_own_answer_means(answer: Seen | Silent, is_believed: bool, result: str, what: str) -> None:
    found = here_finding("Muster at 127.0.0.1:8080", answer, is_believed=is_believed)
    assert (found.result, what in found.seen) == (result, True)


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "{}", '{"error": 7}', '{"error": {}}', "\xff", "not_signed_in"]
)
def test_what_is_not_our_document_is_somebody_elses(body: str) -> None:
    assert reason_in(seen(401, body)) is None


def as_json(reason: Reason, status: int) -> Page:
    return lambda request: web.json_response({"error": reason.value}, status=status)


async def examined(folder: Path, **changes: Any) -> dict[str, Finding]:
    async with open_http() as http:
        found = await examine_forward_auth(settings_of(folder, **{**ASKED, **changes}), http)
    return {one.check.removeprefix("forward-auth: "): one for one in found}


class Front(Doors):
    """A proxy that answers made-up pages by `page`; it keeps what it was asked."""

    def __init__(self, page: Page, **pages: Page) -> None:
        super().__init__(**pages)
        self.page = page

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        return self.pages.get(request.path, self.page)(request)


async def test_a_proxy_that_asks_rightly_and_keeps_questions_to_itself_is_well(tmp_path: Path) -> None:
    refusing = as_json(Reason.NOT_SIGNED_IN, 401)
    async with Front(refusing) as front, Front(refusing) as muster:
        front.pages = {"/_muster/auth": text("no such page", 404)}
        found = await examined(tmp_path, public_url=front.url, listen=muster.url.removeprefix("http://"))
    assert {name: one.result for name, one in found.items()} == {
        "the proxy in front": "ok",
        "from outside": "ok",
        "Muster": "ok",
    }
    (question,) = muster.asked
    assert question.path == "/_muster/auth"
    assert question.headers["X-Forwarded-Method"] == "GET"
    assert question.headers["X-Forwarded-Host"] == front.url.removeprefix("http://")
    pages = {request.path for request in front.asked}
    assert question.headers["X-Forwarded-Uri"] in pages
    assert not any("Cookie" in request.headers for request in (*front.asked, question))


async def test_a_proxy_that_hands_strangers_questions_on_is_a_warning(tmp_path: Path) -> None:
    async with Front(as_json(Reason.NOT_SIGNED_IN, 401)) as front:
        found = await examined(tmp_path, public_url=front.url, listen="127.0.0.1:0")
    assert (found["from outside"].result, "not /_muster/auth*" in found["from outside"].advice) == (
        "warning",
        True,
    )
    assert (found["Muster"].result, "not tried" in found["Muster"].seen) == ("ok", True)


async def test_muster_that_ends_tls_itself_is_asked_by_it(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("muster", hosts=("localhost",))
    tls = {"certificate": str(pair.cert), "key": str(pair.key)}
    async with Front(text("no TLS")) as muster:
        listen = muster.url.removeprefix("http://")
        found = await examined(tmp_path, public_url="https://localhost:1", listen=listen, tls=tls)
    assert (found["Muster"].result, "no TLS connection" in found["Muster"].seen) == ("warning", True)


async def test_nobody_there_is_said_of_each(tmp_path: Path) -> None:
    async with Doors() as gone:
        url = gone.url
    found = await examined(tmp_path, public_url=url, listen=url.removeprefix("http://"))
    assert {one.result for one in found.values()} == {"warning"}


@pytest.mark.parametrize("listen", ["0.0.0.0", "[::]", "localhost", "127.0.0.1"])
async def test_muster_is_asked_where_it_listens(tmp_path: Path, listen: str) -> None:
    async with Front(as_json(Reason.UNTRUSTED_PROXY, 403)) as muster:
        port = muster.url.rpartition(":")[2]
        found = await examined(
            tmp_path, public_url=muster.url, listen=f"{listen}:{port}", trusted_proxies=["192.0.2.7"]
        )
    is_six = listen == "[::]"
    assert found["Muster"].result == ("warning" if is_six else "ok")


async def test_what_cannot_be_tried_is_not(tmp_path: Path) -> None:
    async with Front(text("welcome")) as front:
        for openly in ({"open_paths": ["/*"]}, {"paths": [{"path": "/*", "identity": "optional"}]}):
            found = await examined(tmp_path, public_url=front.url, **openly)
            assert [(one.result, "not tried" in one.seen) for one in found.values()] == [("ok", True)]
        assert front.asked == []
        found = await examined(tmp_path, public_url=front.url, proxy_protocol=True)
    assert "not tried" in found["Muster"].seen


async def test_where_it_is_not_enabled_nothing_is_looked_at(tmp_path: Path) -> None:
    assert await examined(tmp_path, forward_auth={"enabled": False}) == {}

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from proxy.errors import NotTrusted, Unavailable
from proxy.web.answers import Answer, text_answer
from proxy.web.endpoint import PAGES, PARTS, endpoint
from proxy.web.render import Pages
from tests.fakes.web import NAVIGATE, SCRIPT, Control


async def ask(
    control: Control, error: Exception | None, headers: dict[str, str] = NAVIGATE
) -> tuple[int, str, dict[str, str]]:
    async def page(_: web.Request) -> Answer:
        if error is not None:
            raise error
        return text_answer(200, "fine").with_headers(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))

    application = web.Application()
    application[PARTS] = control.parts
    application[PAGES] = Pages(control.parts.site)
    application.router.add_get("/", endpoint(page))
    async with TestClient(TestServer(application)) as client, client.get("/", headers=headers) as answer:
        cookies = answer.headers.getall("Set-Cookie", [])
        return answer.status, await answer.text(), {**answer.headers, "cookies": ",".join(cookies)}


async def test_an_answer_goes_out_with_all_its_fields() -> None:
    status, text, headers = await ask(Control(), None)
    assert (status, text, headers["cookies"]) == (200, "fine", "a=1,b=2")


async def test_a_request_that_proves_nothing_is_told_a_code() -> None:
    control = Control()
    status, text, headers = await ask(control, NotTrusted("state_mismatch", status=401))
    assert status == 401
    assert headers["WWW-Authenticate"] == 'Muster realm="app"'
    assert "state_mismatch" in text
    assert control.journal.failures[0][0] == "state_mismatch"


async def test_a_store_that_is_away_is_a_503_that_asks_nobody_to_sign_in() -> None:
    status, text, headers = await ask(Control(), Unavailable("sqlite: locked by pid 7", retry_after=9))
    assert status == 503
    assert headers["Retry-After"] == "9"
    assert "sqlite" not in text
    assert "sign in again" not in text.lower()


async def test_a_script_hears_the_same_in_json() -> None:
    status, text, headers = await ask(Control(), Unavailable("x"), SCRIPT)
    assert (status, json.loads(text)["error"]) == (503, "store_unavailable")
    assert headers["Retry-After"] == "5"


@pytest.mark.parametrize("headers", [NAVIGATE, SCRIPT])
async def test_a_bug_shows_a_number_and_nothing_else(headers: dict[str, str]) -> None:
    control = Control()
    bug = RuntimeError("the secret is hunter2")
    status, text, _ = await ask(control, bug, headers)
    assert status == 500
    assert "incident-1" in text
    assert "hunter2" not in text
    assert "RuntimeError" not in text
    assert control.journal.bugs == [bug]


async def test_what_aiohttp_would_not_read_is_a_page_too() -> None:
    status, text, _ = await ask(Control(), web.HTTPRequestEntityTooLarge(max_size=1, actual_size=2))
    assert status == 413
    assert "bad_request" in text

"""A preset's requests, sent and judged."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from proxy.apps.api import AdminApi, Asked
from proxy.apps.paging import MAX_PAGES
from proxy.apps.preset import Preset
from proxy.apps.proof import Proof
from proxy.apps.requests import AccountWrite, SearchRequest
from proxy.apps.verdict import Done
from proxy.apps.wire import Wire
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.reasons import Reason
from tests.fakes.rest_app import Fault, ScriptedApp, answering
from tests.unit.apps.test_preset import WHOLE

OFF = AccountWrite.model_validate(
    {"request": "POST /u/{account}/off", "headers": {"X-Own": "{variables.lang}"}}
)
LIST = SearchRequest.model_validate({"request": "GET /u", "query": {"q": "x"}, "items": "rows"})
PAGED = SearchRequest.model_validate(
    {"request": "GET /u", "items": "rows", "paging": {"kind": "cursor", "next": "next"}}
)


@asynccontextmanager
async def api(*script: Fault, **keys: Any) -> AsyncIterator[tuple[AdminApi, ScriptedApp]]:
    preset = Preset.model_validate(
        {**WHOLE, "variables": {"lang": "en"}, "headers": {"X-All": "{variables.lang}"}, **keys}
    )
    async with aiohttp.ClientSession() as http, ScriptedApp(*script) as app:
        wire = Wire(app.url, http, timeout=5, parallel=4, observer=None)
        proof = Proof(preset.authentication, {"token": lambda: "s3cret"}, wire)
        yield AdminApi(preset, wire, proof, {"lang": "de"}), app


async def test_a_call_carries_the_presets_headers_its_own_and_the_proof() -> None:
    async with api(answering(200, {"ok": True})) as (admin, app):
        assert await admin.ask(OFF, {"account": "7"}) == Asked(
            verdict=Done(document={"ok": True}), status=200
        )
    headers = app.seen[0].headers
    assert (headers["X-All"], headers["X-Own"], headers["X-Key"]) == ("de", "de", "s3cret")
    assert app.seen[0].target == "/u/7/off"


async def test_what_cannot_be_written_is_never_sent() -> None:
    async with api() as (admin, app):
        asked = await admin.ask(OFF, {"account": ".."})
    assert asked.status is None
    assert isinstance(asked.verdict, AppRefusal)
    assert asked.verdict.detail.startswith("/u/{account}/off was not sent")
    assert app.seen == []


async def test_a_credential_that_an_app_echoes_is_hidden() -> None:
    async with api(answering(400, {"error": "s3cret is bad"}), error_text="error") as (admin, _):
        asked = await admin.ask(OFF, {"account": "7"})
    assert asked == Asked(
        verdict=AppRefusal(reason=Reason.APP_REFUSED, detail="POST /u/7/off answered 400: ••• is bad"),
        status=400,
    )


async def test_a_header_that_proves_nothing_is_not_tried_twice() -> None:
    async with api(answering(401), answering(200)) as (admin, app):
        assert (await admin.ask(OFF, {"account": "7"})).status == 401
    assert len(app.seen) == 1


async def test_a_list_in_one_answer() -> None:
    async with api(answering(200, {"rows": [1, 2]})) as (admin, app):
        assert await admin.whole_list(LIST, {}) == [1, 2]
    assert app.seen[0].target == "/u?q=x"


async def test_a_list_in_pages_keeps_the_order() -> None:
    script = [answering(200, {"rows": [n, -n], "next": n + 1 if n < 3 else None}) for n in (1, 2, 3)]
    async with api(*script) as (admin, app):
        assert await admin.whole_list(PAGED, {}) == [1, -1, 2, -2, 3, -3]
    assert [seen.target for seen in app.seen] == ["/u", "/u?cursor=2", "/u?cursor=3"]


async def test_a_fault_on_any_page_is_the_answer() -> None:
    async with api(answering(200, {"rows": [1], "next": 2}), answering(403)) as (admin, _):
        outcome = await admin.whole_list(PAGED, {})
    assert isinstance(outcome, AppRefusal)
    assert outcome.reason is Reason.APP_UNPROVED


async def test_something_that_is_no_list_is_trouble() -> None:
    async with api(answering(200, {"rows": {"a": 1}})) as (admin, _):
        assert await admin.whole_list(LIST, {}) == AppTrouble(detail="GET /u: “rows” is no list")


async def test_pages_without_end_are_trouble() -> None:
    script = [answering(200, {"rows": [], "next": n}) for n in range(1, MAX_PAGES + 2)]
    async with api(*script) as (admin, app):
        outcome = await admin.whole_list(PAGED, {})
    assert outcome == AppTrouble(detail=f"GET /u: there are more than {MAX_PAGES} pages")
    assert len(app.seen) == MAX_PAGES


async def test_an_empty_success_is_no_empty_list() -> None:
    async with api(answering(204)) as (admin, _):
        assert isinstance(await admin.whole_list(LIST, {}), AppTrouble)

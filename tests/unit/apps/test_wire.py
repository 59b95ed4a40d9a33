"""One exchange over a real socket."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from proxy.apps.render import Call
from proxy.apps.verdict import Answer
from proxy.apps.wire import BODY_LIMIT, CallRecord, Wire, retry_after
from proxy.provisioning.app_admin import AppTrouble
from proxy.provisioning.errand import Errand
from tests.fakes.rest_app import Fault, ScriptedApp, answering, slow

GET = Call(method="GET", path="/u")


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


def wire(
    url: str, http: aiohttp.ClientSession, *, parallel: int = 4, calls: list[CallRecord] | None = None
) -> Wire:
    observer = None if calls is None else calls.append
    return Wire(url, http, timeout=10, parallel=parallel, observer=observer)


async def answered(http: aiohttp.ClientSession, fault: Fault, call: Call = GET) -> Answer | AppTrouble:
    async with ScriptedApp(fault) as app:
        return await wire(app.url, http).send(call, {})


async def test_a_call_arrives_as_it_was_rendered(http: aiohttp.ClientSession) -> None:
    async with ScriptedApp(answering(204)) as app:
        call = Call(
            method="PATCH", path="/u/a%2Fb", query={"q": "a&b=c d", "e": ""}, body={"n": "ä"}, has_body=True
        )
        assert await wire(app.url + "/prefix/", http).send(call, {"X-Key": "k"}) == Answer(status=204)
    seen = app.seen[0]
    assert (seen.method, seen.body) == ("PATCH", {"n": "ä"})
    assert seen.target == "/prefix/u/a%2Fb?q=a%26b%3Dc+d&e="
    assert seen.headers["X-Key"] == "k"
    assert seen.headers["Content-Type"] == "application/json"
    assert seen.headers["Accept"] == "application/json"


async def test_a_call_without_a_body_sends_none(http: aiohttp.ClientSession) -> None:
    async with ScriptedApp(answering(200, {})) as app:
        await wire(app.url, http).send(GET, {})
    assert app.seen[0].body is None
    assert "Content-Type" not in app.seen[0].headers


async def test_a_link_stands_for_path_and_query(http: aiohttp.ClientSession) -> None:
    async with ScriptedApp(answering(200, {})) as app:
        await wire(app.url + "/p", http).send(Call(method="GET", path="/u", link="/u?at=%2F2&x=1"), {})
    assert app.seen[0].target == "/p/u?at=%2F2&x=1"


async def test_a_redirect_is_not_followed(http: aiohttp.ClientSession) -> None:
    async with ScriptedApp(answering(307, None, Location="/elsewhere"), answering(200, {})) as app:
        answer = await wire(app.url, http).send(GET, {"X-Key": "s3cret"})
    assert isinstance(answer, Answer)
    assert answer.status == 307
    assert len(app.seen) == 1


@pytest.mark.parametrize(
    "body", [b"<html>", b"[1,", b"[NaN]", b"[Infinity]", b"\xff", b"[" * 50_000, b"{} {}"]
)
async def test_a_success_that_is_no_json_is_trouble(http: aiohttp.ClientSession, body: bytes) -> None:
    assert await answered(http, answering(200, body)) == AppTrouble(
        detail="GET /u answered 200 with something that is not JSON"
    )


@pytest.mark.parametrize("body", [b"<html>", b"[1,", b""])
async def test_a_no_needs_no_json(http: aiohttp.ClientSession, body: bytes) -> None:
    assert await answered(http, answering(422, body)) == Answer(status=422)


async def test_an_empty_success_has_no_document(http: aiohttp.ClientSession) -> None:
    assert await answered(http, answering(200, b" \n")) == Answer(status=200)


async def test_an_answer_of_the_largest_size_is_read_and_a_larger_one_is_not(
    http: aiohttp.ClientSession,
) -> None:
    largest = b'"' + b"x" * (BODY_LIMIT - 2) + b'"'
    assert isinstance(await answered(http, answering(200, largest)), Answer)
    assert await answered(http, answering(200, largest + b" ")) == AppTrouble(
        detail="GET /u: the answer is larger than 8 MiB"
    )


async def test_the_next_link_is_made_absolute(http: aiohttp.ClientSession) -> None:
    async with ScriptedApp(answering(200, [], Link='</u?at=2>; rel="next", </u?at=9>; rel="last"')) as app:
        answer = await wire(app.url, http).send(GET, {})
        assert isinstance(answer, Answer)
        assert answer.link == f"{app.url}/u?at=2"


@pytest.mark.parametrize(
    ("link", "below"),
    [
        ("http://app.test:3000/api/u?at=2&x=%2F", "/u?at=2&x=%2F"),
        ("http://app.test:3000/api/", "/"),
        ("http://app.test:3000/apix/u", None),
        ("http://app.test:3000/u", None),
        ("http://app.test/api/u", None),
        ("https://app.test:3000/api/u", None),
        ("http://evil.test:3000/api/u", None),
    ],
)
async def test_only_a_link_below_the_apps_address_is_one(
    http: aiohttp.ClientSession, link: str, below: str | None
) -> None:
    assert wire("http://app.test:3000/api", http).below(link) == below


async def test_no_more_calls_run_at_a_time_than_allowed(http: aiohttp.ClientSession) -> None:
    async with ScriptedApp(*[slow(0.02)] * 12) as app:
        one = wire(app.url, http, parallel=3)
        await asyncio.gather(*(one.send(GET, {}) for _ in range(12)))
    assert app.most_at_once == 3


async def test_a_call_is_reported_once_without_its_query(http: aiohttp.ClientSession) -> None:
    calls: list[CallRecord] = []
    async with ScriptedApp(answering(200, {}), answering(500)) as app:
        one = wire(app.url, http, calls=calls)
        await one.send(Call(method="GET", path="/u", query={"mail": "a@example.com"}), {"X-Key": "s3cret"})
        await one.send(Call(method="GET", path="/u", link="/u/2?mail=a@example.com"), {})
    await wire(app.url, http, calls=calls).send(GET, {})
    assert [(call.path, call.status) for call in calls] == [("/u", 200), ("/u/2", 500), ("/u", None)]


async def test_a_call_that_is_cancelled_gives_its_slot_back(http: aiohttp.ClientSession) -> None:
    async with ScriptedApp(slow(30), answering(200, {})) as app:
        one = wire(app.url, http, parallel=1)
        waiting = asyncio.create_task(one.send(GET, {}))
        while not app.seen:
            await asyncio.sleep(0.005)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await one.send(GET, {}) == Answer(status=200, document={})


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("", None), ("0", 0.0), ("7", 7.0), (" 7 ", 7.0), ("-1", None), ("1.5", None), ("soon", None), ("٧", None),
        ("99999999999999999999", 86_400.0), ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2099 00:00:00 GMT", 86_400.0), ("Thu, 99 Jan 1970 00:00:00 GMT", None),
    ],
)  # fmt: skip
def test_how_long_to_wait(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=100.0) == seconds


async def test_a_call_is_reported_with_the_errand_it_was_made_on(http: aiohttp.ClientSession) -> None:
    calls: list[CallRecord] = []
    async with ScriptedApp(answering(204), answering(204)) as app:
        plain = wire(app.url, http, calls=calls)
        await plain.on_errand(Errand(purpose="join", cause="claim says so")).send(GET, {})
        await plain.send(GET, {})
    assert [one.errand for one in calls] == [Errand(purpose="join", cause="claim says so"), Errand()]


async def test_an_errand_waits_for_its_turn_like_any_other(http: aiohttp.ClientSession) -> None:
    async with ScriptedApp(*[slow(0.05)] * 3) as app:
        one = wire(app.url, http, parallel=1)
        errands = [one.on_errand(Errand(purpose=name)) for name in ("join", "leave", "archive")]
        await asyncio.gather(*(each.send(GET, {}) for each in errands))
    assert app.most_at_once == 1

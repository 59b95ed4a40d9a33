"""Bad input through the whole program: forged headers, broken and foreign cookies, scripts without a session, wrong hosts."""

import secrets

import pytest

from tests.e2e import wire
from tests.e2e.conftest import System
from tests.e2e.stack import COOKIE, Stack, session_value
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser
from tests.fakes.cookie_jar import Cookie

SPELLINGS = [
    "X-Forwarded-User: carol",
    "x-forwarded-user: carol",
    "X_Forwarded_User: carol",
    "X-FORWARDED_USER: carol",
    "X.Forwarded.User: carol",
    "X-Forwarded-Groups: admins",
    "X_Forwarded_Groups: admins",
    "X-Forwarded-Email: root@example.com",
    "X-Forwarded-Preferred-Username: carol",
    "X-Muster-Peer: 10.0.0.1",
    "Connection: close, X-Forwarded-User",
    "Connection: close, x_forwarded_user",
    "Authorization: Bearer forged",
    "Proxy-Authorization: Basic Zm9v",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_of_a_forged_header_reaches_the_app(running_demo: Stack, spelling: str) -> None:
    reply = await wire.send(running_demo.muster, f"Cookie: {COOKIE}={await value_of(running_demo)}", spelling)
    assert reply.status == 200
    headers = reply.json()["headers"]
    folded = [(name.lower().replace("_", "-").replace(".", "-"), value) for name, value in headers]
    assert [value for name, value in folded if name == "x-forwarded-user"] == ["alice"]
    assert [value for name, value in folded if name == "x-forwarded-groups"] == ["engineers"]
    assert [value for name, value in folded if name == "x-forwarded-email"] == ["alice@example.com"]
    assert not {name for name, _ in folded} & {
        "authorization",
        "proxy-authorization",
        "x-muster-peer",
        "x-muster-scheme",
    }


async def value_of(stack: Stack) -> str:
    """The session cookie of Alice, signed in."""
    async with Browser() as browser:
        assert (await stack.sign_in(browser, "alice")).status == 200
        return session_value(browser)


async def test_the_app_gets_the_other_cookies_and_never_ours(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        ours = f"{COOKIE}={session_value(browser)}"
        reply = await wire.send(stack.muster, f"Cookie: theme=dark; {ours}; lang=en", "Cookie: third=3")
        cookies = "; ".join(value for name, value in reply.json()["headers"] if name.lower() == "cookie")
        assert cookies.split("; ") == ["theme=dark", "lang=en", "third=3"]


BROKEN = [
    "",
    "x",
    "a" * 43,
    "a" * 42 + "\xff",
    "%00" * 20,
    "A" * 5000,
    '"quoted"',
    secrets.token_urlsafe(32),
    "../../etc/passwd",
]


async def test_broken_and_foreign_cookies_count_as_none(demo: System) -> None:
    async with demo() as stack:
        for value in BROKEN:
            for name in (COOKIE, "muster", "__host-muster"):
                script = await wire.send(stack.muster, f"Cookie: {name}={value}", "Sec-Fetch-Mode: cors")
                assert script.status == 401, value
                page = await wire.send(
                    stack.muster, f"Cookie: {name}={value}", "Sec-Fetch-Mode: navigate", "Accept: text/html"
                )
                assert page.status in {302, 303}, value
        assert await stack.app.pages() == 0


async def test_two_different_session_cookies_are_none(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        good = session_value(browser)
        both = f"Cookie: {COOKIE}={good}; {COOKIE}={secrets.token_urlsafe(32)}"
        assert (await wire.send(stack.muster, both, "Sec-Fetch-Mode: cors")).status == 401


async def test_a_session_of_another_muster_is_none(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        cookie = Cookie(
            name=COOKIE, value=secrets.token_urlsafe(32), host="app.localhost", path="/", is_host_only=True,
            is_secure=True, is_http_only=True, same_site="lax", expires_at=None,
        )  # fmt: skip
        browser.jar.put(cookie)
        assert (await stack.look(browser)).status == 401
        page = await stack.sign_in(browser, "alice")
        assert page.status == 200
        assert session_value(browser) != cookie.value


async def test_signing_in_never_adopts_a_cookie_that_was_there_before(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        before = session_value(browser)
        browser.jar.clear("127.0.0.1")
        await browser.go(stack.muster.url("/_muster/sign-in"))
        await stack.idp.answer(browser, "bob")
        assert session_value(browser) != before
        assert stack.app.shown(await stack.look(browser)) == "bob"

        async def with_the_old_one() -> int:
            return (
                await wire.send(stack.muster, f"Cookie: {COOKIE}={before}", "Sec-Fetch-Mode: cors")
            ).status

        await eventually(
            with_the_old_one, lambda status: status == 401, within=2, what="the old session ended"
        )


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_script_without_a_session_gets_json_and_starts_no_attempt(
    demo: System, browser: Browser, method: str
) -> None:
    async with demo() as stack:
        answer = await browser.fetch(stack.page, method=method)
        assert answer.status == 401
        assert answer.headers["Content-Type"].startswith("application/json")
        assert isinstance(answer.json(), dict)
        assert "Set-Cookie" not in answer.headers
        assert "Location" not in answer.headers
        assert await stack.app.pages() == 0


async def test_another_host_name_is_refused_before_anything_else(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        answer = await browser.fetch(stack.page, headers={"Host": "evil.example"})
        assert 400 <= answer.status < 500
        assert await stack.app.pages() == 0


@pytest.mark.parametrize(
    "path",
    [
        "/%5fmuster/profile",
        "//_muster/profile",
        "/x/../_muster/profile",
        "/_MUSTER/profile",
        "/_muster/../headers",
    ],
)
async def test_no_other_spelling_of_an_own_path_reaches_the_app(running_demo: Stack, path: str) -> None:
    reply = await wire.send(
        running_demo.muster,
        f"Cookie: {COOKIE}={await value_of(running_demo)}",
        request=f"GET {path} HTTP/1.1",
    )
    assert reply.status in {400, 404}


async def test_nothing_secret_is_ever_written_to_the_log(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        await stack.refreshed(browser)
        await browser.go(stack.muster.url("/_muster/callback?code=stolen-code&state=stolen-state"))
        cookie = session_value(browser)
        stack.muster.stop()
        written = stack.muster.all_output()
        for secret in (cookie, stack.idp.secret, stack.app.token, "stolen-code", "stolen-state"):
            assert secret.encode() not in written


async def test_own_pages_stand_large_cookies_of_the_apps(demo: System, browser: Browser) -> None:
    """The limit is `limits.header_bytes`, for our pages as for the app's."""
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        cookies = f"Cookie: {COOKIE}={session_value(browser)}; theirs={'x' * 12_000}"
        reply = await wire.send(stack.muster, cookies, request="GET /_muster/profile HTTP/1.1")
        assert reply.status == 200


ODD_FIELDS = [
    ("Content-Encoding: br",),
    ("Content-Encoding: zstd",),
    ("Content-Encoding: gzip",),
    ("Sec-WebSocket-Key1: x",),
    ("User-Agent: a", "User-Agent: b"),
    ("Content-Type: a/b", "Content-Type: c/d"),
    ("Content-Type: application/x-www-form-urlencoded; charset=rot13",),
    ("Content-Type: multipart/form-data; boundary=x",),
    ("ETag: a", "ETag: b", "Server: a", "Server: b", "Content-Range: x", "Content-Range: y"),
]


@pytest.mark.parametrize("fields", ODD_FIELDS, ids=lambda fields: fields[0])
async def test_nobody_makes_own_pages_stumble_or_hears_the_words_of_a_library(
    running_demo: Stack, fields: tuple[str, ...]
) -> None:
    """Neither a 500 nor an alarm in the log for whoever sends odd fields, without a session."""
    muster = running_demo.muster
    page = await wire.send(muster, *fields, "Accept: text/html", request="GET /_muster/nothing HTTP/1.1")
    assert (page.status, b"no_such_page" in page.body) == (404, True)
    post = "POST /_muster/backchannel-logout HTTP/1.1"
    reply = await wire.send(muster, *fields, "Content-Length: 3", request=post, body=b"a=b")
    assert (reply.status, reply.json()) == (400, {"error": "invalid_request"})
    assert not [record for record in muster.log() if record.get("level") == "error"]

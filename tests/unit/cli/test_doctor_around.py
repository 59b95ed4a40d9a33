"""The app's own door: forged headers, and its own password form."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from proxy.apps.preset import LoginProbe
from proxy.cli.doctor_around import examine_around
from proxy.cli.doctor_finding import Finding
from proxy.cli.doctor_http import open_http
from proxy.demo.app import DemoApp
from tests.fakes.certificates import Authority
from tests.fakes.configurations import settings_of
from tests.fakes.doors import Doors, Page, text
from tests.fakes.upstream import RecordingUpstream

PROBE = LoginProbe(path="/login", marker='name="password"', page="/mine", close="Close it so.")
FORM = text('<form><input name="password"></form>')


async def examined(
    folder: Path,
    upstream: str,
    *,
    login: str | None = "robot",
    probe: LoginProbe | None = PROBE,
    **changes: Any,
) -> list[Finding]:
    settings = settings_of(folder, upstream={"url": upstream}, **{"public_url": upstream, **changes})
    async with open_http() as http:
        return await examine_around(settings, http, login=login, probe=probe)


def believing(request: web.Request) -> web.Response:
    """Greets whomever the header names, else sends them to sign in."""
    name = request.headers.get("X-Forwarded-User")
    if not name:
        raise web.HTTPFound("/login")
    return web.Response(text=f"hello {name}")


def polite(request: web.Request) -> web.Response:
    return web.Response(text=f"hello {request.headers.get('X-Forwarded-User', 'stranger')}")


def moving(request: web.Request) -> web.Response:
    raise web.HTTPFound("/projects" if "X-Forwarded-User" in request.headers else "/login")


@pytest.mark.parametrize(
    ("page", "result", "seen"),
    [
        (
            believing,
            "warning",
            "is anybody: “X-Forwarded-User: robot” was believed (302 without, 200 with it)",
        ),
        (polite, "warning", "is anybody"),
        (moving, "warning", "is anybody"),
        (
            text("welcome"),
            "warning",
            "answers this machine 200, with “X-Forwarded-User: robot” and without it",
        ),
        (text("no", 403), "ok", "answers a forged header with 403"),
        (text("oh", 500), "warning", "answers 500"),
    ],
)
async def test_whether_a_forged_header_is_believed(
    tmp_path: Path, page: Page, result: str, seen: str
) -> None:
    async with Doors(mine=page) as doors:
        found, _ = await examined(tmp_path, doors.url)
    assert found.result == result
    assert seen in found.seen
    assert (result == "ok") is ("NetworkPolicy" not in found.advice) or "500" in found.seen


async def test_only_gets_are_sent_under_the_host_that_the_app_knows(tmp_path: Path) -> None:
    async with Doors(mine=believing) as doors:
        await examined(tmp_path, doors.url, public_url="http://app.localhost:1")
    assert {one.method for one in doors.asked} == {"GET"}
    assert {one.host for one in doors.asked} == {"app.localhost:1"}
    assert [one.headers.get("X-Forwarded-User") for one in doors.asked if one.path == "/mine"] == [
        None,
        "robot",
    ]


async def test_the_operators_header_and_host_are_those_that_are_tried(tmp_path: Path) -> None:
    async with Doors(mine=polite) as doors:
        settings = settings_of(
            tmp_path,
            upstream={"url": doors.url, "host": "upstream"},
            headers={"user": "X-Remote-User"},
        )
        async with open_http() as http:
            await examine_around(settings, http, login="robot", probe=None)
    assert [one.headers.get("X-Remote-User") for one in doors.asked] == [None, "robot"]
    assert doors.asked[0].host == doors.url.removeprefix("http://")


@pytest.mark.parametrize("login", [None, "jürgen"])
async def test_without_a_name_the_port_alone_is_told(tmp_path: Path, login: str | None) -> None:
    async with Doors(mine=believing) as doors:
        found, _ = await examined(tmp_path, doors.url, login=login)
    assert (found.result, "no name is known" in found.seen) == ("warning", True)
    assert all("X-Forwarded-User" not in one.headers for one in doors.asked)


async def test_an_app_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    async with Doors() as doors:
        url = doors.url
    found, form = await examined(tmp_path, url)
    assert (found.result, form.result) == ("failed", "warning")
    assert f"the app does not answer at {url}" in found.seen


async def test_the_form_at_the_app_and_through_muster_are_told_apart(tmp_path: Path) -> None:
    async with Doors(login=FORM) as open_door, Doors(login=text("sign in", 302)) as muster:
        _, found = await examined(tmp_path, open_door.url, public_url=muster.url)
        assert (found.result, found.advice) == ("warning", "Close it so.")
        assert f"at {open_door.url}/login, to whoever reaches that port" in found.seen
        _, found = await examined(tmp_path, muster.url, public_url=open_door.url)
        assert "to anybody" in found.seen
        assert found.advice == "take the path out of open_paths. Close it so."
        _, *both = await examined(tmp_path, open_door.url)
        assert len(both) == 2


@pytest.mark.parametrize("page", [text("no form here"), text('name="password"', 403), text("", 404)])
async def test_no_form_is_said_to_be_none(tmp_path: Path, page: Page) -> None:
    async with Doors(login=page) as doors:
        _, found = await examined(tmp_path, doors.url)
    assert (found.result, found.seen.startswith("no password form at /login")) == ("ok", True)


async def test_without_a_probe_it_is_not_looked_for(tmp_path: Path) -> None:
    app = DemoApp()
    try:
        found, form = await examined(tmp_path, await app.start(), probe=None)
    finally:
        await app.stop()
    assert "(403 without, 200 with it)" in found.seen
    assert form.seen == "not looked for: the preset names no `login_probe`"
    assert app.calls == []


async def test_without_an_app_there_is_no_form_to_speak_of(tmp_path: Path) -> None:
    async with Doors() as doors:
        found = await examined(
            tmp_path, doors.url, probe=None, app=None, headers={"user_claim": "email"}, login=None
        )
    assert len(found) == 1


async def test_an_app_on_a_unix_socket_is_not_reached_from_elsewhere(tmp_path: Path) -> None:
    forged, form = await examined(tmp_path, "unix:///run/app.sock", public_url="https://app.example.com")
    assert (forged.result, "not tried" in forged.seen) == ("ok", True)
    assert "not looked at" in form.seen


async def test_an_app_on_https_is_asked_by_the_certificates_that_the_edge_accepts(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("app", hosts=("app.internal",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    async with RecordingUpstream(tls=context) as app:
        tls = {"ca_file": "ca.pem", "server_name": "app.internal"}
        upstream = {"url": f"https://127.0.0.1:{app.port}", "tls": tls, "host_header": "wiki"}
        settings = settings_of(tmp_path, upstream=upstream)
        async with open_http() as http:
            (forged, *_) = await examine_around(settings, http, login="robot", probe=None)
        assert "answers this machine 200" in forged.seen
        assert [seen.values(b"host") for seen in app.seen] == [[b"wiki"], [b"wiki"]]


async def test_without_an_upstream_only_the_way_through_muster_is_tried(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"forward_auth": {"enabled": True}, "trusted_proxies": ["127.0.0.1"]}
    async with Doors(login=FORM) as doors:
        settings = settings_of(tmp_path, upstream=None, public_url=doors.url, **asked)
        async with open_http() as http:
            forged, form = await examine_around(settings, http, login="robot", probe=PROBE)
            closed, nothing = await examine_around(
                settings, http, login="robot", probe=PROBE.model_copy(update={"path": "/no"})
            )
    assert (forged.result, "only the proxy in front knows" in forged.seen) == ("ok", True)
    assert (form.result, "through Muster" in form.seen) == ("warning", True)
    assert (nothing.result, "was not tried" in nothing.seen) == ("ok", True)
    assert forged == closed

"""The whole program in front of every kind of app, well and down: one Muster, an upstream for each prefix."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e import wire
from tests.e2e.program import HOST, STARTS, Muster, choose_ports, is_port_taken
from tests.e2e.stack import write_secret
from tests.e2e.waiting import eventually
from tests.fakes.certificates import Authority
from tests.fakes.processes import ChildDied
from tests.fakes.upstream import OK, Conversation, RecordingUpstream

PAGE = ("Sec-Fetch-Mode: navigate", "Accept: text/html")
UNTRUSTED = {"upstream_not_trusted"}
SCRIPT = ("Accept: application/json",)


def configuration(folder: Path, upstreams: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Everything is open, so that no sign-in is needed to see where a request goes."""
    write_secret(folder / "idp.secret", "a secret that nobody asks for")
    nobody = {"id": "corp", "issuer": "http://127.0.0.1:9", "client_id": "muster"}
    app = upstreams.pop("/")
    return {
        "upstream": app,
        "upstreams": [{"prefix": prefix, **one} for prefix, one in upstreams.items()],
        "idps": [{**nobody, "client_secret": {"file": "idp.secret"}}],
        "headers": {"user_claim": "sub"},
        "open_paths": ["/*"],
    }


@asynccontextmanager
async def muster_before(folder: Path, upstreams: dict[str, dict[str, Any]]) -> AsyncIterator[Muster]:
    muster = await started(folder, configuration(folder, dict(upstreams)))
    try:
        yield muster
    finally:
        await asyncio.to_thread(muster.child.stop)


async def started(folder: Path, config: dict[str, Any]) -> Muster:
    """On other ports when somebody was faster; whoever calls it stops it."""
    for attempt in range(STARTS):
        muster = Muster(folder, choose_ports(), config)
        try:
            await muster.start()
        except ChildDied as failure:
            if attempt == STARTS - 1 or not is_port_taken(failure):
                raise
        else:
            return muster
    raise AssertionError("unreachable: the last attempt returns or raises")


async def get(muster: Muster, path: str, *fields: str) -> wire.Reply:
    return await wire.send(muster, *fields, request=f"GET {path} HTTP/1.1")


def url(app: RecordingUpstream, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{app.port}"


@dataclass(slots=True, kw_only=True)
class Apps:
    """One of each kind, and the names that were asked for by SNI."""

    plain: RecordingUpstream
    secure: RecordingUpstream
    local: RecordingUpstream
    asked_for: list[str | None]


@asynccontextmanager
async def apps(folder: Path, authority: Authority) -> AsyncIterator[Apps]:
    """The one on https wants a client certificate and is called app.internal."""
    asked_for: list[str | None] = []
    pair = authority.issue("app", hosts=("app.internal",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca_file)
    context.sni_callback = lambda _, name, __: asked_for.append(name)
    async with (
        RecordingUpstream() as plain,
        RecordingUpstream(tls=context) as secure,
        RecordingUpstream(path=str(folder / "app.sock")) as local,
    ):
        yield Apps(plain=plain, secure=secure, local=local, asked_for=asked_for)


async def test_every_kind_of_app_is_served(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("muster", hosts=("muster",))
    shown = {"cert_file": str(own.cert), "key_file": str(own.key)}
    trusted = {"ca_file": str(authority.ca_file), "server_name": "app.internal"}
    async with (
        apps(tmp_path, authority) as known,
        muster_before(
            tmp_path,
            {
                "/": {"url": url(known.plain)},
                "/set": {"url": url(known.plain), "host": "upstream"},
                "/named": {"url": url(known.plain), "host_header": "wiki.internal:8080"},
                "/socket": {"url": f"unix://{tmp_path}/app.sock"},
                "/secure": {"url": url(known.secure, "https"), "tls": {**trusted, **shown}},
                "/nameless": {
                    "url": url(known.secure, "https"),
                    "tls": {**shown, "ca_file": str(authority.ca_file)},
                },
                "/unproved": {"url": url(known.secure, "https"), "tls": trusted},
                "/stranger": {
                    "url": url(known.secure, "https"),
                    "tls": {**shown, "server_name": "app.internal"},
                },
            },
        ) as muster,
    ):
        for path in ("/", "/set/a?b=/socket", "/named", "/socket/x", "/secure", "/settings"):
            assert (await get(muster, path)).body == b"ok", path
        assert [seen.line.split()[1] for seen in known.plain.seen] == [
            b"/",
            b"/set/a?b=/socket",
            b"/named",
            b"/settings",
        ]
        kept = f"{HOST}:{muster.ports.public}".encode()
        hosts = [seen.values(b"host") for seen in known.plain.seen]
        assert hosts == [[kept], [url(known.plain)[7:].encode()], [b"wiki.internal:8080"], [kept]]
        assert [seen.line for seen in known.local.seen] == [b"GET /socket/x HTTP/1.1"]
        assert [seen.line for seen in known.secure.seen] == [b"GET /secure HTTP/1.1"]
        assert known.asked_for == ["app.internal"]
        # With TLS 1.3 an app refuses our certificate, or its lack, after the handshake: then its answer is none.
        after = {"upstream_not_trusted", "bad_upstream_answer"}
        for path, reasons in {"/nameless": UNTRUSTED, "/stranger": UNTRUSTED, "/unproved": after}.items():
            refused = await get(muster, path, *SCRIPT)
            assert refused.status == 502, path
            assert refused.json()["error"] in reasons, path
        assert len(known.secure.seen) == 1, "not a byte to an app that is not the one we mean"


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port whose queue of connections is full: a further one is not refused, nobody answers it at all."""
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(socket.socket())
        own.bind(("127.0.0.1", 0))
        own.listen(0)
        for _ in range(8):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(own.getsockname())
        yield own.getsockname()[1]


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word on them."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        own.listen(64)
        yield own.getsockname()[1]


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else is given meanwhile."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        yield own.getsockname()[1]


async def speaks_first(conversation: Conversation) -> None:
    """No TLS."""
    await conversation.send(OK)


FAULTS = {
    "/refused": (503, "upstream_unavailable"),
    "/socket": (503, "upstream_unavailable"),
    "/unknown": (503, "upstream_unavailable"),
    "/lost": (504, "upstream_timeout"),
    "/silent": (504, "upstream_timeout"),
    "/plain": (502, "upstream_not_trusted"),
}


@asynccontextmanager
async def muster_before_nobody(folder: Path) -> AsyncIterator[Muster]:
    """`/refused`, `/socket`, `/unknown` (DNS), `/lost` (no answer to SYN), `/silent` (none to TLS), `/plain` (no TLS there)."""
    async with AsyncExitStack() as stack:
        closed, lost, silent = (
            stack.enter_context(port()) for port in (closed_port, full_backlog, silent_port)
        )
        plain = await stack.enter_async_context(RecordingUpstream())
        no_tls = await stack.enter_async_context(RecordingUpstream(speaks_first))
        quick = {"connect_timeout": "300ms", "down_for": "1m"}
        patient = {"connect_timeout": "20s", "down_for": "1m"}
        upstreams = {
            "/": {"url": url(plain)},
            "/refused": {"url": f"http://127.0.0.1:{closed}", **patient},
            "/socket": {"url": f"unix://{folder}/nobody.sock", **patient},
            "/unknown": {"url": "http://nobody.invalid", **patient},
            "/lost": {"url": f"http://127.0.0.1:{lost}", **quick},
            "/silent": {"url": f"https://127.0.0.1:{silent}", **quick},
            "/plain": {"url": url(no_tls, "https"), **patient},
        }
        yield await stack.enter_async_context(muster_before(folder, upstreams))


async def test_an_app_that_is_down_is_a_page_for_people_and_json_for_scripts_with_retry_after(
    tmp_path: Path,
) -> None:
    async with muster_before_nobody(tmp_path) as muster:
        for prefix, (status, reason) in FAULTS.items():
            script, page = await get(muster, prefix, *SCRIPT), await get(muster, prefix, *PAGE)
            assert (script.status, script.json()["error"]) == (status, reason), prefix
            assert page.status == status, prefix
            assert "content-type: text/html" in page.head.lower()
            assert b"<html" in page.body
            for answer in (script, page):
                assert 1 <= int(_field(answer, "retry-after")) <= 60, prefix
                assert _field(answer, "cache-control") == "no-store"
        assert (await get(muster, "/")).body == b"ok"
        await _is_told(muster)


async def _is_told(muster: Muster) -> None:
    """By metrics, by readiness, which stays, and once by the log."""
    figures = await muster.figures()
    up = {name: value for name, value in figures.items() if name.startswith("muster_upstream_up")}
    assert {_prefix(name) for name, value in up.items() if value == 0} == set(FAULTS)
    assert {_prefix(name) for name, value in up.items() if value == 1} == {""}
    failures = [name for name in figures if name.startswith("muster_upstream_failures_total")]
    assert {_prefix(name): figures[name] for name in failures} == dict.fromkeys(FAULTS, 2.0)
    async with aiohttp.ClientSession() as client, client.get(f"{muster.ports.ops_url}/readyz") as answer:
        ready = json.loads(await answer.text())
    assert (answer.status, ready["ready"], ready["parts"]["upstream"]) == (200, True, "ok")
    assert ready["parts"]["upstream /refused"] == "connection refused"
    assert ready["parts"]["upstream /socket"] == "no such file or directory"
    assert ready["parts"]["upstream /lost"] == "no connection within 0.3 s"
    said = [line["upstream"] for line in muster.log() if line.get("event") == "upstream"]
    assert len(said) == len(set(said)) == len(FAULTS)


def _prefix(sample: str) -> str:
    return sample.partition('prefix="')[2].partition('"')[0]


def _field(reply: wire.Reply, name: str) -> str:
    lines = (line.partition(": ") for line in reply.head.split("\r\n"))
    return next(value for found, _, value in lines if found.lower() == name)


async def test_an_app_that_comes_back_is_served_and_the_figures_say_so(tmp_path: Path) -> None:
    async with RecordingUpstream() as app:
        pass
    upstreams = {"/": {"url": url(app), "down_for": "100ms"}}
    async with muster_before(tmp_path, upstreams) as muster:
        assert (await get(muster, "/")).status == 503
        assert [v for k, v in (await muster.figures()).items() if k.startswith("muster_upstream_up")] == [0]
        async with app:

            async def look() -> int:
                return (await get(muster, "/")).status

            await eventually(look, lambda status: status == 200, within=20, what="served again")
            up = [v for k, v in (await muster.figures()).items() if k.startswith("muster_upstream_up")]
            assert up == [1]


async def test_an_app_that_restarts_is_waited_for_by_a_safe_request(tmp_path: Path) -> None:
    """The connect is tried again within 0.75 s; a busy machine may need a second go."""
    async with RecordingUpstream() as app:
        pass
    async with muster_before(tmp_path, {"/": {"url": url(app), "down_for": "10ms"}}) as muster:
        for _ in range(20):
            waiting = asyncio.ensure_future(get(muster, "/"))
            await asyncio.sleep(0.06)
            async with app:
                if (await waiting).status == 200:
                    return
    pytest.fail("never waited for")


HOSTILE = {
    "no Host": b"GET /page?token=s3cret HTTP/1.1\r\n\r\n",
    "syntax": b"GET /page?token=s3cret HTTP/1.1\r\nHost: x\r\nBad\x1b[2J Name\x00: s3cret\r\n\r\n",
    "target": b"GET http://ada:s3cret@app.localhost/ HTTP/1.1\r\nHost: app.localhost\r\n\r\n",
    "method": b"TRACE /page HTTP/1.1\r\nHost: x\r\n\r\n",
    "head too large": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: s3cret\r\n" * 200 + b"\r\n",
    "head too slow": b"GET /page?token=s3cret HTTP/1.1\r\nHost: x\r\nX: s3cret\r\n",
}


async def test_what_is_refused_before_it_is_a_request_stands_in_the_access_log_and_is_counted(
    tmp_path: Path,
) -> None:
    async with RecordingUpstream() as app:
        config = configuration(tmp_path, {"/": {"url": url(app)}})
        muster = await started(tmp_path, {**config, "limits": {"header_timeout": "1s"}})
        try:
            for data in HOSTILE.values():
                reader, writer = await asyncio.open_connection("127.0.0.1", muster.ports.public)
                try:
                    writer.write(data)
                    assert (await asyncio.wait_for(reader.read(-1), 20)).startswith(b"HTTP/1.1 ")
                finally:
                    writer.close()

            async def refused() -> dict[str, dict[str, Any]]:
                lines = [line for line in muster.log() if line.get("kind") == "access" and "refused" in line]
                return {line["refused"]: line for line in lines}

            lines = await eventually(
                refused, lambda seen: seen.keys() == HOSTILE.keys(), within=10, what="logged"
            )
            assert {why: line["status"] for why, line in lines.items()} == {
                "no Host": 400,
                "syntax": 400,
                "target": 400,
                "method": 501,
                "head too large": 431,
                "head too slow": 408,
            }
            assert (lines["no Host"]["method"], lines["no Host"]["path"]) == ("GET", "/page")
            assert {line["peer"] for line in lines.values()} == {"127.0.0.1"}
            assert b"s3cret" not in muster.all_output()
            assert b"\x1b" not in muster.all_output()
            figures = await muster.figures()
            counted = {name: value for name, value in figures.items() if "muster_refused_heads_total" in name}
            assert counted == {f'muster_refused_heads_total{{why="{why}"}}': 1.0 for why in HOSTILE}
            assert app.raw == b""
        finally:
            await asyncio.to_thread(muster.child.stop)

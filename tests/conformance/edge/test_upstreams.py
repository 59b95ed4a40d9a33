"""Apps on https, on Unix sockets, under a prefix, and apps that are down; over real sockets."""

import asyncio
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from proxy.edge.rules import TlsRules, UpstreamRules
from proxy.reasons import Reason
from tests.fakes.certificates import Authority, Pair
from tests.fakes.edge import Edge, eventually, fields_of, running_edge, status_of
from tests.fakes.upstream import OK, Conversation, RecordingUpstream, answer_ok

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
UNTRUSTED = Reason.UPSTREAM_NOT_TRUSTED


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def serving(pair: Pair, *, clients: Path | None = None) -> ssl.SSLContext:
    """The app's side; with `clients` it wants a certificate that these authorities issued."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    return context


def trusting(ca_file: Path | None, name: str = "localhost", *, own: Pair | None = None) -> TlsRules:
    """Our side."""
    return TlsRules(
        server_name=name,
        ca_file=str(ca_file) if ca_file else None,
        certificate_file=str(own.cert) if own else None,
        key_file=str(own.key) if own else None,
    )


async def asked(edge: Edge, data: bytes = GET) -> tuple[int, bytes, bytes]:
    """Status, head and body of one exchange on a connection of its own."""
    wire = await edge.wire()
    head, body = await wire.exchange(data)
    return status_of(head), head, body


async def test_an_app_on_https_is_served_over_kept_connections(authority: Authority) -> None:
    async with (
        RecordingUpstream(tls=serving(authority.issue("app"))) as app,
        running_edge(app.rules(tls=trusting(authority.ca_file))) as edge,
    ):
        for _ in range(3):
            assert (await asked(edge))[::2] == (200, b"ok")
        assert len(app.conversations) == 1
        assert app.seen[0].values(b"x-forwarded-user") == [b"ada"]
        assert edge.told == []


async def test_large_bodies_pass_both_ways_over_tls(authority: Authority) -> None:
    async def echo(conversation: Conversation) -> None:
        body = (await conversation.request()).body
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    body = bytes(range(256)) * 12_000
    async with (
        RecordingUpstream(echo, tls=serving(authority.issue("app"))) as app,
        running_edge(app.rules(tls=trusting(authority.ca_file))) as edge,
    ):
        request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        assert (await asked(edge, request + body))[2] == body


async def _is_refused(app: RecordingUpstream, tls: TlsRules) -> str:
    """What the log says of an app that must not get a byte."""
    async with running_edge(app.rules(tls=tls)) as edge:
        status, head, body = await asked(edge)
        assert (status, body) == (502, b"upstream_not_trusted")
        assert b"Retry-After: 2\r\n" in head
        assert (await asked(edge))[0] == 502
        assert app.raw == b""
        ((_, reason, detail),) = edge.told
        assert reason is UNTRUSTED
    return detail


async def test_an_authority_that_is_not_ours_is_refused(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    async with RecordingUpstream(tls=serving(authority.issue("app"))) as app:
        assert "certificate is not accepted" in await _is_refused(app, trusting(other.ca_file))
        assert "certificate is not accepted" in await _is_refused(app, trusting(None))


async def test_an_expired_certificate_is_refused(authority: Authority) -> None:
    async with RecordingUpstream(tls=serving(authority.issue("app", days=-1))) as app:
        assert "has expired" in await _is_refused(app, trusting(authority.ca_file))


async def test_another_name_is_refused(authority: Authority) -> None:
    async with RecordingUpstream(tls=serving(authority.issue("app", hosts=("app.internal",)))) as app:
        assert "localhost" in await _is_refused(app, trusting(authority.ca_file))
        assert "127.0.0.1" in await _is_refused(app, trusting(authority.ca_file, "127.0.0.1"))


async def test_an_app_that_speaks_no_tls_is_refused(authority: Authority) -> None:
    async def plain(conversation: Conversation) -> None:
        await conversation.send(OK)

    async with (
        RecordingUpstream(plain) as app,
        running_edge(app.rules(tls=trusting(authority.ca_file))) as edge,
    ):
        assert (await asked(edge))[::2] == (502, b"upstream_not_trusted")
        assert edge.told[0][2].startswith("no TLS connection: ")


async def test_the_name_to_ask_for_may_be_set(authority: Authority) -> None:
    asked_for: list[str | None] = []
    context = serving(authority.issue("app", hosts=("app.internal",)))
    context.sni_callback = lambda _, name, __: asked_for.append(name)
    async with (
        RecordingUpstream(tls=context) as app,
        running_edge(app.rules(tls=trusting(authority.ca_file, "app.internal"))) as edge,
    ):
        assert (await asked(edge))[0] == 200
        assert asked_for == ["app.internal"]


async def test_a_client_certificate_is_shown(authority: Authority) -> None:
    context = serving(authority.issue("app"), clients=authority.ca_file)
    async with RecordingUpstream(tls=context) as app:
        own = authority.issue("muster", hosts=("muster",))
        async with running_edge(app.rules(tls=trusting(authority.ca_file, own=own))) as edge:
            assert (await asked(edge))[0] == 200
        async with running_edge(app.rules(tls=trusting(authority.ca_file))) as edge:
            assert (await asked(edge))[0] == 502


async def test_a_new_authority_holds_for_the_next_connection(authority: Authority, tmp_path: Path) -> None:
    ca_file = tmp_path / "trusted.pem"
    (tmp_path / "other").mkdir()
    ca_file.write_bytes(Authority(tmp_path / "other").ca_file.read_bytes())
    async with (
        RecordingUpstream(tls=serving(authority.issue("app"))) as app,
        running_edge(app.rules(tls=trusting(ca_file), down_for=0.01)) as edge,
    ):
        assert (await asked(edge))[0] == 502
        ca_file.write_bytes(authority.ca_file.read_bytes() + b"\n")
        await asyncio.sleep(0.01)
        assert (await asked(edge))[0] == 200
        assert edge.told[-1][1] is None


async def test_an_answer_that_tls_did_not_end_is_not_whole(authority: Authority) -> None:
    """A close-delimited answer ends with close_notify; whoever cuts the connection must not make it look complete."""

    async def cut(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\n\r\npart")
        conversation.reset()

    async def closed(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\n\r\nwhole")

    async with (
        RecordingUpstream(cut, tls=serving(authority.issue("app"))) as app,
        running_edge(app.rules(tls=trusting(authority.ca_file))) as edge,
    ):
        wire = await edge.wire()
        await wire.send(GET)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await wire.until(b"0\r\n\r\n")
        app.script = closed
        wire = await edge.wire()
        await wire.send(GET)
        assert b"5\r\nwhole\r\n" in await wire.until(b"0\r\n\r\n")


async def test_an_app_on_a_unix_socket_is_served(tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    async with RecordingUpstream(path=path) as app, running_edge(app.rules(keeps_host=False)) as edge:
        for _ in range(2):
            assert (await asked(edge))[::2] == (200, b"ok")
        assert app.seen[0].values(b"host") == [b"localhost"]
        assert len(app.conversations) == 1
    gone = UpstreamRules(host="", port=0, socket_path=str(tmp_path / "gone.sock"))
    async with running_edge(gone) as edge:
        assert (await asked(edge))[::2] == (503, b"upstream_unavailable")
        assert edge.told == [
            (f"unix://{tmp_path}/gone.sock", Reason.UPSTREAM_UNAVAILABLE, "no such file or directory")
        ]


async def test_each_path_goes_to_its_own_upstream_as_it_came() -> None:
    async with (
        RecordingUpstream() as app,
        RecordingUpstream() as api,
        running_edge(app.rules(), upstreams=[(b"/api", api.rules(keeps_host=False))]) as edge,
    ):
        wire = await edge.wire()
        for target in (b"/", b"/api/x?a=/", b"/apis", b"/%61pi/x", b"/api", b"/x?/api/"):
            await wire.exchange(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target)
        assert [seen.line.split()[1] for seen in app.seen] == [b"/", b"/apis", b"/%61pi/x", b"/x?/api/"]
        assert [seen.line.split()[1] for seen in api.seen] == [b"/api/x?a=/", b"/api"]
        assert api.seen[0].values(b"host") == [b"127.0.0.1:%d" % api.port]
        assert api.seen[0].values(b"x-forwarded-user") == [b"ada"]
        assert (len(app.conversations), len(api.conversations)) == (1, 1)


async def test_one_upstream_that_is_down_leaves_the_others_alone() -> None:
    async with RecordingUpstream() as app, RecordingUpstream() as gone:
        rules = gone.rules()
    async with RecordingUpstream() as app, running_edge(app.rules(), upstreams=[(b"/api", rules)]) as edge:
        assert (await asked(edge, b"GET /api HTTP/1.1\r\nHost: a\r\n\r\n"))[0] == 503
        assert (await asked(edge))[0] == 200


async def test_an_app_that_restarts_within_the_pauses_is_not_noticed() -> None:
    async with RecordingUpstream() as app, running_edge(app.rules()) as edge:
        assert (await asked(edge))[0] == 200
        await app.__aexit__()
        waiting = asyncio.ensure_future(asked(edge))
        await asyncio.sleep(0.06)
        app.port, app.script = app.port, answer_ok
        await app.__aenter__()
        assert (await waiting)[0] == 200
        assert edge.told == []


async def test_an_app_that_is_down_is_answered_for_at_once_and_comes_back_by_one_try() -> None:
    async with RecordingUpstream() as app:
        rules = app.rules(down_for=0.2)
    async with running_edge(rules) as edge:
        assert (await asked(edge))[0] == 503
        began = asyncio.get_running_loop().time()
        for _ in range(20):
            status, head, body = await asked(edge)
            assert (status, body) == (503, b"upstream_unavailable")
            assert dict(fields_of(head))[b"retry-after"] == b"1"
            if asyncio.get_running_loop().time() - began > 0.1:
                break
        async with RecordingUpstream(port=rules.port) as app:
            await eventually(lambda: asyncio.get_running_loop().time() - began > 0.25)
            assert (await asked(edge))[0] == 200
            assert len(app.conversations) == 1
        assert [reason for _, reason, _ in edge.told] == [Reason.UPSTREAM_UNAVAILABLE, None]


async def test_a_connect_that_takes_too_long_is_a_504(authority: Authority) -> None:
    """Nobody answers the handshake."""

    async def silent(conversation: Conversation) -> None:
        await conversation.head()

    async with (
        RecordingUpstream(silent) as app,
        running_edge(app.rules(tls=trusting(authority.ca_file), connect_timeout=0.1)) as edge,
    ):
        status, head, body = await asked(edge)
        assert (status, body) == (504, b"upstream_timeout")
        assert b"Retry-After: 2\r\n" in head


@pytest.mark.parametrize("kind", ["https", "unix", "prefix"])
async def test_websockets_pass_to_every_kind(kind: str, authority: Authority, tmp_path: Path) -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        own = web.WebSocketResponse(max_msg_size=0)
        await own.prepare(request)
        async for message in own:
            await own.send_bytes(message.data)
        return own

    application = web.Application()
    application.router.add_get("/ws", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    path, pair = str(tmp_path / "app.sock"), authority.issue("app")
    site: web.BaseSite = (
        web.UnixSite(runner, path)
        if kind == "unix"
        else web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving(pair) if kind == "https" else None)
    )
    await site.start()
    port = 0 if kind == "unix" else int(runner.addresses[0][1])
    rules = UpstreamRules(
        host="127.0.0.1",
        port=port,
        socket_path=path if kind == "unix" else None,
        tls=trusting(authority.ca_file) if kind == "https" else None,
    )
    nobody = UpstreamRules(host="127.0.0.1", port=1)
    try:
        async with (
            running_edge(nobody, upstreams=[(b"/ws", rules)])
            if kind == "prefix"
            else running_edge(rules) as edge,
            aiohttp.ClientSession() as client,
            client.ws_connect(f"http://127.0.0.1:{edge.port}/ws", max_msg_size=0) as own,
        ):
            for size in (0, 1, 65536, 1_000_000):
                await own.send_bytes(b"x" * size)
                assert len(await own.receive_bytes()) == size
    finally:
        await runner.cleanup()


async def test_without_an_app_nothing_is_forwarded_but_what_another_prefix_covers() -> None:
    """Only other proxies know the app: whoever comes here for it is told so, and the connection goes on."""
    async with RecordingUpstream() as api, running_edge(None, upstreams=[(b"/api", api.rules())]) as edge:
        wire = await edge.wire()
        for request in (GET, b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"):
            head, body = await wire.exchange(request)
            assert (status_of(head), body) == (404, b"no_upstream")
        assert status_of((await wire.exchange(b"GET /api HTTP/1.1\r\nHost: a\r\n\r\n"))[0]) == 200
        assert [(prefix, pool.rules.port) for prefix, pool in edge.listener.pools] == [(b"/api", api.port)]
    async with running_edge(None) as edge:
        assert (await asked(edge))[::2] == (404, b"no_upstream")
        assert edge.listener.pools == ()
        assert [line[2] for line in edge.access.lines] == [404]


async def test_our_own_pages_may_take_longer_than_the_app() -> None:
    """A sign-in waits for the IdP, which the app's operator did not mean by the app's deadline."""
    near, far = socket.socketpair()
    rules = UpstreamRules(host="127.0.0.1", port=9, first_byte_timeout=0.05)

    async def connect_own() -> socket.socket:
        near.setblocking(False)
        return near

    async with running_edge(rules, connect_own=connect_own) as edge:
        reader, writer = await asyncio.open_connection(sock=far)
        try:
            wire = await edge.wire()
            await wire.send(b"GET /_muster/profile HTTP/1.1\r\nHost: a\r\n\r\n")
            async with asyncio.timeout(5):
                await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.3)
            writer.write(OK)
            assert (await wire.answer())[1] == b"ok"
        finally:
            writer.close()

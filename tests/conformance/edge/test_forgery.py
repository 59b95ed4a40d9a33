"""No client tells the app who it is: forged fields in every spelling, beside and instead of ours."""

import pytest

from proxy.gate.decision import Open
from tests.fakes.edge import COOKIE, FakeGate, running_edge
from tests.fakes.upstream import RecordingUpstream, answering

HOST = b"Host: app.example\r\n"

FORGED = (
    b"X-Forwarded-User: root",
    b"x-forwarded-user: root",
    b"X_Forwarded_User: root",
    b"x.forwarded.user: root",
    b"X-Forwarded_User: root",
    b"X~Forwarded~User: root",
    b"X-FORWARDED-USER:root",
    b"X-Forwarded-User: root\r\nX-Forwarded-User: root",
    b"Connection: X-Forwarded-User\r\nX-Forwarded-User: root",
    b"Connection: close, x_forwarded_user\r\nX_Forwarded_User: root",
    b"X-Forwarded-Groups: root",
    b"X_Forwarded_Email: root",
    b"X-Forwarded-Preferred-Username: root",
    b"X-Forwarded-Access-Token: root",
    b"X-Muster-Peer: root",
    b"x_muster_scheme: root",
    b"X-Muster-Anything: root",
    b"X-Forwarded-For: root",
    b"X_Forwarded_Proto: root",
    b"X-Forwarded-Host: root",
    b"Forwarded: for=root",
    b"X-Real-IP: root",
    b"X-Original-URL: /root",
    b"X_Rewrite_Url: /root",
    b"X-Original-URI: /root",
    b"X-Override-URL: /root",
    b"X-Original-Host: root",
    b"X_Host: root",
    b"X-HTTP-Host-Override: root",
    b"Proxy: root",
    b"CF-Connecting-IP: root",
    b"WL_Proxy_Client_IP: root",
    b"Authorization: root",
    b"Proxy-Authorization: root",
    b"TE: root",
    b"Keep-Alive: root",
    b"Upgrade: root",
    b"Proxy-Connection: root",
    b"Connection: X-Secret\r\nX-Secret: root",
    b"Connection: x-a, X-Secret\r\nX-Secret: root",
    b"Trailer: root",
    b"HTTP2-Settings: root",
    b"C_ookie: a\r\nCookie_: b\r\nX-Forwarded-User: root",
    b"Cookie: " + COOKIE.encode() + b"=root",
    b"Cookie: " + COOKIE.encode() + b"-a-0123456789abcdef=root",
)


@pytest.mark.parametrize("verdict", ["admit", "open"])
@pytest.mark.parametrize("forged", FORGED)
async def test_a_forged_field_never_arrives(forged: bytes, verdict: str) -> None:
    """And ours arrive once each when somebody is admitted, never on an open path."""
    gate = FakeGate() if verdict == "admit" else FakeGate(verdict=Open())
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), gate=gate) as edge:
        wire = await edge.wire()
        await wire.exchange(b"GET / HTTP/1.1\r\n" + HOST + forged + b"\r\nX-Plain: kept\r\n\r\n")
        assert b"root" not in upstream.raw
        (seen,) = upstream.seen
        assert seen.values(b"x-plain") == [b"kept"]
        assert seen.values(b"x-forwarded-user") == ([b"ada"] if verdict == "admit" else [])
        assert seen.values(b"x-forwarded-for") == [b"127.0.0.1"]


async def test_connection_cannot_name_our_own_fields_away() -> None:
    """`Connection: X-Forwarded-User, Host, Content-Length` removes the client's, never ours."""
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        named = b"Connection: X-Forwarded-User, Host, Content-Length, X-Forwarded-For\r\n"
        await wire.exchange(b"POST / HTTP/1.1\r\n" + HOST + named + b"Content-Length: 2\r\n\r\nhi")
        (seen,) = upstream.seen
        assert seen.values(b"x-forwarded-user") == [b"ada"]
        assert seen.values(b"host") == [b"app.example"]
        assert seen.values(b"content-length") == [b"2"]
        assert seen.body == b"hi"


async def test_only_our_pair_is_taken_out_of_cookie() -> None:
    """The others cross byte-identical and in order; the gate got ours."""
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        cookie = b'Cookie: a="x y";  b==; ' + COOKIE.encode() + b"=secret; c=d;e\r\n"
        await wire.exchange(b"GET / HTTP/1.1\r\n" + HOST + cookie + b"\r\n")
        assert upstream.seen[0].values(b"cookie") == [b'a="x y";  b==; c=d;e']
        assert edge.gate.requests[0].cookie == b"secret"


async def test_the_app_cannot_set_our_cookie_nor_send_hop_by_hop_fields() -> None:
    """Nameless and differently cased cookies are ours too, for a browser sends them back as ours."""
    name = COOKIE.encode()
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Secret\r\nX-Secret: gone\r\nKeep-Alive: gone\r\n"
        b"Upgrade: gone\r\nProxy-Authenticate: gone\r\nSet-Cookie: a=kept\r\nSet-Cookie: "
        + name
        + b"=gone; Path=/\r\n"
        b"Set-Cookie: ="
        + name
        + b"=gone\r\nSet-Cookie: "
        + name.upper()
        + b"=gone\r\nSet-Cookie:  "
        + name
        + b" =gone\r\n"
        b"set-cookie: " + name + b"-a-00=gone\r\nSet-Cookie: " + name + b"x=kept\r\n\r\nok"
    )
    async with RecordingUpstream(answering(answer)) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        head, body = await wire.exchange(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert body == b"ok"
        assert b"gone" not in head
        assert head.count(b"=kept") == 2

"""Where Muster listens, end to end: TLS, a redirect from plain HTTP, Unix sockets."""

import asyncio
import os
import ssl
import stat
from pathlib import Path

from tests.e2e.plain import Load, plain
from tests.e2e.program import HOST, Muster, Ports
from tests.e2e.waiting import eventually
from tests.fakes.certificates import Authority

GET = "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n"


def public(ports: Ports) -> str:
    return f"https://{HOST}:{ports.public}"


def trusting(authority: Authority) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.ca_file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def shown(port: int, context: ssl.SSLContext) -> tuple[str, str | None] | None:
    """Serial number of the certificate and the protocol; None while nobody answers."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=HOST)
    except OSError:
        return None
    own = writer.get_extra_info("ssl_object")
    writer.close()
    return own.getpeercert()["serialNumber"], own.selected_alpn_protocol()


async def until_shown(port: int, context: ssl.SSLContext) -> str:
    seen = await eventually(
        lambda: shown(port, context), lambda one: one is not None, within=30, what="a certificate"
    )
    assert seen is not None
    assert seen[1] == "http/1.1"
    return seen[0]


async def logged(muster: Muster, level: str) -> bool:
    return any(one.get("event") == "certificate" and one["level"] == level for one in muster.log())


async def test_tls_shows_the_newest_certificate_and_never_half_of_one(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("listener", hosts=(HOST,))
    files = {"certificate": str(pair.cert), "key": str(pair.key)}
    async with plain(tmp_path, ready=None, public_url=public, tls=files) as (muster, _):
        port, context = muster.ports.public, trusting(authority)
        first = await until_shown(port, context)
        load = Load(port, tls=context)
        await load.run(40, 4)
        assert (load.failures, load.answered) == ([], 40)
        pair.key.write_bytes(b"no key")
        await eventually(lambda: logged(muster, "error"), bool, within=30, what="the broken file is said")
        assert await until_shown(port, context) == first
        authority.issue("listener", hosts=(HOST,))
        await eventually(lambda: logged(muster, "info"), bool, within=30, what="the new one is said")
        assert await until_shown(port, context) != first
        assert "Traceback" not in muster.child.err


async def test_plain_http_is_only_sent_on_and_no_cookie_is_touched(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("listener", hosts=(HOST,))
    files = {"certificate": str(pair.cert), "key": str(pair.key)}
    async with plain(
        tmp_path,
        ready=None,
        public_url=public,
        tls=files,
        ops_listen=None,
        redirect_http=lambda ports: f"127.0.0.1:{ports.ops}",
    ) as (muster, _):
        await until_shown(muster.ports.public, trusting(authority))
        head = (await said(muster.ports.ops, "/a%20b/?q=1&r=%2f", "elsewhere.example")).split(b"\r\n")
        assert head[0] == b"HTTP/1.1 308 Permanent Redirect"
        assert b"Location: %b/a%%20b/?q=1&r=%%2f" % public(muster.ports).encode() in head
        assert not any(line.lower().startswith(b"set-cookie") for line in head)


async def said(port: int, target: str, host: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET.format(target, host).encode())
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_unix_socket_serves_with_its_mode_and_goes_with_the_program(tmp_path: Path) -> None:
    file = tmp_path / "m.sock"
    async with plain(
        tmp_path,
        listen=lambda ports: [f"unix:{file}", f"127.0.0.1:{ports.public}"],
        socket_mode="0600",
    ) as (muster, _):
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
        reader, writer = await asyncio.open_unix_connection(str(file))
        writer.write(GET.format("/open/a", f"{HOST}:{muster.ports.public}").encode())
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        # Killed, it leaves the file; the next one takes its place.
        muster.kill()
        assert file.exists()
        await muster.start()
        assert await asyncio.to_thread(muster.stop) == 0
        assert not file.exists()

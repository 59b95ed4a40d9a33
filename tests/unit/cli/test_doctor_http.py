"""One bounded question: what is seen of an answer, and in which words silence is told."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from proxy.cli import doctor_http
from proxy.cli.doctor_http import MOST_BODY, Seen, Silent, from_here, get, open_http, why_untrusted
from tests.fakes.doors import Doors, text
from tests.fakes.idp import make_certificate, running_idp


async def asked(url: str, **headers: str) -> Seen | Silent:
    async with open_http() as http:
        return await get(http, url, headers=headers)


async def test_a_redirect_is_seen_and_not_followed() -> None:
    def away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://elsewhere.example/login?back=/"})

    async with Doors(here=away) as doors:
        seen = await asked(f"{doors.url}/here", Host="app.example.com")
    assert isinstance(seen, Seen)
    assert (seen.status, seen.leads_to) == (302, "/login")
    (request,) = doors.asked
    assert request.headers["Host"] == "app.example.com"
    assert "Cookie" not in request.headers


async def test_an_answer_has_its_type_and_no_redirect() -> None:
    async with Doors(here=text("hello")) as doors:
        seen = await asked(f"{doors.url}/here")
    assert isinstance(seen, Seen)
    assert (seen.body, seen.content_type, seen.leads_to) == (b"hello", "text/plain; charset=utf-8", "")
    assert "hello" not in repr(seen)


async def test_a_body_without_end_is_cut() -> None:
    async with Doors(here=text("x" * (MOST_BODY + 9))) as doors:
        seen = await asked(f"{doors.url}/here")
    assert isinstance(seen, Seen)
    assert len(seen.body) == MOST_BODY


async def test_nobody_there_is_said() -> None:
    async with Doors() as doors:
        url = doors.url
    seen = await asked(url)
    assert isinstance(seen, Silent)
    assert seen.detail == "no connection (connection refused)"


async def test_whoever_keeps_silent_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()

    quiet = await asyncio.start_server(listen, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{quiet.sockets[0].getsockname()[1]}/"
    monkeypatch.setattr(doctor_http, "SECONDS", 0.05)
    async with quiet:
        assert await asked(url) == Silent(detail="no answer within 0.05 s")
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0)


async def test_what_is_no_http_is_said() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        seen = await asked(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert isinstance(seen, Silent)
    assert seen.detail.startswith("a broken answer (")


async def test_a_certificate_of_nobody_we_trust_is_told_apart(tmp_path: Path) -> None:
    async with running_idp(make_certificate(tmp_path)) as idp:
        seen = await asked(idp.issuer)
    assert isinstance(seen, Silent)
    assert seen.is_untrusted
    assert seen.detail == "its certificate is not accepted: self-signed certificate"


async def test_plain_http_where_tls_was_asked_is_said() -> None:
    async with Doors() as doors:
        seen = await asked(doors.url.replace("http:", "https:"))
    assert seen == Silent(detail="no TLS connection")


async def test_a_name_that_is_not_known_is_said() -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nowhere())) as http:
        assert await get(http, "http://no.example/") == Silent(detail="its name is not known here (DNS)")


class Nowhere(aiohttp.abc.AbstractResolver):
    """Knows no name."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[aiohttp.abc.ResolveResult]:
        raise OSError("no such name")

    async def close(self) -> None:
        return None


@pytest.mark.parametrize(
    ("url", "address", "host"),
    [
        ("http://app.localhost:8080", "http://127.0.0.1:8080/x", {"Host": "app.localhost:8080"}),
        ("http://app.localhost", "http://127.0.0.1:80/x", {"Host": "app.localhost"}),
        ("https://app.localhost", "https://app.localhost/x", {}),
        ("https://app.example.com/", "https://app.example.com/x", {}),
    ],
)
def test_names_that_browsers_take_for_this_machine_are_asked_here(
    url: str, address: str, host: dict[str, str]
) -> None:
    assert from_here(url, "/x") == (address, host)


def test_an_error_without_words_has_some() -> None:
    assert why_untrusted(OSError()) == "not verified"

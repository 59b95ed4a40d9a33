"""The doctor says what is wrong with an app's certificate, or its socket."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.doctor_finding import Finding, Result
from proxy.cli.doctor_upstream import examine_upstreams
from tests.fakes.certificates import Authority, Pair
from tests.fakes.configurations import settings_of
from tests.fakes.upstream import Conversation, RecordingUpstream


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def _serving(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    return context


async def _found(folder: Path, url: str, **tls: Any) -> Finding:
    (found,) = await examine_upstreams(settings_of(folder, upstream={"url": url, "tls": tls}))
    assert found.check == "upstream"
    return found


async def _asked(pair: Pair, folder: Path, **tls: Any) -> Finding:
    async with RecordingUpstream(tls=_serving(pair)) as app:
        return await _found(folder, f"https://127.0.0.1:{app.port}", **tls)


async def test_a_certificate_that_lasts_is_well(authority: Authority, tmp_path: Path) -> None:
    pair = authority.issue("app", days=90)
    found = await _asked(pair, tmp_path, ca_file="ca.pem", server_name="localhost")
    assert (found.result, found.advice) == (Result.OK, "")
    assert " days" in found.seen


async def test_one_that_ends_soon_is_a_warning(authority: Authority, tmp_path: Path) -> None:
    found = await _asked(authority.issue("app", days=3), tmp_path, ca_file="ca.pem", server_name="localhost")
    assert (found.result, found.advice) == (Result.WARNING, "renew it")


@pytest.mark.parametrize(
    ("days", "tls", "why", "advice"),
    [
        (-1, {"ca_file": "ca.pem", "server_name": "localhost"}, "has expired", "renew"),
        (9, {"ca_file": "ca.pem", "server_name": "app.internal"}, "app.internal", "tls.server_name"),
        (9, {"ca_file": "ca.pem"}, "127.0.0.1", "tls.server_name"),
        (9, {"server_name": "localhost"}, "not accepted", "tls.ca_file"),
    ],
)
async def test_what_is_wrong_is_said_and_what_to_do(
    days: int, tls: dict[str, str], why: str, advice: str, authority: Authority, tmp_path: Path
) -> None:
    found = await _asked(authority.issue("app", days=days), tmp_path, **tls)
    assert found.result is Result.FAILED
    assert why in found.seen
    assert advice in found.advice


async def test_an_app_that_wants_a_certificate_of_ours_is_told_apart(
    authority: Authority, tmp_path: Path
) -> None:
    context = _serving(authority.issue("app", days=90))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca_file)
    async with RecordingUpstream(tls=context) as app:
        found = await _found(tmp_path, f"https://localhost:{app.port}", ca_file="ca.pem")
    assert found.result is Result.FAILED
    assert "tls.cert_file" in found.advice


async def test_an_app_without_tls_is_told_apart(tmp_path: Path) -> None:
    async def plain(conversation: Conversation) -> None:
        await conversation.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with RecordingUpstream(plain) as app:
        found = await _found(tmp_path, f"https://127.0.0.1:{app.port}")
    assert found.result is Result.FAILED
    assert "no TLS" in found.seen


async def test_a_socket_opens_or_not(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    async with RecordingUpstream(path=str(path)):
        assert (await _found(tmp_path, f"unix://{path}")).result is Result.OK
    path.unlink(missing_ok=True)
    found = await _found(tmp_path, f"unix://{path}")
    assert found.result is Result.FAILED
    assert "nobody listens" in found.seen


async def test_every_upstream_is_named_and_the_first_on_plain_http_is_left_to_another_check(
    tmp_path: Path,
) -> None:
    settings = settings_of(tmp_path, upstreams=[{"prefix": "/api", "url": f"unix://{tmp_path}/gone.sock"}])
    assert [found.check for found in await examine_upstreams(settings)] == ["upstreams[0]"]


async def _by_prefix(folder: Path, url: str) -> Finding:
    (found,) = await examine_upstreams(settings_of(folder, upstreams=[{"prefix": "/api", "url": url}]))
    return found


async def test_one_by_prefix_on_plain_http_answers_or_not(tmp_path: Path) -> None:
    async def plain(conversation: Conversation) -> None:
        await conversation.send(b"HTTP/1.1 404 Not Found\r\n\r\n")

    async with RecordingUpstream(plain) as app:
        url = f"http://127.0.0.1:{app.port}"
        assert (await _by_prefix(tmp_path, url)).result is Result.OK
    found = await _by_prefix(tmp_path, url)
    assert (found.result, found.seen) == (Result.FAILED, f"{url}: no connection")


async def test_tls_where_plain_http_is_written_is_told(authority: Authority, tmp_path: Path) -> None:
    async with RecordingUpstream(tls=_serving(authority.issue("app", days=9))) as app:
        found = await _by_prefix(tmp_path, f"http://127.0.0.1:{app.port}")
    assert found.result is Result.FAILED
    assert "https://" in found.advice

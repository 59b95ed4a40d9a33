"""One exchange at a time against an IdP that misbehaves on the wire."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.errors import SettingsError
from proxy.identity import IdpId
from proxy.oidc.rules import IdpRules
from proxy.oidc.transport import MOST_BODY, Answer, Transport, open_session
from proxy.session.model import Trouble
from tests.fakes.directories import FakeEntra, running
from tests.fakes.idp import FakeIdp, Reply, make_certificate, rules_for, running_idp


async def get(idp: FakeIdp, reply: Reply | None = None, **changed: Any) -> Answer | Trouble:
    if reply is not None:
        idp.alter["jwks"] = lambda _: reply
    async with open_session() as http:
        return await Transport(rules_for(idp, **changed), http).get(f"{idp.issuer}/jwks")


async def test_an_answer_is_handed_on_whole(idp: FakeIdp) -> None:
    headers = {"Retry-After": "7", "WWW-Authenticate": "Bearer x"}
    answer = await get(idp, Reply({"a": 1}, status=418, headers=headers))
    assert answer == Answer(
        status=418,
        content_type="application/json",
        body=b'{"a": 1}',
        challenge="Bearer x",
        retry_after=7.0,
    )


async def test_a_body_is_not_shown(idp: FakeIdp) -> None:
    assert "s3cret" not in repr(await get(idp, Reply({"a": "s3cret"})))


@pytest.mark.parametrize("stated", ["Wed, 21 Oct 2026 07:28:00 GMT", "soon", "-1", "0", ""])
async def test_a_retry_after_that_is_no_number_of_seconds_is_none(idp: FakeIdp, stated: str) -> None:
    answer = await get(idp, Reply({}, headers={"Retry-After": stated}))
    assert isinstance(answer, Answer)
    assert answer.retry_after is None


async def test_a_redirect_is_an_answer_and_is_not_followed(idp: FakeIdp) -> None:
    answer = await get(idp, Reply({}, status=302, headers={"Location": f"{idp.issuer}/userinfo"}))
    assert isinstance(answer, Answer)
    assert answer.status == 302
    assert "userinfo" not in idp.requests


async def test_a_slow_answer_is_trouble(idp: FakeIdp) -> None:
    assert await get(idp, Reply({}, is_held=True), timeout=0.1) == Trouble(detail="timeout")


async def test_a_truncated_answer_is_trouble(idp: FakeIdp) -> None:
    answer = await get(idp, Reply({"keys": ["x" * 100]}, cut=20))
    assert answer == Trouble(detail="answer_broken")


async def test_a_huge_answer_is_trouble_and_a_large_one_is_not(idp: FakeIdp) -> None:
    assert await get(idp, Reply(b"x" * (MOST_BODY + 1))) == Trouble(detail="answer_too_large")
    assert isinstance(await get(idp, Reply(b"x" * MOST_BODY)), Answer)


async def test_nobody_listening_is_trouble(idp: FakeIdp, unused_tcp_port: int) -> None:
    async with open_session() as http:
        answer = await Transport(rules_for(idp), http).get(f"http://127.0.0.1:{unused_tcp_port}/")
    assert answer == Trouble(detail="connection_failed")


@pytest.mark.parametrize(
    "url", ["http://idp.invalid/", "http://a\x00b/", "ftp://127.0.0.1/", "http://[::1", ""]
)
async def test_a_url_that_leads_nowhere_is_trouble(idp: FakeIdp, url: str) -> None:
    async with open_session() as http:
        assert isinstance(await Transport(rules_for(idp), http).get(url), Trouble)


async def test_plain_http_on_a_tls_address_is_trouble(idp: FakeIdp) -> None:
    async with open_session() as http:
        answer = await Transport(rules_for(idp), http).get(idp.issuer.replace("http://", "https://"))
    assert isinstance(answer, Trouble)
    assert answer.detail in {"tls", "connection_failed"}


async def test_a_form_is_posted_with_its_headers(idp: FakeIdp) -> None:
    idp.alter["revoke"] = lambda reply: replace(reply, status=200)
    async with open_session() as http:
        await Transport(rules_for(idp), http).post(f"{idp.issuer}/revoke", {"token": "a b&c=é"}, {})
    assert idp.forms == [{"token": "a b&c=é"}]


async def test_a_bearer_token_travels_in_the_header(idp: FakeIdp) -> None:
    async with open_session() as http:
        answer = await Transport(rules_for(idp), http).get(f"{idp.issuer}/userinfo", bearer="nope")
    assert isinstance(answer, Answer)
    assert (answer.status, answer.challenge) == (401, 'Bearer error="invalid_token"')


async def test_the_shared_session_keeps_no_cookie_and_no_connection() -> None:
    async with open_session() as http:
        assert isinstance(http.cookie_jar, aiohttp.DummyCookieJar)
        assert isinstance(http.connector, aiohttp.TCPConnector)
        assert http.connector.force_close


def test_a_broken_ca_file_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    for path in (broken, tmp_path / "missing.pem"):
        rules = rules_for(FakeIdp(), ca_file=str(path))
        with pytest.raises(SettingsError, match=r"idps\.corp\.ca_file"):
            Transport(rules, None)  # type: ignore[arg-type]  # never reached


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


async def test_a_certificate_that_nobody_vouches_for_is_trouble(certificate: Path) -> None:
    async with running_idp(certificate) as idp:
        assert await get(idp) == Trouble(detail="tls")


async def test_an_own_ca_file_vouches_for_its_idp(certificate: Path) -> None:
    async with running_idp(certificate) as idp:
        answer = await get(idp, ca_file=str(certificate))
    assert isinstance(answer, Answer)
    assert answer.status == 200


async def test_an_own_ca_file_vouches_for_no_other_name(certificate: Path) -> None:
    async with running_idp(certificate) as idp:
        idp.issuer = idp.issuer.replace("127.0.0.1", "localhost")
        assert await get(idp, ca_file=str(certificate)) == Trouble(detail="tls")


async def call(idp: FakeIdp, reply: Reply) -> Answer | Trouble:
    idp.alter["jwks"] = lambda _: reply
    async with open_session() as http:
        return await Transport(rules_for(idp), http).call(f"{idp.issuer}/jwks", authorization="SSWS t")


@pytest.mark.parametrize(
    ("link", "next_url"),
    [
        ('<https://a.example.com/x?after=1>; rel="next"', "https://a.example.com/x?after=1"),
        ('<https://a/1>; rel="self", <https://a/2>; rel="next"', "https://a/2"),
        ('<https://a/1>; rel="self"', None),
        ("nonsense", None),
        ("", None),
    ],
)
async def test_the_next_page_is_what_the_link_says(idp: FakeIdp, link: str, next_url: str | None) -> None:
    answer = await call(idp, Reply([], headers={"Link": link}))
    assert isinstance(answer, Answer)
    assert answer.next_url == next_url


async def test_a_question_is_posted_as_json_under_its_authorization() -> None:
    question = {"securityEnabledOnly": False}
    async with running(FakeEntra()) as fake, open_session() as http:
        idp = IdpRules(id=IdpId("corp"), name="Corp", issuer=fake.url, client_id="c")
        url = f"{fake.url}/v1.0/users/x/getMemberObjects"
        answer = await Transport(idp, http).call(url, authorization="Bearer t", question=question)
    assert isinstance(answer, Answer)
    assert answer.status == 401
    assert (fake.asked[-1].authorization, fake.asked[-1].body) == ("Bearer t", json.dumps(question))

"""Tokens: how long they are kept, and what may stand in a detail."""

from typing import Any

import pytest

from proxy.oidc.directory.proof import COOL_OFF, AccessToken, StandingToken, error_code, secret_of
from proxy.oidc.transport import Transport, open_session
from proxy.provisioning.directory import Cause, Unknown
from tests.fakes.idp import NOW, FakeIdp, Reply, rules_for

MISSING = Unknown(detail="secret_missing", cause=Cause.MISCONFIGURED)


@pytest.mark.parametrize(
    ("life", "fresh", "spent"),
    [(3600, 3539, 3540), (300, 239, 240), (100, 49, 50), ("600", 539, 540), (None, 29, 30), (-5, 29, 30)],
)
async def test_a_token_is_kept_until_shortly_before_its_end(
    idp: FakeIdp, life: Any, fresh: float, spent: float
) -> None:
    idp.alter["token"] = lambda _: Reply({"access_token": "t", "expires_in": life})
    async with open_session() as http:
        token = AccessToken(Transport(rules_for(idp), http), f"{idp.issuer}/token", lambda now: GRANT)
        for at, count in ((0.0, 1), (fresh, 1), (spent, 2)):
            assert await token.header(NOW + at) == "Bearer t"
            assert idp.requests["token"] == count


GRANT = {"grant_type": "refresh_token", "refresh_token": "none", "client_id": "muster:one"}


async def test_a_failure_is_remembered_for_a_while(idp: FakeIdp) -> None:
    idp.alter["token"] = lambda _: Reply({"error": "invalid_client"}, status=400)
    async with open_session() as http:
        token = AccessToken(Transport(rules_for(idp), http), f"{idp.issuer}/token", lambda now: GRANT)
        for at in (0.0, COOL_OFF - 0.1):
            refused = await token.header(NOW + at)
            assert refused == Unknown(detail="token_http_400 invalid_client", cause=Cause.MISCONFIGURED)
        assert idp.requests["token"] == 1
        idp.alter["token"] = lambda _: Reply({"access_token": "t"})
        assert await token.header(NOW + COOL_OFF) == "Bearer t"


async def test_only_the_token_that_was_refused_is_forgotten(idp: FakeIdp) -> None:
    idp.alter["token"] = lambda _: Reply({"access_token": f"t{idp.requests['token']}", "expires_in": 300})
    async with open_session() as http:
        token = AccessToken(Transport(rules_for(idp), http), f"{idp.issuer}/token", lambda now: GRANT)
        assert await token.header(NOW) == "Bearer t1"
        assert token.refused("Bearer t1")
        assert await token.header(NOW) == "Bearer t2"
        assert token.refused("Bearer t1")
        assert await token.header(NOW) == "Bearer t2"
        assert "t2" not in repr(token)


async def test_a_grant_that_cannot_be_written_is_why_there_is_no_token(idp: FakeIdp) -> None:
    async with open_session() as http:
        token = AccessToken(Transport(rules_for(idp), http), f"{idp.issuer}/token", lambda now: MISSING)
        assert await token.header(NOW) == MISSING
    assert idp.requests == {}


async def test_an_api_token_is_read_at_every_use() -> None:
    current = ["one"]
    token = StandingToken("SSWS", lambda: current[0])
    assert await token.header(NOW) == "SSWS one"
    assert not token.refused("SSWS one")
    current[0] = "two"
    assert token.refused("SSWS one")
    assert await token.header(NOW) == "SSWS two"
    current[0] = ""
    assert await token.header(NOW) == MISSING
    assert not token.refused("SSWS two")


def test_a_secret_that_cannot_be_read_is_misconfigured() -> None:
    def unreadable() -> str:
        raise OSError("/run/secrets/x")

    assert secret_of(unreadable) == Unknown(detail="secret_unreadable", cause=Cause.MISCONFIGURED)
    assert secret_of(lambda: None) == MISSING


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("invalid_client", " invalid_client"),
        ("E0000007", " E0000007"),
        ("Request_ResourceNotFound", " Request_ResourceNotFound"),
        ("User not found", ""),
        ("x" * 65, ""),
        ("", ""),
        ("a\nb", ""),
        (404, ""),
        (None, ""),
        ({}, ""),
    ],
)
def test_only_a_plain_word_is_shown_of_what_a_server_wrote(value: object, shown: str) -> None:
    assert error_code(value) == shown

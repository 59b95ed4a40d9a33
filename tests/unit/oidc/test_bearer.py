"""A bearer token is read by its issuer and nobody else; every answer is a value."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from proxy.identity import NOT_STATED, IdpId
from proxy.oidc.access_tokens import AccessRules
from proxy.oidc.bearer import BearerTokens, IssuerRules, Proved, Reading, Rejected, Unheard
from proxy.oidc.introspection import IntrospectionRules
from proxy.oidc.transport import open_session
from proxy.session.model import Authentication, Misconfigured, Trouble
from tests.fakes.idp import NOW, FakeIdp, Reply, ec_key, named, published, rsa_key, rules_for, sign

OURS = "https://app.example.com"


def rules(idp: FakeIdp, **changed: Any) -> IssuerRules:
    access = AccessRules(idp=rules_for(idp), audiences=frozenset({OURS}), scopes=frozenset({"api"}))
    return replace(IssuerRules(access=access), **changed)


def signed(idp: FakeIdp, key: Any = None, **changed: Any) -> str:
    claims = {
        "iss": idp.issuer,
        "sub": "alice",
        "aud": OURS,
        "iat": NOW - 10,
        "exp": NOW + 300,
        "scope": "api",
        "email": "alice@example.com",
        "email_verified": True,
        **changed,
    }
    key = key or idp.key
    algorithm = "ES256" if key.key_type == "EC" else "RS256"
    return sign(claims, key, {"alg": algorithm, "kid": key.kid, "typ": "at+jwt"})


@asynccontextmanager
async def tokens(*issuers: IssuerRules) -> AsyncIterator[BearerTokens]:
    async with open_session() as http:
        yield BearerTokens(issuers, http)


async def read(issuer: IssuerRules, token: str, now: float = NOW) -> Reading:
    async with tokens(issuer) as reader:
        return await reader.read(token, now)


async def test_a_signed_token_proves_an_identity_as_old_as_itself(idp: FakeIdp) -> None:
    proved = await read(rules(idp), signed(idp, groups=["engineers"]))
    assert isinstance(proved, Proved)
    assert proved.identity.subject.subject == "alice"
    assert (proved.identity.idp, proved.identity.groups) == (IdpId("corp"), named("engineers"))
    assert proved.identity.stated_at == NOW - 10
    assert (proved.good_until, proved.look_again_after) == (NOW + 360, None)
    assert idp.requests == {"discovery": 1, "jwks": 1}


async def test_how_the_person_proved_themselves_is_kept_for_paths_that_ask(idp: FakeIdp) -> None:
    """RFC 9470 §6: an access token may carry `acr` and `auth_time`."""
    proved = await read(rules(idp), signed(idp, acr="mfa", amr=["otp"], auth_time=NOW - 60))
    assert isinstance(proved, Proved)
    assert proved.authentication == Authentication(acr="mfa", amr=("otp",), at=NOW - 60)


async def test_groups_that_a_token_leaves_out_are_not_stated_even_where_absent_means_none(
    idp: FakeIdp,
) -> None:
    absent = replace(rules_for(idp), groups=replace(rules_for(idp).groups, is_absent_empty=True))
    issuer = rules(idp, access=AccessRules(idp=absent, audiences=frozenset({OURS})))
    proved = await read(issuer, signed(idp))
    assert isinstance(proved, Proved)
    assert proved.identity.groups is NOT_STATED


async def test_a_token_that_fails_a_check_is_rejected_with_its_code(idp: FakeIdp) -> None:
    assert await read(rules(idp), signed(idp, aud="x")) == Rejected(
        idp=IdpId("corp"), code="audience_mismatch"
    )


async def test_a_missing_scope_is_told_apart(idp: FakeIdp) -> None:
    rejected = await read(rules(idp), signed(idp, scope="other"))
    assert rejected == Rejected(idp=IdpId("corp"), code="insufficient_scope", is_for_scope=True)


async def test_an_unknown_issuer_is_asked_nothing(idp: FakeIdp) -> None:
    for stated in ("https://evil.example.com", None, 7, [idp.issuer]):
        rejected = await read(rules(idp), signed(idp, iss=stated))
        assert rejected == Rejected(idp=IdpId("unknown"), code="issuer_unknown")
    assert idp.requests == {}


async def test_rubbish_with_two_dots_is_malformed(idp: FakeIdp) -> None:
    assert await read(rules(idp), "a.b.c") == Rejected(idp=IdpId("unknown"), code="token_malformed")


async def test_an_opaque_token_is_shown_to_nobody_without_introspection(idp: FakeIdp) -> None:
    assert await read(rules(idp), "opaque") == Rejected(idp=IdpId("unknown"), code="issuer_unknown")
    assert idp.requests == {}


async def test_after_a_rotation_the_new_key_is_fetched(idp: FakeIdp) -> None:
    async with tokens(rules(idp)) as reader:
        assert isinstance(await reader.read(signed(idp), NOW), Proved)
        idp.keys = published(ec_key("new"))
        assert isinstance(await reader.read(signed(idp, ec_key("new")), NOW + 20), Proved)
        assert isinstance(await reader.read(signed(idp, rsa_key()), NOW + 40), Rejected)


@pytest.mark.parametrize("has_address", [True, False])
async def test_forged_tokens_are_rejected_each_and_never_read_as_an_outage(
    idp: FakeIdp, has_address: bool
) -> None:
    forged = signed(idp, rsa_key("forged"))
    issuer = rules(idp, jwks_url=f"{idp.issuer}/jwks") if has_address else rules(idp)
    async with tokens(issuer) as reader:
        for later in range(0, 40, 3):
            told = await reader.read(forged, NOW + later)
            assert told == Rejected(idp=IdpId("corp"), code="key_unknown")
    assert idp.requests["jwks"] <= 5


async def test_without_keys_nothing_is_known(idp: FakeIdp) -> None:
    idp.alter["jwks"] = lambda reply: replace(reply, status=503)
    assert await read(rules(idp), signed(idp)) == Unheard(idp=IdpId("corp"), why=Trouble(detail="http_503"))


async def test_keys_may_stand_at_an_address_of_their_own(idp: FakeIdp) -> None:
    issuer = rules(idp, jwks_url=f"{idp.issuer}/jwks")
    async with tokens(issuer) as reader:
        assert isinstance(await reader.read(signed(idp), NOW), Proved)
        assert idp.requests == {"jwks": 1}
        idp.keys = published(ec_key("new"))
        assert isinstance(await reader.read(signed(idp, ec_key("new")), NOW + 20), Proved)


async def test_an_address_that_holds_no_keys_is_said(idp: FakeIdp) -> None:
    issuer = rules(idp, jwks_url=f"{idp.issuer}/jwks")
    for alter, why in alterations():
        idp.alter["jwks"] = alter
        assert await read(issuer, signed(idp)) == Unheard(idp=IdpId("corp"), why=why)


def alterations() -> Iterator[tuple[Any, Trouble | Misconfigured]]:
    yield lambda reply: replace(reply, status=404), Trouble(detail="http_404")
    yield lambda reply: replace(reply, body={"no": "keys"}), Misconfigured(code="keys_malformed")


# --- introspection -----------------------------------------------------------------------------------------------------


def asking(idp: FakeIdp) -> IssuerRules:
    asked = IntrospectionRules(url=f"{idp.issuer}/token", client_id="c", secret=lambda: "s", kept=42.0)
    return rules(idp, introspection=asked)


async def test_an_opaque_token_is_asked_about_and_looked_at_again(idp: FakeIdp) -> None:
    idp.alter["token"] = answering(
        active=True, sub="alice", aud=[OURS], scope="api", iss=idp.issuer, email="alice@example.com"
    )
    proved = await read(asking(idp), "opaque")
    assert isinstance(proved, Proved)
    assert (proved.good_until, proved.look_again_after) == (None, 42.0)
    assert proved.identity.stated_at == NOW, "nobody says how old the token is: as old as the question"
    assert idp.requests == {"token": 1}


async def test_an_inactive_token_is_rejected(idp: FakeIdp) -> None:
    idp.alter["token"] = answering(active=False)
    assert await read(asking(idp), "opaque") == Rejected(idp=IdpId("corp"), code="inactive")


async def test_an_endpoint_that_rejects_us_says_nothing_about_the_token(idp: FakeIdp) -> None:
    idp.alter["token"] = lambda reply: replace(reply, status=401, body={"error": "invalid_client"})
    assert await read(asking(idp), "opaque") == Unheard(
        idp=IdpId("corp"), why=Misconfigured(code="introspection_401")
    )


async def test_a_signed_token_is_not_introspected(idp: FakeIdp) -> None:
    proved = await read(asking(idp), signed(idp))
    assert isinstance(proved, Proved)
    assert proved.look_again_after is None
    assert "token" not in idp.requests


def answering(**document: Any) -> Any:
    return lambda reply: Reply(document)

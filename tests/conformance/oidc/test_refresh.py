"""The refresh-token modules, and what else a refresh could say wrong.

A refresh that cannot be believed ends this session or is our alarm; it never archives anybody.
"""

import pytest

from proxy.oidc.client import OidcClient
from proxy.oidc.rules import UserinfoUse
from proxy.oidc.transport import open_session
from proxy.session.model import AskAgain, Misconfigured, Refreshed
from tests.conformance.oidc.outcomes import LATER, refreshed
from tests.fakes.idp import FakeIdp, named, rules_for

OTHER_PERSON = AskAgain(code="subject_changed")


async def test_oidcc_client_test_refresh_token(idp: FakeIdp) -> None:
    """The new access token is used at userinfo."""
    async with open_session() as http:
        client = OidcClient(rules_for(idp, userinfo=UserinfoUse.ALWAYS), http)
        outcome = await refreshed(client, idp)
    assert isinstance(outcome, Refreshed)
    assert outcome.identity.groups == named("engineers")
    assert outcome.identity.stated_at == LATER
    assert idp.requests["userinfo"] == 2


async def test_oidcc_client_test_refresh_token_invalid_issuer(client: OidcClient, idp: FakeIdp) -> None:
    assert await refreshed(client, idp, iss=idp.issuer + "1") == Misconfigured(code="issuer_mismatch")


async def test_oidcc_client_test_refresh_token_invalid_sub(client: OidcClient, idp: FakeIdp) -> None:
    assert await refreshed(client, idp, sub="bob") == OTHER_PERSON


async def test_userinfo_of_another_person_at_a_refresh(idp: FakeIdp) -> None:
    async with open_session() as http:
        client = OidcClient(rules_for(idp, userinfo=UserinfoUse.ALWAYS), http)
        idp.userinfo_claims = lambda claims: {**claims, "sub": "bob" if idp.now == LATER else claims["sub"]}
        assert await refreshed(client, idp) == OTHER_PERSON


@pytest.mark.parametrize(
    ("altered", "code"),
    [
        ({"aud": "other"}, "audience_mismatch"),
        ({"aud": None}, "audience_mismatch"),
        ({"azp": "other"}, "azp_mismatch"),
        ({"exp": LATER - 60}, "expired"),
        ({"iat": LATER + 61}, "issued_in_future"),
        ({"iat": None}, "time_missing"),
        ({"at_hash": "x"}, "at_hash_mismatch"),
        ({"sub": None}, "subject_invalid"),
        ({"iss": None}, "issuer_mismatch"),
    ],
)
async def test_a_new_id_token_is_checked_in_full(
    client: OidcClient, idp: FakeIdp, altered: dict[str, object], code: str
) -> None:
    assert await refreshed(client, idp, **altered) == Misconfigured(code=code)


async def test_a_refresh_states_no_nonce_or_any(client: OidcClient, idp: FakeIdp) -> None:
    """OpenID Connect Core §12.2 expects none; one that is there is not compared with anything."""
    assert isinstance(await refreshed(client, idp, nonce="of another time"), Refreshed)

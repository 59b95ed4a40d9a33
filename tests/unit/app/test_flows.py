"""Each session is refreshed at the IdP that issued its tokens."""

from dataclasses import replace

import aiohttp

from proxy.app.flows import AskTheRightIdp
from proxy.demo.idp import DemoIdp
from proxy.identity import IdpId
from proxy.oidc.client import OidcClient
from proxy.oidc.rules import IdpRules
from proxy.oidc.transport import open_session
from proxy.reasons import Reason
from proxy.session.model import AskAgain, Misconfigured, Session, Trouble
from proxy.session.policy import Ends, RefreshRules, after_refresh
from tests.fakes.people import CORP, session, subject

OTHER = IdpId("other")


def client_of(name: IdpId, idp: DemoIdp, http: aiohttp.ClientSession) -> OidcClient:
    rules = IdpRules(
        id=name, name=name, issuer=idp.issuer, client_id="muster", secret=lambda: "demo-secret", timeout=2
    )
    return OidcClient(rules, http)


def session_of(name: IdpId, idp: DemoIdp) -> Session:
    return replace(session(), idp=name, subject=subject(issuer=idp.issuer))


async def test_a_session_is_asked_about_where_it_comes_from() -> None:
    corp, other = DemoIdp(), DemoIdp()
    await corp.start()
    await other.start()
    await corp.stop()
    try:
        async with open_session() as http:
            ask = AskTheRightIdp(
                clients={CORP: client_of(CORP, corp, http), OTHER: client_of(OTHER, other, http)}
            )
            there = await ask(session_of(OTHER, other), 1000.0)
            away = await ask(session_of(CORP, corp), 1000.0)
    finally:
        await other.stop()
    assert there == AskAgain(code="invalid_grant", is_plain_invalid_grant=True), (
        "it was reached, and never issued this token"
    )
    assert isinstance(away, Trouble)


async def test_an_idp_taken_out_of_the_configuration_says_no_to_nobody() -> None:
    outcome = await AskTheRightIdp(clients={})(session(), 1000.0)
    assert outcome == Misconfigured(code="idp_not_configured")


async def test_while_one_idp_is_enforced_a_session_of_another_ends_without_being_asked_about() -> None:
    ask = AskTheRightIdp(clients={}, enforced=OTHER)
    assert await ask(session(), 1000.0) == Misconfigured(code="idp_not_configured")
    async with open_session() as http:
        ask = AskTheRightIdp(clients={CORP: client_of(CORP, DemoIdp(), http)}, enforced=OTHER)
        answer = await ask(session(), 1000.0)
    assert answer == AskAgain(code="idp_not_enforced", reason=Reason.IDP_NOT_ALLOWED)
    aftermath = after_refresh(
        session(), answer, now=1000.0, rules=RefreshRules(), archive_after=0.0, was_spent=False
    )
    assert aftermath == Ends(reason=Reason.IDP_NOT_ALLOWED, suspicion=None), "nobody is archived for it"

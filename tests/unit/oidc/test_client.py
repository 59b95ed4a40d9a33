"""The whole conversation with one IdP, over real sockets."""

import asyncio
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from proxy.errors import NotTrusted
from proxy.groups.claim import ClaimRules
from proxy.identity import NOT_STATED, GroupName, Identity, IdpId, Subject
from proxy.oidc.claims import Lookup
from proxy.oidc.client import Authorization, OidcClient, SignedIn
from proxy.oidc.documents import COOL_OFF
from proxy.oidc.flow import Code, Prompt
from proxy.oidc.rules import ClaimPaths, ClientAuth, IdpKind, PushUse, UserinfoUse
from proxy.oidc.transport import open_session
from proxy.provisioning.directory import Cause, Standing, Unknown
from proxy.session.model import (
    AskAgain,
    Denied,
    Misconfigured,
    Ready,
    Refreshed,
    Session,
    SessionKey,
    Tokens,
    Trouble,
)
from tests.fakes.idp import (
    CLIENT_ID,
    NOW,
    REDIRECT_URI,
    FakeIdp,
    Reply,
    named,
    published,
    rsa_key,
    rules_for,
    sign_in,
)
from tests.fakes.logout import logout_token

LATER = NOW + 3600.0
EMPTY = {"groups": ClaimRules(is_absent_empty=True)}


def down(reply: Reply) -> Reply:
    return replace(reply, status=503, body=b"<html>busy</html>", content_type="text/html")


async def session_of(client: OidcClient, idp: FakeIdp, until: float = LATER) -> Session:
    """A session an hour old, or as old as stated, at an IdP whose clock says so."""
    signed_in = await sign_in(client, idp)
    assert isinstance(signed_in, SignedIn)
    idp.now = until
    return Session(
        key=SessionKey("k"),
        subject=signed_in.identity.subject,
        idp=signed_in.identity.idp,
        identity=signed_in.identity,
        account=Ready(login="alice"),
        tokens=signed_in.tokens,
        created_at=NOW,
        last_seen_at=NOW,
        refreshed_at=NOW,
        due_at=LATER,
    )


async def refreshed(client: OidcClient, session: Session, now: float = LATER) -> Refreshed:
    outcome = await client.refresh(session, now)
    assert isinstance(outcome, Refreshed), outcome
    return outcome


# --- signing in -----------------------------------------------------------------------------------------------------


async def test_a_sign_in_ends_in_an_identity_and_tokens(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {**claims, "sid": "idp-session"}
    result = await sign_in(client, idp)
    assert isinstance(result, SignedIn)
    assert result.identity.subject == Subject(issuer=idp.issuer, subject="alice")
    assert (result.identity.email, result.identity.is_email_verified) == ("alice@example.com", True)
    assert result.identity.groups == named("engineers")
    assert result.idp_session == "idp-session"
    assert result.tokens.access_expires_at == NOW + 300
    assert None not in (result.tokens.refresh_token, result.tokens.id_token)
    assert "userinfo" not in idp.requests


async def test_the_code_travels_with_its_verifier_and_redirect_uri(client: OidcClient, idp: FakeIdp) -> None:
    await sign_in(client, idp)
    (form,) = idp.forms
    assert form.keys() == {"grant_type", "code", "redirect_uri", "code_verifier"}
    assert form["redirect_uri"] == REDIRECT_URI
    assert (idp.authorizations[0] or "").startswith("Basic ")


@pytest.mark.parametrize("method", [ClientAuth.POST, ClientAuth.NONE])
async def test_other_ways_to_prove_ourselves(idp: FakeIdp, method: ClientAuth) -> None:
    async with open_session() as http:
        assert isinstance(await sign_in(OidcClient(rules_for(idp, client_auth=method), http), idp), SignedIn)
    assert idp.authorizations == [None]
    assert idp.forms[0]["client_id"] == CLIENT_ID
    assert ("client_secret" in idp.forms[0]) is (method is ClientAuth.POST)


async def test_a_silent_sign_in_says_so(client: OidcClient) -> None:
    begun = await client.authorization(
        redirect_uri=REDIRECT_URI,
        return_to="/x",
        entropy=bytes(96),
        now=NOW,
        prompt=Prompt.NONE,
        login_hint="alice",
    )
    assert isinstance(begun, Authorization)
    asked = dict(parse_qsl(urlsplit(begun.url).query))
    assert (asked["prompt"], asked["login_hint"], begun.attempt.return_to) == ("none", "alice", "/x")
    assert begun.attempt.is_issuer_expected


async def test_a_code_works_once(client: OidcClient, idp: FakeIdp) -> None:
    begun = await client.authorization(
        redirect_uri=REDIRECT_URI, return_to="/", entropy=secrets.token_bytes(96), now=NOW
    )
    assert isinstance(begun, Authorization)
    code = Code(value=dict(idp.approve(begun.url))["code"])
    first = await client.redeem(code, begun.attempt, redirect_uri=REDIRECT_URI, now=NOW)
    second = await client.redeem(code, begun.attempt, redirect_uri=REDIRECT_URI, now=NOW)
    assert isinstance(first, SignedIn)
    assert second == AskAgain(code="invalid_grant")


async def test_a_stolen_code_is_worthless_without_its_attempt(client: OidcClient, idp: FakeIdp) -> None:
    begun = await client.authorization(redirect_uri=REDIRECT_URI, return_to="/", entropy=bytes(96), now=NOW)
    assert isinstance(begun, Authorization)
    code = Code(value=dict(idp.approve(begun.url))["code"])
    other = replace(begun.attempt, code_verifier="x" * 43)
    assert await client.redeem(code, other, redirect_uri=REDIRECT_URI, now=NOW) == AskAgain(
        code="invalid_grant"
    )


async def test_without_an_id_token_nobody_signed_in(client: OidcClient, idp: FakeIdp) -> None:
    idp.alter["token"] = lambda reply: replace(reply, body={**reply.body, "id_token": None})
    with pytest.raises(NotTrusted, match="id_token_missing"):
        await sign_in(client, idp)


async def test_userinfo_fills_what_the_id_token_leaves_out(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {name: claims[name] for name in claims if name not in ("groups", "email")}
    result = await sign_in(client, idp)
    assert isinstance(result, SignedIn)
    assert (result.identity.email, result.identity.groups) == ("alice@example.com", named("engineers"))


async def test_a_newcomer_without_an_address_waits_for_userinfo(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "email"}
    idp.alter["userinfo"] = down
    assert await sign_in(client, idp) == Trouble(detail="userinfo_failed")


async def test_a_newcomer_whose_groups_cannot_be_had_has_groups_not_stated(
    client: OidcClient, idp: FakeIdp
) -> None:
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "groups"}
    idp.alter["userinfo"] = down
    result = await sign_in(client, idp)
    assert isinstance(result, SignedIn)
    assert result.identity.groups is NOT_STATED


async def test_an_idp_without_userinfo_is_complete_with_its_id_token(idp: FakeIdp) -> None:
    idp.announce = {"userinfo_endpoint": None}
    idp.people["alice"].pop("groups")
    rules = rules_for(idp, groups=ClaimRules(is_absent_empty=True))
    async with open_session() as http:
        result = await sign_in(OidcClient(rules, http), idp)
    assert isinstance(result, SignedIn)
    assert result.identity.groups == named()


async def test_nothing_starts_while_the_idp_is_down(client: OidcClient, idp: FakeIdp) -> None:
    idp.alter["discovery"] = down
    assert await sign_in(client, idp) == Trouble(detail="http_503")


async def test_a_sign_in_never_becomes_a_denial_of_a_known_person(idp: FakeIdp) -> None:
    """A marker at the code exchange is about nobody we know; the web shows a refusal (semantics §5.5)."""
    idp.suspend()
    async with open_session() as http:
        result = await sign_in(OidcClient(rules_for(idp, kind=IdpKind.KEYCLOAK), http), idp)
    assert result == Denied(marker="user disabled")


async def test_no_secret_is_ever_shown(client: OidcClient, idp: FakeIdp) -> None:
    result = await sign_in(client, idp)
    begun = await client.authorization(redirect_uri=REDIRECT_URI, return_to="/", entropy=bytes(96), now=NOW)
    assert isinstance(result, SignedIn)
    assert isinstance(begun, Authorization)
    shown = repr((result, begun, client.rules))
    hidden = [result.tokens.access_token, result.tokens.refresh_token, result.tokens.id_token, "s%cret"]
    assert not [secret for secret in [*hidden, begun.attempt.state] if secret and secret in shown]


# --- an hour later --------------------------------------------------------------------------------------------------


async def test_a_refresh_brings_new_tokens_and_the_groups_of_now(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    idp.people["alice"]["groups"] = ["platform"]
    outcome = await refreshed(client, session)
    assert outcome.identity.groups == named("platform")
    assert outcome.identity.stated_at == LATER
    assert outcome.tokens.refresh_token != session.tokens.refresh_token
    assert outcome.tokens.access_expires_at == LATER + 300


async def test_an_unrotated_refresh_token_is_kept(client: OidcClient, idp: FakeIdp) -> None:
    idp.is_rotating = False
    session = await session_of(client, idp)
    assert (await refreshed(client, session)).tokens.refresh_token == session.tokens.refresh_token


async def test_a_refresh_sends_the_token_once(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    idp.alter["token"] = lambda reply: replace(reply, cut=1)
    assert await client.refresh(session, LATER) == Trouble(detail="answer_broken")
    assert idp.requests["token"] == 2  # one for the code, one for the refresh


async def test_a_claim_that_is_missing_now_is_not_stated(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    idp.people["alice"].pop("groups")
    outcome = await refreshed(client, session)
    assert outcome.identity.groups is NOT_STATED
    assert outcome.identity.email == "alice@example.com"


@pytest.mark.parametrize("is_held", [True, False])
async def test_a_silent_or_failing_token_endpoint_is_trouble(idp: FakeIdp, is_held: bool) -> None:
    async with open_session() as http:
        session = await session_of(OidcClient(rules_for(idp), http), idp)
        client = OidcClient(rules_for(idp, timeout=0.2), http)
        idp.alter["token"] = lambda reply: replace(down(reply), is_held=is_held)
        assert await client.refresh(session, LATER) == Trouble(detail="timeout" if is_held else "http_503")


async def test_an_idp_that_is_gone_is_trouble(client: OidcClient, idp: FakeIdp, unused_tcp_port: int) -> None:
    session = await session_of(client, idp)
    idp.announce = {"token_endpoint": f"http://127.0.0.1:{unused_tcp_port}/"}
    async with open_session() as http:
        other = OidcClient(client.rules, http)
        assert await other.refresh(session, LATER) == Trouble(detail="connection_failed")


async def test_a_rotated_client_secret_is_our_fault_and_nobodys_end(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    idp.secret = "another"
    assert await client.refresh(session, LATER) == Misconfigured(code="invalid_client")


async def test_a_secret_file_that_vanished_is_our_fault(idp: FakeIdp) -> None:
    def gone() -> str:
        raise FileNotFoundError("secret.txt")

    async with open_session() as http:
        session = await session_of(OidcClient(rules_for(idp), http), idp)
        outcome = await OidcClient(rules_for(idp, secret=gone), http).refresh(session, LATER)
    assert outcome == Misconfigured(code="client_secret_unreadable")


async def test_a_suspended_person_is_denied_by_a_marker(idp: FakeIdp) -> None:
    async with open_session() as http:
        client = OidcClient(rules_for(idp, denied_markers=frozenset({"Account suspended"})), http)
        session = await session_of(client, idp)
        idp.suspend("account suspended")
        assert await client.refresh(session, LATER) == Denied(marker="account suspended")


async def test_a_bare_refusal_asks_again(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    idp.suspend("grant request is invalid")
    outcome = await client.refresh(session, LATER)
    assert outcome == AskAgain(code="invalid_grant", is_plain_invalid_grant=True)


async def test_a_spent_refresh_token_is_a_bare_refusal(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    await refreshed(client, session)
    outcome = await client.refresh(session, LATER)
    assert outcome == AskAgain(code="invalid_grant", is_plain_invalid_grant=True)


async def test_without_a_refresh_token_the_idp_is_not_asked(client: OidcClient, idp: FakeIdp) -> None:
    session = replace(await session_of(client, idp), tokens=Tokens(access_token="a"))
    before = dict(idp.requests)
    assert await client.refresh(session, LATER) == AskAgain(code="no_refresh_token")
    assert idp.requests == before


async def test_another_issuers_session_is_never_refreshed_here(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    stranger = replace(session, subject=replace(session.subject, issuer="https://other.example.com"))
    before = dict(idp.requests)
    assert await client.refresh(stranger, LATER) == AskAgain(code="subject_changed")
    assert idp.requests == before


async def test_another_subject_at_a_refresh_ends_the_session(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    idp.claims = lambda claims: {**claims, "sub": "bob"}
    assert await client.refresh(session, LATER) == AskAgain(code="subject_changed")


@pytest.mark.parametrize(
    ("altered", "code"),
    [
        ({"iss": "https://other.example.com"}, "issuer_mismatch"),
        ({"aud": "other"}, "audience_mismatch"),
        ({"exp": 1}, "expired"),
        ({"iat": LATER + 3600}, "issued_in_future"),
        ({"at_hash": "x"}, "at_hash_mismatch"),
        ({"sub": ""}, "subject_invalid"),
    ],
)
async def test_an_id_token_that_would_fail_for_everybody_signs_nobody_out(
    client: OidcClient, idp: FakeIdp, altered: dict[str, Any], code: str
) -> None:
    session = await session_of(client, idp)
    idp.claims = lambda claims: {**claims, **altered}
    assert await client.refresh(session, LATER) == Misconfigured(code=code)


# --- keys at a refresh ----------------------------------------------------------------------------------------------


async def test_a_rotated_key_is_found(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp, NOW + COOL_OFF)
    idp.key = rsa_key("rsa-2")
    idp.keys = published(idp.key)
    assert (await refreshed(client, session, NOW + COOL_OFF)).identity.groups == named("engineers")
    assert idp.requests["jwks"] == 2


async def test_a_key_replaced_under_its_old_name_is_found(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp, NOW + COOL_OFF)
    idp.key = rsa_key("rsa-2")
    idp.keys = {"keys": [{**published(idp.key)["keys"][0], "kid": "rsa-1"}]}
    idp.header = lambda header: {**header, "kid": "rsa-1"}
    assert (await refreshed(client, session, NOW + COOL_OFF)).identity.groups == named("engineers")


async def test_a_refresh_is_not_lost_because_the_keys_cannot_be_had(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    idp.key = rsa_key("rsa-2")
    idp.alter["jwks"] = down
    outcome = await refreshed(client, session, NOW + COOL_OFF)
    assert outcome.tokens.refresh_token != session.tokens.refresh_token
    assert outcome.tokens.id_token == session.tokens.id_token  # the unchecked one is not kept
    assert outcome.identity.groups == named("engineers")  # from userinfo


async def test_what_an_unchecked_id_token_says_is_never_used(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    idp.claims = lambda claims: {**claims, "groups": ["admins"], "email": "root@example.com"}
    idp.key = rsa_key("rsa-2")
    idp.alter = {"jwks": down, "userinfo": down}
    outcome = await refreshed(client, session, NOW + COOL_OFF)
    assert outcome.identity.groups is NOT_STATED
    assert outcome.identity.email == "alice@example.com"


async def test_a_rotation_right_after_the_keys_were_read_is_found(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    idp.now = NOW + 1
    idp.key = rsa_key("rsa-2")
    idp.keys = published(idp.key)
    assert (await refreshed(client, session, NOW + 1)).identity.groups == named("engineers")
    assert idp.requests["jwks"] == 2


async def test_an_answer_signed_before_its_key_is_published_signs_nobody_out(
    client: OidcClient, idp: FakeIdp
) -> None:
    """The first tells the operator; those who come within the second have their claims from userinfo."""
    first, second = await session_of(client, idp, NOW + 5), await session_of(client, idp, NOW + 5)
    idp.key = rsa_key("rsa-2")
    assert await client.refresh(first, NOW + 5) == Misconfigured(code="key_unknown")
    assert (await refreshed(client, second, NOW + 5.5)).identity.groups == named("engineers")
    assert idp.requests["jwks"] == 2


async def test_forged_logout_tokens_neither_look_like_an_outage_nor_cost_a_sign_in_after_a_rotation(
    client: OidcClient, idp: FakeIdp
) -> None:
    assert isinstance(await sign_in(client, idp), SignedIn)
    forged = logout_token(idp.issuer, NOW, key=rsa_key("forged"))
    for later in (10.0, 11.0, 12.0):
        with pytest.raises(NotTrusted, match="key_unknown"):
            await client.logged_out(forged, NOW + later)
    idp.key = rsa_key("rsa-2")
    idp.keys = published(idp.key)
    with pytest.raises(NotTrusted, match="key_unknown"):
        await client.logged_out(forged, NOW + 13)
    idp.now = NOW + 13
    assert isinstance(await sign_in(client, idp, now=NOW + 13), SignedIn)


async def test_a_forged_id_token_is_not_believed_and_signs_nobody_out(
    client: OidcClient, idp: FakeIdp
) -> None:
    session = await session_of(client, idp)
    idp.key = rsa_key("rsa-2")
    assert await client.refresh(session, LATER) == Misconfigured(code="key_unknown")


# --- a refresh without an ID token ----------------------------------------------------------------------------------


async def test_without_an_id_token_the_claims_are_userinfos(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    idp.is_id_token_at_refresh = False
    idp.people["alice"] = {"email": "new@example.com", "groups": ["platform"]}
    outcome = await refreshed(client, session)
    assert (outcome.identity.email, outcome.identity.groups) == ("new@example.com", named("platform"))
    assert outcome.identity.stated_at == LATER
    assert outcome.tokens.id_token == session.tokens.id_token


async def test_userinfo_of_another_person_ends_the_session(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    idp.is_id_token_at_refresh = False
    idp.userinfo_claims = lambda claims: {**claims, "sub": "bob"}
    assert await client.refresh(session, LATER) == AskAgain(code="subject_changed")


@pytest.mark.parametrize("reply", [down(Reply({})), Reply({}, status=403), Reply({}, status=401), Reply([])])
async def test_a_userinfo_in_trouble_takes_nothing_away(
    client: OidcClient, idp: FakeIdp, reply: Reply
) -> None:
    session = await session_of(client, idp)
    idp.is_id_token_at_refresh = False
    idp.alter["userinfo"] = lambda _: reply
    outcome = await refreshed(client, session)
    assert outcome.identity.groups is NOT_STATED
    assert outcome.identity.email == "alice@example.com"
    assert outcome.tokens.refresh_token != session.tokens.refresh_token


REFUSAL = Reply({"error": "invalid_token"}, status=401)


async def test_a_fresh_access_token_named_invalid_and_nobody_vouching_asks_again(
    client: OidcClient, idp: FakeIdp
) -> None:
    session = await session_of(client, idp)
    idp.is_id_token_at_refresh = False
    idp.alter["userinfo"] = lambda _: REFUSAL
    assert await client.refresh(session, LATER) == AskAgain(code="userinfo_refused")


async def test_with_an_id_token_a_refusing_userinfo_is_only_a_failed_look_up(
    client: OidcClient, idp: FakeIdp
) -> None:
    session = await session_of(client, idp)
    idp.people["alice"].pop("groups")
    idp.alter["userinfo"] = lambda _: REFUSAL
    assert (await refreshed(client, session)).identity.groups is NOT_STATED


async def test_a_userinfo_that_must_not_be_asked_leaves_the_person_as_known(idp: FakeIdp) -> None:
    async with open_session() as http:
        client = OidcClient(rules_for(idp, userinfo=UserinfoUse.NEVER), http)
        session = await session_of(client, idp)
        idp.is_id_token_at_refresh = False
        outcome = await refreshed(client, session)
    assert outcome.identity == replace(session.identity, groups=NOT_STATED, stated_at=LATER)
    assert "userinfo" not in idp.requests


# --- the rest -------------------------------------------------------------------------------------------------------


async def test_userinfo_can_be_asked_alone(client: OidcClient, idp: FakeIdp) -> None:
    signed_in = await sign_in(client, idp)
    assert isinstance(signed_in, SignedIn)
    claims = await client.userinfo(signed_in.tokens.access_token or "", NOW)
    assert isinstance(claims, dict)
    assert claims["sub"] == "alice"
    assert await client.userinfo("nonsense", NOW) is Lookup.REFUSED


async def test_userinfo_fails_while_nothing_is_known_of_the_idp(client: OidcClient, idp: FakeIdp) -> None:
    idp.alter["discovery"] = down
    assert await client.userinfo("a", NOW) is Lookup.FAILED


async def test_revoking_ends_the_grant(client: OidcClient, idp: FakeIdp) -> None:
    session = await session_of(client, idp)
    assert await client.revoke(session.tokens, NOW)
    assert idp.forms[-1] == {
        "token": session.tokens.refresh_token,
        "token_type_hint": "refresh_token",
    }
    assert isinstance(await client.refresh(session, LATER), AskAgain)


async def test_without_a_refresh_token_the_access_token_is_revoked(client: OidcClient, idp: FakeIdp) -> None:
    assert await client.revoke(Tokens(access_token="a"), NOW)
    assert idp.forms[-1] == {"token": "a", "token_type_hint": "access_token"}


async def test_revoking_never_raises(client: OidcClient, idp: FakeIdp) -> None:
    assert not await client.revoke(Tokens(), NOW)
    idp.alter["revoke"] = down
    assert not await client.revoke(Tokens(access_token="a"), NOW)
    idp.alter["revoke"] = lambda reply: replace(reply, cut=0, body=b"x")
    assert not await client.revoke(Tokens(access_token="a"), NOW)


async def test_an_idp_without_revocation_is_left_alone(client: OidcClient, idp: FakeIdp) -> None:
    idp.announce = {"revocation_endpoint": None}
    assert not await client.revoke(Tokens(access_token="a"), NOW)


async def ended(client: OidcClient, hint: str | None, state: str | None = "s") -> dict[str, str] | None:
    url = await client.end_session_url(
        id_token_hint=hint, post_logout_redirect_uri="https://app/signed-out", state=state, now=NOW
    )
    return None if url is None else dict(parse_qsl(urlsplit(url).query))


async def test_signing_out_of_the_idp_names_us_and_where_to_return(client: OidcClient) -> None:
    assert await ended(client, "h.h.h") == {
        "client_id": CLIENT_ID,
        "post_logout_redirect_uri": "https://app/signed-out",
        "id_token_hint": "h.h.h",
        "state": "s",
    }


@pytest.mark.parametrize("hint", [None, "", "h" * 4097])
async def test_a_hint_that_is_absent_or_too_long_is_left_out(client: OidcClient, hint: str | None) -> None:
    asked = await ended(client, hint, state=None)
    assert asked is not None
    assert asked.keys() == {"client_id", "post_logout_redirect_uri"}


async def test_an_idp_without_logout_or_in_trouble_has_no_such_place(
    client: OidcClient, idp: FakeIdp
) -> None:
    idp.announce = {"end_session_endpoint": None}
    assert await ended(client, None) is None
    async with open_session() as http:
        idp.alter["discovery"] = down
        assert await ended(OidcClient(client.rules, http), None) is None


async def test_two_idps_are_two_clients_on_one_http_session(idp: FakeIdp) -> None:
    async with open_session() as http:
        clients = [OidcClient(rules_for(idp, id=IdpId(name)), http) for name in ("one", "two")]
        results = await asyncio.gather(*(sign_in(client, idp) for client in clients))
    assert [result.identity.idp for result in results if isinstance(result, SignedIn)] == ["one", "two"]


# --- groups from the directory ---------------------------------------------------------------------------------------

OVERAGE: dict[str, Any] = {"groups": None, "_claim_names": {"groups": "src1"}, "oid": "id-1"}


class GroupDirectory:
    """Answers with what it is told, and remembers whom it was asked about."""

    def __init__(self, groups: frozenset[GroupName] | Unknown) -> None:
        self.known = groups
        self.asked: list[tuple[Subject, str | None, str | None]] = []

    async def ask(self, subject: Subject, email: str | None, *, directory_id: str | None = None) -> Standing:
        raise AssertionError("only groups are asked for here")

    async def groups(
        self, subject: Subject, email: str | None, *, directory_id: str | None = None
    ) -> frozenset[GroupName] | Unknown:
        self.asked.append((subject, email, directory_id))
        return self.known


async def both(
    idp: FakeIdp, directory: GroupDirectory, stated: dict[str, Any], **changed: Any
) -> tuple[Identity, Identity]:
    """What a sign-in and the refresh an hour later say."""
    idp.people["alice"] = {"email": "alice@example.com", "email_verified": True, **stated}
    settings = {"claims": ClaimPaths(directory_id="oid"), "userinfo": UserinfoUse.NEVER, **changed}
    async with open_session() as http:
        client = OidcClient(rules_for(idp, **settings), http, group_directory=directory)
        session = await session_of(client, idp)
        return session.identity, (await refreshed(client, session)).identity


@pytest.mark.parametrize("stated", [OVERAGE, {"hasgroups": True}, {}, {"groups": 7}])
async def test_groups_that_are_not_stated_are_asked_of_the_directory(
    idp: FakeIdp, stated: dict[str, Any]
) -> None:
    """Entra's overage, and an IdP without a groups claim: at the sign-in and at the refresh alike."""
    directory = GroupDirectory(named("engineers"))
    first, later = await both(idp, directory, stated)
    assert (first.groups, later.groups) == (named("engineers"), named("engineers"))
    expected = (Subject(issuer=idp.issuer, subject="alice"), "alice@example.com", stated.get("oid"))
    assert directory.asked == [expected, expected]
    assert later.stated_at >= LATER


async def test_a_directory_that_knows_of_none_says_so(idp: FakeIdp) -> None:
    assert {one.groups for one in await both(idp, GroupDirectory(named()), OVERAGE)} == {named()}


@pytest.mark.parametrize("cause", Cause)
async def test_a_look_up_that_fails_leaves_them_not_stated(idp: FakeIdp, cause: Cause) -> None:
    directory = GroupDirectory(Unknown(detail="x", cause=cause))
    assert {one.groups for one in await both(idp, directory, OVERAGE)} == {NOT_STATED}


@pytest.mark.parametrize(("stated", "changed"), [({"groups": []}, {}), ({"groups": ["a"]}, {}), ({}, EMPTY)])
async def test_groups_that_are_stated_are_not_asked_for(
    idp: FakeIdp, stated: dict[str, Any], changed: dict[str, Any]
) -> None:
    directory = GroupDirectory(named("engineers"))
    for one in await both(idp, directory, stated, **changed):
        assert one.groups == named(*stated.get("groups", []))
    assert directory.asked == []


async def test_a_refresh_without_an_id_token_asks_too(idp: FakeIdp) -> None:
    idp.is_id_token_at_refresh = False
    directory = GroupDirectory(named("engineers"))
    _, later = await both(idp, directory, OVERAGE)
    assert later.groups == named("engineers")
    assert directory.asked[-1][2] == "id-1"


# --- pushed requests --------------------------------------------------------------------------------------------------


async def begun(client: OidcClient, **changed: Any) -> Any:
    return await client.authorization(
        redirect_uri=REDIRECT_URI, return_to="/", entropy=bytes(96), now=NOW, **changed
    )


def pushing(idp: FakeIdp, **announced: Any) -> None:
    idp.announce = {"pushed_authorization_request_endpoint": f"{idp.issuer}/push", **announced}


async def test_a_request_is_pushed_and_the_browser_carries_its_name(client: OidcClient, idp: FakeIdp) -> None:
    pushing(idp)
    begin = await begun(client, login_hint="alice@example.com")
    carried = dict(parse_qsl(urlsplit(begin.url).query))
    ((name, asked),) = idp.pushed.items()
    assert carried == {"client_id": CLIENT_ID, "request_uri": name}
    assert (asked["state"], asked["nonce"]) == (begin.attempt.state, begin.attempt.nonce)
    assert asked["login_hint"] == "alice@example.com"
    assert "client_secret" not in asked
    assert isinstance(await sign_in(client, idp), SignedIn)


async def test_each_sign_in_pushes_a_request_of_its_own(client: OidcClient, idp: FakeIdp) -> None:
    pushing(idp)
    assert (await begun(client)).url != (await begun(client)).url
    assert len(idp.pushed) == 2


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (Reply({}, status=503), Trouble(detail="push_http_503")),
        (Reply(b"<html>", status=201, content_type="text/html"), Trouble(detail="push_not_json")),
        (Reply({"error": "invalid_request"}, status=400), Misconfigured(code="invalid_request")),
        (Reply({"error": "invalid_client"}, status=401), Misconfigured(code="invalid_client")),
        (Reply({"expires_in": 60}, status=201), Trouble(detail="push_no_request_uri")),
    ],
)
async def test_a_push_that_fails_is_never_sent_with_the_browser_instead(
    client: OidcClient, idp: FakeIdp, reply: Reply, fault: Trouble | Misconfigured
) -> None:
    pushing(idp)
    idp.alter["push"] = lambda _: reply
    assert await begun(client) == fault


async def test_an_idp_that_hangs_there_is_trouble(idp: FakeIdp) -> None:
    pushing(idp)
    idp.alter["push"] = lambda reply: replace(reply, is_held=True)
    async with open_session() as http:
        assert await begun(OidcClient(rules_for(idp, timeout=0.2), http)) == Trouble(detail="timeout")


async def test_what_idp_and_operator_disagree_about_is_the_operators_to_mend(idp: FakeIdp) -> None:
    async with open_session() as http:
        demanded = OidcClient(rules_for(idp, push=PushUse.ALWAYS), http)
        assert await begun(demanded) == Misconfigured(code="push_not_offered")
        pushing(idp, require_pushed_authorization_requests=True)
        refused = OidcClient(rules_for(idp, push=PushUse.NEVER), http)
        assert await begun(refused) == Misconfigured(code="push_required")
    assert "push" not in idp.requests


async def test_never_means_the_browser_carries_it_all(idp: FakeIdp) -> None:
    pushing(idp)
    async with open_session() as http:
        begin = await begun(OidcClient(rules_for(idp, push=PushUse.NEVER), http))
    assert "state=" in begin.url
    assert "push" not in idp.requests

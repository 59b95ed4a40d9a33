"""One OpenID Provider, asked: at a sign-in, every hour, and at a sign-out.

Every answer is a value. NotTrusted is raised only by `redeem`, for a browser whose sign-in proves nothing; whatever a
refresh brings, the session's owner gets a `RefreshOutcome`:

| after a refresh was granted                                              | outcome                                 |
|--------------------------------------------------------------------------|-----------------------------------------|
| an ID token that passes every check                                      | Refreshed                               |
| no ID token (OpenID Connect Core §12.2), or no keys to check it with     | Refreshed, claims from userinfo         |
| userinfo wanted, but down, slow, broken or forbidden                     | Refreshed, groups not stated            |
| no ID token, and userinfo names the new access token invalid             | AskAgain `userinfo_refused`, no timer   |
| another subject in the ID token or in userinfo                           | AskAgain `subject_changed`              |
| an ID token that fails any other check                                   | Misconfigured: it would hit everybody   |

Groups that the sign-in or the refresh leaves unstated (overage, an IdP without a groups claim) are asked of the directory,
where one is given; a look-up that fails leaves them not stated.

Once the IdP has granted a refresh, the old refresh token may be worth nothing: an answer is given up only if nothing
in it can be believed. Times are seconds since the epoch; `now` is when the caller asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import aiohttp

from proxy.errors import NotTrusted
from proxy.identity import NOT_STATED, Identity, Subject
from proxy.oidc.claims import (
    Lookup,
    Userinfo,
    authentication_of,
    identity_of,
    identity_without_id_token,
    wants_userinfo,
)
from proxy.oidc.documents import Documents, Unready
from proxy.oidc.flow import Attempt, Code, Prompt, begin, with_query
from proxy.oidc.keys import KeySet
from proxy.oidc.logout import LogoutToken, verify_logout_token
from proxy.oidc.metadata import Metadata
from proxy.oidc.outcome import Fault, TokenAnswer, classify, merge_tokens
from proxy.oidc.proven import ProvenRequests
from proxy.oidc.pushed import form_of, push_endpoint, read_pushed
from proxy.oidc.rotation import checked
from proxy.oidc.rules import IdpRules
from proxy.oidc.tokens import VerifiedClaims, verify_id_token
from proxy.oidc.transport import Answer, Transport
from proxy.oidc.userinfo import read_userinfo
from proxy.provisioning.directory import Directory, Unknown
from proxy.session.model import (
    AskAgain,
    Authentication,
    Misconfigured,
    Refreshed,
    RefreshOutcome,
    Session,
    Tokens,
    Trouble,
)
from proxy.session.step_up import Demand

_SUBJECT_CODES: Final = frozenset({"subject_changed", "userinfo_subject_mismatch"})

_MOST_HINT: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A sign-in about to begin: keep the attempt, send the browser to the URL (it carries no secret but the state)."""

    attempt: Attempt
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A person whom the IdP just vouched for. `idp_session` is the IdP's `sid`, where stated."""

    identity: Identity
    tokens: Tokens = field(repr=False)
    idp_session: str | None = None
    authentication: Authentication = field(default_factory=Authentication)


class OidcClient:
    """The conversation with one IdP over the shared HTTP session (`transport.open_session`).

    `group_directory` is asked for groups that the claims leave unstated.
    """

    def __init__(
        self, rules: IdpRules, http: aiohttp.ClientSession, *, group_directory: Directory | None = None
    ) -> None:
        self.rules = rules
        self._group_directory = group_directory
        self._proven = ProvenRequests(rules, http)
        self._documents = Documents(rules, Transport(rules, http))

    async def authorization(
        self,
        *,
        redirect_uri: str,
        return_to: str,
        entropy: bytes,
        now: float,
        prompt: Prompt | None = None,
        login_hint: str | None = None,
        demand: Demand | None = None,
    ) -> Authorization | Unready:
        """Where to send a browser (see `flow.begin`)."""
        metadata = await self._documents.metadata(now)
        if not isinstance(metadata, Metadata):
            return metadata
        attempt, url = begin(
            self.rules,
            metadata,
            redirect_uri=redirect_uri,
            return_to=return_to,
            entropy=entropy,
            now=now,
            prompt=prompt,
            login_hint=login_hint,
            demand=demand,
        )
        place = push_endpoint(metadata, self.rules.push)
        if place is None:
            return Authorization(attempt=attempt, url=url)
        pushed = place if isinstance(place, Misconfigured) else await self._push(place, url, metadata, now)
        return Authorization(attempt=attempt, url=pushed) if isinstance(pushed, str) else pushed

    async def redeem(
        self, code: Code, attempt: Attempt, *, redirect_uri: str, now: float
    ) -> SignedIn | Fault:
        """Who signed in. A fault ends nothing and archives nobody (semantics §5.5), even Denied: show a refusal.

        Raises NotTrusted when the ID token is missing or fails a check, or userinfo is about somebody else.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code.value,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.code_verifier,
        }
        answer = await self._grant(form, now, is_refresh=False)
        if not isinstance(answer, TokenAnswer):
            return answer
        if answer.id_token is None:
            raise NotTrusted("id_token_missing")
        claims = await self._verify(answer, now, nonce=attempt.nonce, code=code.value)
        if not isinstance(claims, VerifiedClaims):
            return claims
        return await self._signed_in(claims, answer, now)

    async def refresh(self, session: Session, now: float) -> RefreshOutcome:
        """What the IdP says an hour later. The refresh token is sent at most once."""
        token = session.tokens.refresh_token
        if session.subject.issuer != self.rules.issuer:
            return AskAgain(code="subject_changed")
        if token is None:
            return AskAgain(code="no_refresh_token")
        form = {"grant_type": "refresh_token", "refresh_token": token}
        answer = await self._grant(form, now, is_refresh=True)
        if not isinstance(answer, TokenAnswer):
            return answer
        try:
            return await self._refreshed(session, answer, now)
        except NotTrusted as refusal:
            is_other_person = refusal.code in _SUBJECT_CODES
            return AskAgain(code="subject_changed") if is_other_person else Misconfigured(code=refusal.code)

    async def userinfo(self, access_token: str, now: float) -> Userinfo:
        """The claims that go with an access token; NOT_ASKED when the IdP has no such endpoint."""
        metadata = await self._documents.metadata(now)
        if not isinstance(metadata, Metadata):
            return Lookup.FAILED
        if metadata.userinfo_endpoint is None:
            return Lookup.NOT_ASKED
        answer = await self._proven.get(metadata.userinfo_endpoint, bearer=access_token)
        if not isinstance(answer, Answer):
            return Lookup.FAILED
        return read_userinfo(answer.status, answer.content_type, answer.body, answer.challenge)

    async def revoke(self, tokens: Tokens, now: float) -> bool:
        """Best effort (RFC 7009): True when the IdP agreed. The refresh token stands for its whole grant."""
        token = tokens.refresh_token or tokens.access_token
        metadata = await self._documents.metadata(now)
        if token is None or not isinstance(metadata, Metadata) or metadata.revocation_endpoint is None:
            return False
        hint = "refresh_token" if tokens.refresh_token else "access_token"
        form = {"token": token, "token_type_hint": hint}
        answer = await self._proven.post(metadata.revocation_endpoint, form, now)
        return isinstance(answer, Answer) and answer.status == 200

    async def logged_out(self, logout_token: str, now: float) -> LogoutToken | Unready:
        """Whom the IdP signed out (Back-Channel Logout 1.0). Raises NotTrusted for a token that fails a check."""

        def check(keys: KeySet) -> LogoutToken:
            return verify_logout_token(logout_token, keys, rules=self.rules, now=now)

        return await checked(self._documents, check, now)

    def client_keys(self) -> tuple[Mapping[str, str], ...] | None:
        """The public half of the key that proves us, to be fetched by the IdP; None where no key does."""
        return self._proven.proof.published()

    async def end_session_url(
        self, *, id_token_hint: str | None, post_logout_redirect_uri: str, state: str | None, now: float
    ) -> str | None:
        """Where a browser signs out of the IdP (RP-Initiated Logout 1.0 §2); None when the IdP offers no such place.

        A hint too long for a URL is left out; `client_id` says who asks.
        """
        metadata = await self._documents.metadata(now)
        if not isinstance(metadata, Metadata) or metadata.end_session_endpoint is None:
            return None
        hint = id_token_hint if id_token_hint and len(id_token_hint) <= _MOST_HINT else None
        parameters = {
            "client_id": self.rules.client_id,
            "post_logout_redirect_uri": post_logout_redirect_uri,
            **({"id_token_hint": hint} if hint else {}),
            **({"state": state} if state else {}),
        }
        return with_query(metadata.end_session_endpoint, parameters)

    async def _signed_in(self, claims: VerifiedClaims, answer: TokenAnswer, now: float) -> SignedIn | Trouble:
        userinfo = await self._lookup(claims, answer.access_token, now)
        identity = identity_of(claims, userinfo, self.rules, now=now)
        if identity.email is None and userinfo in (Lookup.FAILED, Lookup.REFUSED):
            return Trouble(detail="userinfo_failed")
        return SignedIn(
            identity=await self._with_groups(identity, now),
            tokens=merge_tokens(answer, None, now),
            idp_session=claims.idp_session,
            authentication=authentication_of(claims),
        )

    async def _refreshed(self, session: Session, answer: TokenAnswer, now: float) -> Refreshed | AskAgain:
        claims = await self._renewed_claims(answer, session.subject, now)
        userinfo = await self._lookup(claims, answer.access_token, now)
        if claims is None:
            if userinfo is Lookup.REFUSED:
                return AskAgain(code="userinfo_refused")
            answer = replace(answer, id_token=None)
            identity = identity_without_id_token(session.identity, userinfo, self.rules, now=now)
        else:
            identity = identity_of(claims, userinfo, self.rules, now=now, previous=session.identity)
        identity = await self._with_groups(identity, now)
        return Refreshed(identity=identity, tokens=merge_tokens(answer, session.tokens, now))

    async def _with_groups(self, identity: Identity, now: float) -> Identity:
        """With the directory's groups where none were stated; they are as old as the question."""
        if identity.groups is not NOT_STATED or self._group_directory is None:
            return identity
        groups = await self._group_directory.groups(
            identity.subject, identity.email, directory_id=identity.directory_id
        )
        if isinstance(groups, Unknown):
            return identity
        return replace(identity, groups=groups, stated_at=max(now, identity.stated_at))

    async def _renewed_claims(
        self, answer: TokenAnswer, subject: Subject, now: float
    ) -> VerifiedClaims | None:
        """The new ID token's claims; None when there is none, or no keys can be had to check it with."""
        if answer.id_token is None:
            return None
        claims = await self._verify(answer, now, nonce=None, expected_subject=subject)
        return claims if isinstance(claims, VerifiedClaims) else None

    async def _verify(
        self,
        answer: TokenAnswer,
        now: float,
        *,
        nonce: str | None,
        code: str | None = None,
        expected_subject: Subject | None = None,
    ) -> VerifiedClaims | Unready:
        """The checked ID token."""

        def check(keys: KeySet) -> VerifiedClaims:
            return verify_id_token(
                answer.id_token or "",
                keys,
                rules=self.rules,
                nonce=nonce,
                now=now,
                access_token=answer.access_token,
                code=code,
                expected_subject=expected_subject,
            )

        return await checked(self._documents, check, now, is_from_idp=True)

    async def _lookup(self, claims: VerifiedClaims | None, access_token: str, now: float) -> Userinfo:
        if not wants_userinfo(claims, self.rules):
            return Lookup.NOT_ASKED
        return await self.userinfo(access_token, now)

    async def _grant(self, form: Mapping[str, str], now: float, *, is_refresh: bool) -> TokenAnswer | Fault:
        metadata = await self._documents.metadata(now)
        if not isinstance(metadata, Metadata):
            return metadata
        answer = await self._proven.post(metadata.token_endpoint, form, now)
        if not isinstance(answer, Answer):
            return answer
        return classify(
            answer.status,
            answer.content_type,
            answer.body,
            answer.retry_after,
            self.rules,
            is_refresh=is_refresh,
        )

    async def _push(self, place: str, url: str, metadata: Metadata, now: float) -> str | Unready:
        """The request at the IdP, and a URL that only names it (RFC 9126 §4)."""
        form = form_of(url, metadata.authorization_endpoint)
        answer = await self._proven.post(place, form, now)
        if not isinstance(answer, Answer):
            return answer
        name = read_pushed(answer.status, answer.content_type, answer.body, answer.retry_after)
        if not isinstance(name, str):
            return name
        short = {"client_id": self.rules.client_id, "request_uri": name}
        return with_query(metadata.authorization_endpoint, short)

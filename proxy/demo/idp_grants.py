"""What the demo IdP issued: codes, grants, tokens, and its own browser sessions.

A refresh token is good once. A spent one shown again revokes its whole grant, as careful IdPs do (RFC 9700 §4.14.2):
two refreshes in parallel therefore end a session, which is what a test of single flight wants to see.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Grant:
    """What one sign-in gave one client; tokens rotate inside it.

    `scope` and `nonce` as asked for; times in epoch seconds.
    """

    id: str
    login: str
    scope: str
    nonce: str | None
    auth_time: float
    sid: str
    acr: str | None = None
    refresh_token: str | None = field(default=None, repr=False)
    refresh_expires_at: float | None = None
    is_revoked: bool = False
    token_calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code's terms; good once, for `expires_at`."""

    grant: Grant
    redirect_uri: str
    challenge: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An OAuth error answer (RFC 6749 §5.2)."""

    error: str
    description: str = ""
    status: int = 400

    def as_json(self) -> dict[str, str]:
        return {"error": self.error, **({"error_description": self.description} if self.description else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A browser signed in at the IdP itself; `acr` is what the sign-in was asked to be."""

    login: str
    auth_time: float
    sid: str
    acr: str | None = None


def challenge_of(verifier: str) -> str:
    """The S256 code challenge (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Grants:
    """All codes, grants and tokens; in memory, and as long as the object lives."""

    def __init__(self) -> None:
        self.all: dict[str, Grant] = {}
        self.visits: dict[str, Visit] = {}
        self._codes: dict[str, Code] = {}
        self._redeemed: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._access: dict[str, tuple[Grant, float]] = {}

    def sign_in(self, login: str, now: float, acr: str | None = None) -> tuple[str, Visit]:
        """A browser session at the IdP: its cookie value and its record."""
        visit = Visit(login=login, auth_time=now, sid=secrets.token_hex(8), acr=acr)
        cookie = secrets.token_urlsafe(24)
        self.visits[cookie] = visit
        return cookie, visit

    def forget_visits(self, login: str) -> None:
        self.visits = {cookie: visit for cookie, visit in self.visits.items() if visit.login != login}

    def issue_code(
        self,
        visit: Visit,
        *,
        scope: str,
        nonce: str | None,
        redirect_uri: str,
        challenge: str,
        expires_at: float,
    ) -> str:
        grant = Grant(
            id=secrets.token_hex(6),
            login=visit.login,
            scope=scope,
            nonce=nonce,
            auth_time=visit.auth_time,
            sid=visit.sid,
            acr=visit.acr,
        )
        self.all[grant.id] = grant
        code = secrets.token_urlsafe(24)
        self._codes[code] = Code(
            grant=grant, redirect_uri=redirect_uri, challenge=challenge, expires_at=expires_at
        )
        return code

    def redeem(self, code: str, *, verifier: str, redirect_uri: str, now: float) -> Grant | Fault:
        """The code's grant, once; a second use revokes what the first one gave (RFC 6749 §4.1.2)."""
        if code in self._redeemed:
            self._redeemed[code].is_revoked = True
            return Fault(error="invalid_grant", description="Code was used before")
        terms = self._codes.pop(code, None)
        if terms is None or terms.expires_at < now:
            return Fault(error="invalid_grant", description="Code not valid")
        if terms.redirect_uri != redirect_uri:
            return Fault(error="invalid_grant", description="Incorrect redirect_uri")
        if not hmac.compare_digest(terms.challenge, challenge_of(verifier)):
            return Fault(error="invalid_grant", description="PKCE verification failed")
        self._redeemed[code] = terms.grant
        return terms.grant

    def grant_of_refresh_token(self, token: str, now: float) -> Grant | Fault:
        """The grant this token may renew; a spent token revokes it. Spends nothing."""
        grant = self._refresh.get(token)
        if grant is None or grant.is_revoked:
            return Fault(error="invalid_grant", description="Invalid refresh token")
        if grant.refresh_token != token:
            grant.is_revoked = True
            return Fault(error="invalid_grant", description="Stale token")
        if grant.refresh_expires_at is not None and grant.refresh_expires_at < now:
            return Fault(error="invalid_grant", description="Token is not active")
        return grant

    def issue_refresh_token(self, grant: Grant, expires_at: float | None) -> str:
        """A new refresh token; the one before it is spent from now on."""
        grant.refresh_token = secrets.token_urlsafe(32)
        grant.refresh_expires_at = expires_at
        self._refresh[grant.refresh_token] = grant
        return grant.refresh_token

    def issue_access_token(self, grant: Grant, expires_at: float, token: str | None = None) -> str:
        """`token` is one that says something itself; else it is opaque."""
        token = token or secrets.token_urlsafe(32)
        self._access[token] = (grant, expires_at)
        return token

    def grant_of_access_token(self, token: str, now: float) -> Grant | None:
        found = self.access_of(token, now)
        return found[0] if found else None

    def access_of(self, token: str, now: float) -> tuple[Grant, float] | None:
        """The grant of a good access token, and until when it is good."""
        found = self._access.get(token)
        return found if found is not None and not found[0].is_revoked and found[1] >= now else None

    def revoke(self, token: str) -> None:
        """Revoke the grant of a refresh or access token; an unknown token is no error (RFC 7009 §2.2)."""
        grant = self._refresh.get(token) or self._access.get(token, (None, 0.0))[0]
        if grant is not None:
            grant.is_revoked = True

"""The control plane with fakes around it: an IdP that answers as told, arrivals that make sessions, a journal that listens."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from proxy.errors import NotTrusted
from proxy.gate.arrival import SignedIn
from proxy.identity import Identity, IdpId, Subject
from proxy.oidc.client import Authorization
from proxy.oidc.client import SignedIn as Redeemed
from proxy.oidc.documents import Unready
from proxy.oidc.flow import Attempt, Code, Prompt, begin
from proxy.oidc.keys import KeySet
from proxy.oidc.logout import LogoutToken, verify_logout_token
from proxy.oidc.metadata import Metadata
from proxy.oidc.outcome import Fault
from proxy.oidc.rules import IdpRules
from proxy.reasons import Reason
from proxy.session.codec import KeyRing, SealingKey
from proxy.session.cookie import new_cookie, session_key
from proxy.session.model import (
    AccountState,
    Authentication,
    Device,
    Misconfigured,
    Ready,
    Session,
    SessionKey,
    Tokens,
)
from proxy.session.policy import RefreshRules
from proxy.session.step_up import Demand
from proxy.web.application import make_application
from proxy.web.choosing import ChoosingRules
from proxy.web.leaving import LeavingRules
from proxy.web.parts import Site, WebParts
from proxy.web.ports import SignInFlow
from tests.fakes.people import identity, session
from tests.fakes.session_store import DictSessions

PUBLIC = "https://app.example.com"
NOW = 1000.0
NAVIGATE = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
SCRIPT = {"Sec-Fetch-Mode": "cors", "Accept": "application/json"}


def metadata(issuer: str) -> Metadata:
    return Metadata(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/authorize",
        token_endpoint=f"{issuer}/token",
        jwks_uri=f"{issuer}/jwks",
        is_issuer_in_answers=True,
    )


class FakeFlow:
    """One IdP. `unready`, `answer` and `distrust` say how it behaves; what it was asked is written down."""

    def __init__(self, idp: str = "corp", name: str = "Example Corp") -> None:
        issuer = f"https://{idp}.example.net"
        self.rules = IdpRules(id=IdpId(idp), name=name, issuer=issuer, client_id="muster")
        self.unready: Unready | None = None
        self.answer: Redeemed | Fault = Redeemed(
            identity=identity(idp=IdpId(idp)), tokens=Tokens(refresh_token="r1"), idp_session="sid"
        )
        self.distrust: str | None = None
        self.announces_issuer = True
        self.unknown_prompts: frozenset[Prompt] = frozenset()
        self.ends_at: str | None = f"{issuer}/end"
        self.redeemed: list[tuple[str, str]] = []
        self.revoked: list[Tokens] = []
        self.published: KeySet = ()
        self.hints: list[str | None] = []
        self.states: list[str | None] = []
        self.keys: tuple[Mapping[str, str], ...] | None = None

    def client_keys(self) -> tuple[Mapping[str, str], ...] | None:
        return self.keys

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
        if self.unready is not None:
            return self.unready
        if prompt in self.unknown_prompts:
            return Misconfigured(code="invalid_request")
        attempt, url = begin(
            self.rules,
            replace(metadata(self.rules.issuer), is_issuer_in_answers=self.announces_issuer),
            redirect_uri=redirect_uri,
            return_to=return_to,
            entropy=entropy,
            now=now,
            prompt=prompt,
            login_hint=login_hint,
            demand=demand,
        )
        return Authorization(attempt=attempt, url=url)

    async def redeem(
        self, code: Code, attempt: Attempt, *, redirect_uri: str, now: float
    ) -> Redeemed | Fault:
        self.redeemed.append((code.value, redirect_uri))
        if self.distrust is not None:
            raise NotTrusted(self.distrust, status=401)
        return self.answer

    async def revoke(self, tokens: Tokens, now: float) -> bool:
        self.revoked.append(tokens)
        return True

    async def logged_out(self, logout_token: str, now: float) -> LogoutToken | Unready:
        """By the keys in `published`, with every real check."""
        if self.unready is not None:
            return self.unready
        return verify_logout_token(logout_token, self.published, rules=self.rules, now=now)

    async def end_session_url(
        self, *, id_token_hint: str | None, post_logout_redirect_uri: str, state: str | None, now: float
    ) -> str | None:
        self.hints.append(id_token_hint)
        self.states.append(state)
        return self.ends_at


class FakeArrive:
    """Makes a session with `account`; every value of entropy is a new cookie."""

    def __init__(self, sessions: DictSessions) -> None:
        self.sessions = sessions
        self.account: AccountState = Ready(login="alice", account_id="7")
        self.replaced: list[SessionKey | None] = []
        self.continued: list[Session | None] = []
        self.failure: Exception | None = None

    async def sign_in(
        self,
        identity: Identity,
        tokens: Tokens,
        *,
        idp_session: str | None,
        replaces: SessionKey | None,
        continues: Session | None,
        device: Device,
        authentication: Authentication,
    ) -> SignedIn:
        if self.failure is not None:
            raise self.failure
        self.replaced.append(replaces)
        self.continued.append(continues)
        made, cookie = cookie_session(len(self.replaced) + 100)
        made = replace(
            made,
            identity=identity,
            idp=identity.idp,
            tokens=tokens,
            account=self.account,
            idp_session=idp_session,
            device=device,
            authentication=authentication,
        )
        await self.sessions.create(made, replaces=replaces)
        return SignedIn(session=made, cookie=cookie.encode())


def cookie_session(number: int = 1) -> tuple[Session, str]:
    """A session and the cookie value that opens it."""
    cookie = new_cookie(hashlib.sha256(str(number).encode()).digest())
    key = session_key(cookie.encode())
    assert key is not None
    return replace(session(), key=key), cookie


@dataclass
class FakeJournal:
    """Remembers what it heard."""

    failures: list[tuple[str, IdpId | None, str]] = field(default_factory=list)
    idp_failures: list[tuple[IdpId, Reason, str]] = field(default_factory=list)
    ended: list[SessionKey] = field(default_factory=list)
    idp_logouts: list[tuple[IdpId, Subject | None, int, str]] = field(default_factory=list)
    refused_logouts: list[str] = field(default_factory=list)
    ended_others: list[tuple[SessionKey, int]] = field(default_factory=list)
    bugs: list[BaseException] = field(default_factory=list)

    def sign_in_failed(self, code: str, *, idp: IdpId | None, peer: str) -> None:
        self.failures.append((code, idp, peer))

    def idp_failed(self, idp: IdpId, reason: Reason, detail: str) -> None:
        self.idp_failures.append((idp, reason, detail))

    def signed_out(self, session: Session) -> None:
        self.ended.append(session.key)

    def ended_by_person(self, session: Session, ended: int) -> None:
        self.ended_others.append((session.key, ended))

    def idp_logged_out(self, idp: IdpId, subject: Subject | None, ended: int, *, channel: str) -> None:
        self.idp_logouts.append((idp, subject, ended, channel))

    def logout_refused(self, code: str, *, peer: str) -> None:
        self.refused_logouts.append(code)

    def crashed(self, error: BaseException) -> str:
        self.bugs.append(error)
        return f"incident-{len(self.bugs)}"


class FakeRenew:
    """Renews as `answer` says; what it was asked is written down."""

    def __init__(self, sessions: DictSessions) -> None:
        self.sessions = sessions
        self.asked: list[tuple[SessionKey, bool]] = []
        self.answer: Callable[[Session], Session | None] = lambda session: session

    async def renew(self, key: SessionKey, *, is_forced: bool = False) -> Session | None:
        self.asked.append((key, is_forced))
        return self.answer(self.sessions.sessions[key])


class FakeReadiness:
    def __init__(self) -> None:
        self.is_ready = True

    async def ready(self) -> tuple[bool, dict[str, str]]:
        return self.is_ready, {"store": "ok" if self.is_ready else "down"}


class Entropy:
    """Never the same bytes twice."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, size: int) -> bytes:
        self.count += 1
        return hashlib.shake_256(str(self.count).encode()).digest(size)


class Control:
    """A control plane and everything around it at hand; on a socket while it is an open async context."""

    def __init__(
        self,
        *flows: FakeFlow,
        choosing: ChoosingRules | None = None,
        leaving: LeavingRules | None = None,
        real: SignInFlow | None = None,
        demands: frozenset[Demand] = frozenset(),
    ) -> None:
        """`real` takes the place of the first flow."""
        self.flows = flows or (FakeFlow(),)
        asked: tuple[SignInFlow, ...] = self.flows if real is None else (real, *self.flows[1:])
        self.sessions = DictSessions()
        self.arrive = FakeArrive(self.sessions)
        self.renew = FakeRenew(self.sessions)
        self.journal = FakeJournal()
        self.readiness = FakeReadiness()
        self.now = NOW
        self.parts = WebParts(
            site=Site(public_url=PUBLIC, is_cookie_secure=True),
            flows={flow.rules.id: flow for flow in asked},
            arrive=self.arrive,
            renew=self.renew,
            sessions=self.sessions,
            readiness=self.readiness,
            journal=self.journal,
            keys=KeyRing(keys=(SealingKey(secret=b"k" * 32),)),
            refresh=RefreshRules(),
            cookie_seconds=3600,
            clock=lambda: self.now,
            entropy=Entropy(),
            leaving=leaving or LeavingRules(),
            demands=demands,
            choosing=choosing or ChoosingRules(),
        )
        self.cookies: dict[str, str] = {}

    @property
    def flow(self) -> FakeFlow:
        return self.flows[0]

    async def __aenter__(self) -> Self:
        server = TestServer(make_application(self.parts))
        self._client = TestClient(server, cookie_jar=aiohttp.DummyCookieJar())
        await self._client.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        form: dict[str, str] | bytes | None = None,
    ) -> "Told":
        """One request with this browser's cookies, whose changes are kept. Navigates unless headers say otherwise."""
        sent = {**(NAVIGATE if headers is None else headers), "X-Muster-Peer": "192.0.2.7"}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self._client.request(
            method, path, headers=sent, data=form, allow_redirects=False
        ) as answer:
            told = Told(status=answer.status, headers=answer.headers.copy(), text=await answer.text())
        for line in told.set_cookies:
            name, _, value = line.split(";")[0].partition("=")
            self.cookies.pop(name, None)
            if "Max-Age=0" not in line:
                self.cookies[name] = value
        return told

    def sign_in_directly(self, session_number: int = 1) -> Session:
        """A browser with a session, as if it had signed in before."""
        made, cookie = cookie_session(session_number)
        self.sessions.sessions[made.key] = made
        self.cookies["__Host-muster"] = cookie
        return made

    def due_session(self) -> Session:
        """A browser whose session cannot be asked about without it: due, and no refresh token."""
        made = self.sign_in_directly()
        due = replace(made, tokens=Tokens(), due_at=self.now)
        self.sessions.sessions[made.key] = due
        return due

    async def begin(self, path: str = "/_muster/sign-in?return_to=%2Fwork") -> dict[str, str]:
        """Start an attempt; the parameters that the IdP was sent."""
        return (await self.ask(path)).query

    async def come_back(self, **parameters: str) -> "Told":
        """The callback with these parameters; `iss` is the first IdP's unless given."""
        given = {"iss": self.flow.rules.issuer, **parameters}
        return await self.ask(
            "/_muster/callback?" + "&".join(f"{name}={value}" for name, value in given.items())
        )

    def attempts(self) -> list[str]:
        return [name for name in self.cookies if "-a-" in name]


@dataclass(frozen=True)
class Told:
    """An answer, read whole."""

    status: int
    headers: CIMultiDict[str]
    text: str

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}

    @property
    def set_cookies(self) -> list[str]:
        return self.headers.getall("Set-Cookie", [])

"""An Identity arrived: start or continue a session, note it in the outbox. The two lines of the design meet here.

- Outbox and session are written together (`JointStore`): what should be is durable before anybody is told it worked.
- A sign-in visits the app inline, in the courier's reserved lane; the session carries what came of it.
- A removal is noted first and the sessions end at once; neither waits for the app. The courier ends them once more
  before it archives, so that whatever happened between, blocking came first (semantics §6.1).
- A bound member whose statement is refused stays as is, but for the deny list: that shuts them out as a removal does (§4.7).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from proxy.gate.ports import JointStore
from proxy.identity import NOT_STATED, Groups, Identity, IdpId, Subject
from proxy.provisioning.model import Binding, Entry, EntryState, Removed, Statement, Vouched
from proxy.provisioning.outbox import Bindings, Outbox
from proxy.provisioning.retry import is_the_apis
from proxy.reasons import Reason
from proxy.session import policy
from proxy.session.model import (
    AccountRefused,
    AccountState,
    Authentication,
    Device,
    Pending,
    Ready,
    Session,
    SessionKey,
    Tokens,
)
from proxy.session.step_up import continued
from proxy.session.store import Lease, SessionStore

UNKNOWN_DEVICE: Final = Device()
UNKNOWN_AUTHENTICATION: Final = Authentication()


class Lane(Protocol):
    """The courier, as an arriving person meets it."""

    async def visit_now(self, subject: Subject) -> AccountState:
        """Bring the app to agree now, within a few seconds; what the session is to carry."""

    def wake(self) -> None:
        """Something new is in the outbox."""


class Chronicle(Protocol):
    """Who hears of arrivals: audit, log, metrics."""

    def arrived(self, session: Session) -> None: ...

    def turned_away(self, identity: Identity, reason: Reason) -> None: ...

    def cleared(self, subject: Subject) -> None: ...

    def removed(self, subject: Subject, idp: IdpId, reason: Reason, marker: str, ended: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalRules:
    """`admit` is the statement's own refusal (groups/evaluate.py); `login_claim` names the app's login where there is no app API.

    `is_prefixed`: with several IdPs and no app API, logins are written `IDP:NAME`, or two people could share one.
    """

    refresh: policy.RefreshRules
    admit: Callable[[Identity], Reason | None]
    login_claim: str | None = None
    is_prefixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session under a new id; `cookie` is its value, to be set in the browser."""

    session: Session
    cookie: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalStores:
    """What an arrival writes to. `lane` and the outbox are None when no app API is configured."""

    sessions: SessionStore
    joint: JointStore
    outbox: Outbox
    bindings: Bindings
    lane: Lane | None


class Arrivals:
    """Starts, continues and removes. `new_cookie` gives a fresh cookie value and its session key."""

    def __init__(
        self,
        stores: ArrivalStores,
        rules: ArrivalRules,
        chronicle: Chronicle,
        *,
        new_cookie: Callable[[], tuple[bytes, SessionKey]],
        clock: Callable[[], float],
    ) -> None:
        self.stores = stores
        self._rules = rules
        self._chronicle = chronicle
        self._new_cookie = new_cookie
        self._clock = clock

    async def sign_in(
        self,
        identity: Identity,
        tokens: Tokens,
        *,
        idp_session: str | None,
        replaces: SessionKey | None,
        continues: Session | None = None,
        device: Device = UNKNOWN_DEVICE,
        authentication: Authentication = UNKNOWN_AUTHENTICATION,
    ) -> SignedIn:
        """A session for this identity, with the account's state after the app was visited. Raises Unavailable.

        `continues` is what a silent sign-in goes on with: of the same person it keeps its beginning, so that `session.absolute`
        holds however often nobody was asked, and what was proved then; of another it counts for nothing.
        """
        cookie, key = self._new_cookie()
        known = await self._with_known_groups(identity)
        session = replace(
            self._new_session(key, known, tokens, idp_session), device=device, authentication=authentication
        )
        if continues is not None and continues.subject == identity.subject:
            proved = continued(continues.authentication, authentication)
            session = replace(session, created_at=continues.created_at, authentication=proved)
        account = await self.account_before(identity)
        if self.stores.lane is None or not isinstance(account, Pending):
            session = replace(session, account=account)
            await self.stores.sessions.create(session, replaces=replaces)
        else:
            session = await self.with_visit(session, identity, self.stores.lane, replaces)
        if await self.stores.sessions.clear_suspicion(identity.subject):
            self._chronicle.cleared(identity.subject)
        self._chronicle.arrived(session)
        return SignedIn(session=session, cookie=cookie)

    async def renewed(self, session: Session, identity: Identity, *, lease: Lease, now: float) -> bool:
        """The IdP vouched again: statement and session in one write; the courier looks at the app again."""
        state = await self.account_before(identity)
        if self.stores.lane is None or not isinstance(state, Pending):
            account = _after_renewal(session.account, state)
            return await self.stores.sessions.save(replace(session, account=account), lease=lease)
        account = session.account if isinstance(session.account, Ready) else Pending()
        entry = await self.stores.joint.note_and_save(
            vouched(identity), replace(session, account=account), lease=lease, now=now
        )
        if entry is None:
            return False
        if entry.state is EntryState.DONE or is_the_apis(entry):
            # Evaluated again, though the same was said: what somebody changed by hand in the app is put right (§7.8), and
            # what its API said no to is tried. What an operator dropped stays dropped.
            await self.stores.outbox.reopen(entry.id, entry.state, now)
        self.stores.lane.wake()
        return True

    async def removed(
        self, subject: Subject, idp: IdpId, reason: Reason, *, marker: str, at: float, now: float
    ) -> None:
        """The IdP said no: noted durably, every session of the person ended at once, the courier woken."""
        entry = await self.stores.outbox.entry_of(subject)
        if self.stores.lane is not None and (entry or await self.stores.bindings.binding_of(subject)):
            if reason is Reason.IDP_DENIED:
                # The IdP's own no was heard after whatever it vouched for so far, however its clock stood then. A timer or
                # a directory is no such no: somebody who signed in while it was looked at said something newer.
                at = max(at, _vouched_at(entry, subject, idp))
            statement = Statement(source=idp, subject=subject, says=Removed(reason=reason), at=at)
            await self.stores.outbox.note(statement, now)
        ended = await self.stores.sessions.end_subject(subject, reason, now)
        if self.stores.lane is not None:
            self.stores.lane.wake()
        self._chronicle.removed(subject, idp, reason, marker, len(ended))

    async def account_before(self, identity: Identity) -> AccountState:
        """What the statement alone says: refused, ready without asking (no app API, or a member left as is), or to be visited."""
        refusal = self._rules.admit(identity)
        if self.stores.lane is None:
            return AccountRefused(reason=refusal) if refusal else self._by_claim(identity)
        if refusal is None:
            return Pending()
        binding = await self.stores.bindings.binding_of(identity.subject)
        self._chronicle.turned_away(identity, refusal)
        if refusal is Reason.DENY_LISTED and binding is not None and not binding.is_blocked:
            await self._shut_out(identity)
        if binding is None or binding.is_blocked or refusal is Reason.DENY_LISTED:
            return AccountRefused(reason=refusal)
        # A bound member whose statement becomes refused stays as is (semantics §4.7).
        return _ready(binding)

    async def _shut_out(self, identity: Identity) -> None:
        """A bound member who is on the deny list now: what was said of them is noted, which the courier takes for a reason
        to block and archive, and every session of theirs ends at once."""
        now = self._clock()
        entry = await self.stores.outbox.note(vouched(identity), now)
        await self.stores.outbox.reopen(entry.id, entry.state, now)
        ended = await self.stores.sessions.end_subject(identity.subject, Reason.DENY_LISTED, now)
        if self.stores.lane is not None:
            self.stores.lane.wake()
        self._chronicle.removed(identity.subject, identity.idp, Reason.DENY_LISTED, "", len(ended))

    async def with_visit(
        self, session: Session, identity: Identity, lane: Lane, replaces: SessionKey | None
    ) -> Session:
        """Noted, stored and visited; the session as the visit left it."""
        now = self._clock()
        entry = await self.stores.joint.note_and_create(
            vouched(identity), session, replaces=replaces, now=now
        )
        if entry.state is EntryState.DONE:
            # Somebody who arrives is looked at in the app even if nothing new was stated: they may be archived there.
            await self.stores.outbox.reopen(entry.id, EntryState.DONE, now)
        account = await lane.visit_now(session.subject)
        return await self.stores.sessions.load(session.key) or replace(session, account=account)

    async def _with_known_groups(self, identity: Identity) -> Identity:
        """With the last known groups of this source where the IdP stated none now (semantics §2)."""
        if identity.groups is not NOT_STATED:
            return identity
        entry = await self.stores.outbox.entry_of(identity.subject)
        return replace(identity, groups=_known_groups(entry, identity))

    def _new_session(
        self, key: SessionKey, identity: Identity, tokens: Tokens, idp_session: str | None
    ) -> Session:
        now = self._clock()
        return Session(
            key=key,
            subject=identity.subject,
            idp=identity.idp,
            identity=identity,
            account=Pending(),
            tokens=tokens,
            created_at=now,
            last_seen_at=now,
            refreshed_at=now,
            due_at=policy.due_at(tokens, now, self._rules.refresh),
            idp_session=idp_session,
        )

    def _by_claim(self, identity: Identity) -> AccountState:
        claims = {
            "email": identity.email if identity.is_email_verified else None,
            "username": identity.username,
            "sub": identity.subject.subject,
        }
        claim = self._rules.login_claim or "sub"
        login = claims.get(claim)
        if not login:
            missing = Reason.USERNAME_MISSING if claim == "username" else Reason.EMAIL_MISSING
            return AccountRefused(reason=missing)
        return Ready(login=f"{identity.idp}:{login}" if self._rules.is_prefixed else login)


def _after_renewal(before: AccountState, stated: AccountState) -> AccountState:
    return before if isinstance(before, Ready) and isinstance(stated, Ready) else stated


def _ready(binding: Binding) -> Ready:
    return Ready(login=binding.login, account_id=binding.account_id)


def vouched(identity: Identity) -> Statement:
    """The statement that an identity is, of its own time."""
    return Statement(
        source=identity.idp,
        subject=identity.subject,
        says=Vouched(identity=identity),
        at=identity.stated_at,
        known_groups=identity.groups,
    )


def _vouched_at(entry: Entry | None, subject: Subject, idp: IdpId) -> float:
    statements = entry.statements if entry else ()
    return max((one.at for one in statements if (one.source, one.subject) == (idp, subject)), default=0.0)


def _known_groups(entry: Entry | None, identity: Identity) -> Groups:
    for statement in entry.statements if entry else ():
        if statement.source == identity.idp and statement.subject == identity.subject:
            return statement.known_groups
    return NOT_STATED

"""An Identity arrived by a bearer token: as at a sign-in, but that a token never brings anybody back.

| the person                                          | then                                                                |
|-----------------------------------------------------|---------------------------------------------------------------------|
| blocked, or their IdP's last word is a removal      | refused, nothing noted: only a sign-in (or SCIM) undoes a removal   |
| bound                                               | noted; ready with what was last applied; the courier looks if it is new |
| not bound, and admitted                             | noted; the app is visited at once, as at a sign-in                  |
| refused by statement                                | as at a sign-in                                                     |

An access token often leaves out what the ID token says: attributes and groups then are those last stated. Where the IdP said
something newer about the person than the token is, that counts.
"""

from dataclasses import replace

from proxy.gate.arrival import Arrivals, vouched
from proxy.identity import NOT_STATED, Identity
from proxy.provisioning.model import Entry, Removed, Statement, Vouched
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, Pending, Ready, Session
from proxy.session.store import Lease


class BearerArrivals:
    """Starts and continues the sessions of tokens. Raises Unavailable when the store does not answer."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._stores = arrivals.stores

    async def shut(self, identity: Identity) -> Reason | None:
        """Why this person is shut out whatever the token says; None when they are not."""
        removal = _removal(_last(await self._stores.outbox.entry_of(identity.subject), identity))
        binding = await self._stores.bindings.binding_of(identity.subject)
        if binding is not None and binding.is_blocked:
            return removal or Reason.IDP_DENIED
        return removal

    async def begin(self, session: Session, *, now: float) -> Session:
        """The session, stored, with the account's state. `session.identity` is what the token says, and no more."""
        session, stated = await self._with_last_stated(session)
        account = await self._arrivals.account_before(stated)
        lane = self._stores.lane
        if lane is None or not isinstance(account, Pending):
            begun = replace(session, account=account)
            await self._stores.sessions.create(begun)
            return begun
        binding = await self._stores.bindings.binding_of(stated.subject)
        if binding is None or binding.is_blocked:
            return await self._arrivals.with_visit(session, stated, lane, None)
        begun = replace(session, account=Ready(login=binding.login, account_id=binding.account_id))
        await self._stores.joint.note_and_create(vouched(stated), begun, replaces=None, now=now)
        lane.wake()
        return begun

    async def renewed(self, session: Session, *, lease: Lease, now: float) -> None:
        """The token was looked at again and is good; a lost lease means that somebody else said so. As in `begin`."""
        refusal = await self.shut(session.identity)
        if refusal is not None:
            refused = replace(session, account=AccountRefused(reason=refusal))
            await self._stores.sessions.save(refused, lease=lease)
            return
        session, stated = await self._with_last_stated(session)
        await self._arrivals.renewed(session, stated, lease=lease, now=now)

    async def _with_last_stated(self, session: Session) -> tuple[Session, Identity]:
        """The session with what holds of the person, and the statement that the token makes."""
        last = _last(await self._stores.outbox.entry_of(session.subject), session.identity)
        stated = completed(session.identity, last)
        return replace(session, identity=newest(stated, last)), stated


def completed(identity: Identity, last: Statement | None) -> Identity:
    """With the attributes that the token leaves out as they were last stated; groups stay as stated or not."""
    if last is None or not isinstance(last.says, Vouched):
        return identity
    before = last.says.identity
    kept = replace(
        identity,
        name=identity.name or before.name,
        username=identity.username or before.username,
        hosted_domain=identity.hosted_domain or before.hosted_domain,
        directory_id=identity.directory_id or before.directory_id,
    )
    if identity.email is not None and identity.email.lower() != (before.email or "").lower():
        return kept
    is_verified = identity.is_email_verified or before.is_email_verified
    return replace(kept, email=before.email, is_email_verified=is_verified)


def newest(stated: Identity, last: Statement | None) -> Identity:
    """What holds of the person: the token's word or a newer one, with the last known groups where none are stated."""
    if last is None or not isinstance(last.says, Vouched):
        return stated
    word = last.says.identity if last.at > stated.stated_at else stated
    return replace(word, groups=last.known_groups) if word.groups is NOT_STATED else word


def _last(entry: Entry | None, identity: Identity) -> Statement | None:
    statements = entry.statements if entry else ()
    return next(
        (one for one in statements if (one.source, one.subject) == (identity.idp, identity.subject)), None
    )


def _removal(last: Statement | None) -> Reason | None:
    return last.says.reason if last is not None and isinstance(last.says, Removed) else None

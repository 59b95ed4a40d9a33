"""Brings somebody unbound to an account: searches, decides (`linking.py`), creates where that is decided, and binds.

What we set out to create is written down before the call. Whoever comes after a crash between creating and binding
finds an unbound account of exactly that login and address, and knows that it is ours.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

from proxy.identity import Identity
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.kit import Journal, Kit
from proxy.provisioning.linking import (
    LinkAccount,
    Linking,
    LinkRules,
    MakeAccount,
    RefuseAccount,
    TryLogin,
    choose,
    is_shareable,
    logins_for,
    sendable_logins,
)
from proxy.provisioning.model import (
    AccountId,
    Because,
    Binding,
    Create,
    Member,
    Profile,
    Step,
)
from proxy.provisioning.outbox import Claim
from proxy.provisioning.performing import Performer
from proxy.provisioning.retry import Again
from proxy.provisioning.rules import creation_limit
from proxy.provisioning.seats import release_seat, reserve_seat, settle_seat
from proxy.reasons import Reason

CREATION_WINDOW = 3600.0
SEARCHES = 8
"""More than this for one person means that the app answers nonsense."""

PATIENCE = 10
"""Attempts for which an account that may be ours, and does not show, is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Bound; the claim goes on under the account's key."""

    claim: Claim
    binding: Binding


@dataclass(frozen=True, slots=True)
class ClaimLost:
    """Somebody else carries the entry out now."""


Joining: TypeAlias = Joined | RefuseAccount | AppFault | Again | ClaimLost


class Joiner:
    """One attempt at an account for one identity."""

    def __init__(self, kit: Kit, claim: Claim, journal: Journal) -> None:
        self._kit = kit
        self._claim = claim
        self._journal = journal
        self._creating = claim.entry.creating
        self._taken: set[str] = set()
        self._made: set[str] = set()

    async def join(self, identity: Identity) -> Joining:
        """Bound, or why not. Whoever is refused after all gives back the seat that was kept for them."""
        joined = await self._join(identity)
        if isinstance(joined, RefuseAccount):
            await release_seat(self._kit, person_of(identity))
        return joined

    async def _join(self, identity: Identity) -> Joining:
        """Search, decide, and do it; a login that turns out to be taken is searched for once more."""
        login = self._creating or next(iter(sendable_logins(identity, self._kit.rules.link)), None)
        if login is None:
            return await self._without_login(identity)
        for _ in range(SEARCHES):
            chosen = await self._choose(identity, login)
            if isinstance(chosen, TryLogin):
                login = chosen.login
                continue
            if isinstance(chosen, MakeAccount) and (hidden := self._hidden(login)):
                return hidden
            done = await self._carry_out(identity, chosen)
            if done is not None:
                return done
        return AppRefusal(reason=Reason.APP_REFUSED, detail="the app's search contradicts its other answers")

    async def _without_login(self, identity: Identity) -> Joining:
        """An account of theirs may be there already, under whatever login; none is made."""
        chosen = await self._choose(identity, "")
        if isinstance(chosen, MakeAccount | TryLogin):
            return _no_login(identity, self._kit.rules.link)
        return await self._carry_out(identity, chosen) or _no_login(identity, self._kit.rules.link)

    def _hidden(self, login: str) -> RefuseAccount | AppTrouble | None:
        """The app has an account of this login, or so it said, and its search does not show it.

        If that may be ours it will show in a while; making another one could double it.
        """
        may_be_ours = self._claim.entry.creating == login and self._claim.entry.attempts < PATIENCE
        if login in self._made or (login in self._taken and may_be_ours):
            return AppTrouble(detail=f"the app made {login!r} and does not show it yet")
        if login in self._taken:
            return RefuseAccount(
                reason=Reason.LOGIN_TAKEN, detail=f"the app has {login!r} but does not show it"
            )
        return None

    async def _choose(self, identity: Identity, login: str) -> Linking | AppFault:
        found = await self._kit.view.search(identity, login)
        self._kit.checkpoint("searched")
        if isinstance(found, AppTrouble | AppRefusal):
            return found
        rules = await self._link_rules()
        if not isinstance(rules, LinkRules):
            return rules
        bindings = {one.id: await self._others(one.id, identity) for one in found}
        return choose(identity, found, bindings, rules, login=login, creating=self._creating)

    async def _link_rules(self) -> LinkRules | AppFault:
        """The account behind our own token is protected, listed or not."""
        own = await self._kit.view.own_account()
        if isinstance(own, AppTrouble | AppRefusal):
            return own
        rules = self._kit.rules.link
        return rules if own is None else replace(rules, protected=rules.protected | {own.id})

    async def _others(self, account: AccountId, identity: Identity) -> tuple[Binding, ...]:
        bound = await self._kit.bindings.bindings_of_account(account)
        return tuple(one for one in bound if one.subject != identity.subject)

    async def _carry_out(
        self, identity: Identity, chosen: MakeAccount | LinkAccount | RefuseAccount | AppFault
    ) -> Joining | None:
        """None: the login was taken meanwhile, or the new account is to be looked up; search again."""
        match chosen:
            case MakeAccount(login=login):
                return await self._make(identity, login)
            case LinkAccount(member=member, is_ours=is_ours):
                return await self._bind(identity, member, is_new=is_ours)
            case RefuseAccount() | AppTrouble() | AppRefusal():
                return chosen
            case _:
                assert_never(chosen)

    async def _make(self, identity: Identity, login: str) -> Joining | None:
        if refusal := self._may_not_make():
            return refusal
        if over := await self._over_the_limit(identity):
            return over
        person = person_of(identity)
        if full := await reserve_seat(self._kit, person):
            return full
        if not await self._kit.outbox.set_creating(self._claim, login):
            return ClaimLost()
        self._kit.checkpoint("creating")
        profile = Profile(login=login, email=identity.email, name=identity.name)
        because = Because(
            reason=Reason.PLANNED, about="create", cause=f"{identity.idp} vouches, no account yet"
        )
        result = await Performer(self._kit, self._journal).call(
            Step(operation=Create(profile=profile), because=because), None
        )
        if isinstance(result, AppRefusal) and result.reason is Reason.LOGIN_TAKEN:
            self._taken.add(login)
            return None
        if isinstance(result, AppRefusal):
            await release_seat(self._kit, person)
        if isinstance(result, AppTrouble | AppRefusal):
            return result
        self._creating = login
        self._made.add(login)
        return None if result.account is None else await self._bind(identity, result.account, is_new=True)

    def _may_not_make(self) -> RefuseAccount | None:
        if not self._kit.rules.link.join.is_auto_join:
            return RefuseAccount(reason=Reason.NOT_INVITED, detail="joining by oneself is off")
        if not self._kit.rules.is_provisioning_on:
            return RefuseAccount(reason=Reason.PROVISIONING_OFF, detail="provisioning is switched off")
        return None

    async def _over_the_limit(self, identity: Identity) -> Again | None:
        made = await self._kit.counters.reserve_creation(
            person_of(identity), self._kit.clock(), window=CREATION_WINDOW
        )
        allowed = creation_limit(self._kit.rules, await self._kit.bindings.count_members())
        if made <= allowed:
            return None
        detail = f"the limit of {allowed} new accounts an hour is reached; {made - allowed} more people wait"
        self._journal.write("alarm", Reason.CREATION_LIMIT, cause=detail)
        return Again(after=45.0, reason=Reason.CREATION_LIMIT, detail=detail)

    async def _bind(self, identity: Identity, member: Member, *, is_new: bool) -> Joining:
        """The role a new account came with counts as granted by us: nobody else gave it."""
        others = await self._others(member.id, identity)
        if others and not is_shareable(identity, others, self._kit.rules.link):
            return RefuseAccount(
                reason=Reason.BOUND_TO_ANOTHER, detail=f"account {member.login!r} is bound already"
            )
        binding = Binding(
            subject=identity.subject,
            account_id=member.id,
            login=member.login,
            granted_role=member.role if is_new else None,
        )
        self._kit.checkpoint("before bind")
        claim = await self._kit.outbox.bind(self._claim, binding)
        self._kit.checkpoint("after bind")
        if claim is None:
            return ClaimLost()
        if member.is_active:
            await settle_seat(self._kit, person_of(identity), member.id)
        self._journal.account = member.id
        cause = "created for them" if is_new else f"the address {identity.email} is theirs"
        self._journal.write("bind", Reason.LINKED, cause=cause, after=member.login)
        return Joined(claim=claim, binding=binding)


def _no_login(identity: Identity, rules: LinkRules) -> RefuseAccount:
    made = logins_for(identity, rules.logins)
    if not made:
        return RefuseAccount(reason=Reason.APP_REFUSED, detail="no login can be made of what the IdP states")
    detail = f"of {', '.join(map(repr, made))} none can be sent to the app unchanged (headers.user_encoding)"
    return RefuseAccount(reason=Reason.LOGIN_NOT_SENDABLE, detail=detail)


def person_of(identity: Identity) -> str:
    """Whom a reservation is made for."""
    return f"{identity.subject.issuer} {identity.subject.subject}"

"""An app with an admin API, in memory: it keeps accounts and groups, remembers every call, and fails when told to."""

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from proxy.groups.rules import AppGroupName, RoleName
from proxy.provisioning.app_admin import AppFault, AppRefusal, Capabilities, Performed
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Archive,
    Create,
    CreateGroup,
    GroupId,
    Join,
    Leave,
    Member,
    Operation,
    Restore,
    SetProfile,
    SetRole,
)
from proxy.provisioning.performing import operation_name
from proxy.reasons import Reason

FULL = Capabilities(can_create_group=True, can_set_role=True, can_set_profile=True, can_read_self=True)


@dataclass
class FakeApp:
    """`faults` holds, per call name, answers to give instead of doing anything; `lost` those to give after doing it.

    `gate`, when set, is waited for before every call. `shows_groups` False: members carry no groups. `says_created`
    False: a create answers nothing but yes. `hides_new`: what is created does not show. `is_stubborn`: changes of an
    account are agreed to and not kept.
    """

    capabilities: Capabilities = FULL
    default_role: RoleName | None = None
    shows_groups: bool = True
    unique_emails: bool = True
    says_created: bool = True
    hides_new: bool = False
    is_stubborn: bool = False
    accounts: dict[AccountId, Member] = field(default_factory=dict)
    group_list: dict[GroupId, AppGroup] = field(default_factory=dict)
    memberships: dict[GroupId, set[AccountId]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    performed: list[Operation] = field(default_factory=list)
    faults: dict[str, deque[AppFault]] = field(default_factory=dict)
    lost: dict[str, deque[AppFault]] = field(default_factory=dict)
    forever: dict[str, AppFault] = field(default_factory=dict)
    hidden: set[AccountId] = field(default_factory=set)
    gate: asyncio.Event | None = None
    in_flight: int = 0
    most_in_flight: int = 0
    own: AccountId | None = None

    def add(
        self,
        login: str,
        *,
        email: str | None = "",
        is_active: bool = True,
        is_admin: bool = False,
        role: str | None = None,
        groups: tuple[str, ...] = (),
    ) -> Member:
        """An account made by hand; `email` "" means LOGIN@example.com."""
        member = Member(
            id=AccountId(str(len(self.accounts) + 1)),
            login=login,
            email=f"{login}@example.com" if email == "" else email,
            name=login.title(),
            is_active=is_active,
            is_admin=is_admin,
            role=RoleName(role) if role else self.default_role,
        )
        self.accounts[member.id] = member
        for name in groups:
            self.memberships[self.group(name).id].add(member.id)
        return member

    def group(self, name: str) -> AppGroup:
        """The group of this name, made if need be."""
        for group in self.group_list.values():
            if group.name == name:
                return group
        return self.add_group(name)

    def add_group(self, name: str) -> AppGroup:
        group = AppGroup(id=GroupId(f"g{len(self.group_list) + 1}"), name=AppGroupName(name))
        self.group_list[group.id] = group
        self.memberships[group.id] = set()
        return group

    def fail(self, call: str, *faults: AppFault) -> None:
        self.faults.setdefault(call, deque()).extend(faults)

    def lose(self, call: str, *faults: AppFault) -> None:
        """Do it, and answer as if it had failed."""
        self.lost.setdefault(call, deque()).extend(faults)

    def groups_of(self, login: str) -> set[str]:
        member = self.by_login(login)
        return {
            self.group_list[one].name for one, members in self.memberships.items() if member.id in members
        }

    def by_login(self, login: str) -> Member:
        (found,) = [member for member in self.accounts.values() if member.login == login]
        return self.shown(found)

    def shown(self, member: Member) -> Member:
        own = frozenset(one for one, members in self.memberships.items() if member.id in members)
        return replace(member, groups=own if self.shows_groups else None)

    # --- the port -----------------------------------------------------------------------------------------------

    async def account(self, account: AccountId) -> Member | AppFault | None:
        if fault := await self._called("account"):
            return fault
        found = None if account in self.hidden else self.accounts.get(account)
        return None if found is None else self.shown(found)

    async def search(self, *, email: str | None, login: str | None) -> tuple[Member, ...] | AppFault:
        if fault := await self._called("search"):
            return fault
        wanted = (email or "").lower()
        return tuple(
            self.shown(one)
            for one in self.accounts.values()
            if one.id not in self.hidden
            and ((wanted and (one.email or "").lower() == wanted) or (login and one.login == login))
        )

    async def groups(self) -> tuple[AppGroup, ...] | AppFault:
        return await self._called("groups") or tuple(self.group_list.values())

    async def members(self, group: GroupId) -> tuple[AccountId, ...] | AppFault:
        return await self._called("members") or tuple(sorted(self.memberships[group]))

    async def list_accounts(self) -> tuple[Member, ...] | AppFault:
        if fault := await self._called("list_accounts"):
            return fault
        return tuple(self.shown(one) for one in self.accounts.values())

    async def whoami(self) -> Member | AppFault | None:
        if fault := await self._called("whoami"):
            return fault
        return self.accounts[self.own] if self.own else None

    async def perform(self, operation: Operation) -> Performed | AppFault:
        name = operation_name(operation)
        if fault := await self._called(name):
            return fault
        done = self._do(operation)
        if isinstance(done, Performed):
            self.performed.append(operation)
        if waiting := self.lost.get(name):
            return waiting.popleft()
        return done

    # ------------------------------------------------------------------------------------------------------------

    async def _called(self, name: str) -> AppFault | None:
        self.calls.append(name)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.gate is not None:
                await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.in_flight -= 1
        if waiting := self.faults.get(name):
            return waiting.popleft()
        return self.forever.get(name)

    def _do(self, operation: Operation) -> Performed | AppFault:
        match operation:
            case Create():
                return self._create(operation)
            case CreateGroup(name=name):
                return Performed(group=self.add_group(name))
            case Restore(account=account):
                return self._change(account, is_active=True)
            case Archive(account=account):
                return self._change(account, is_active=False)
            case SetRole(account=account, role=role):
                return self._change(account, role=role)
            case SetProfile(account=account, email=email, name=name):
                return self._change(account, email=email, name=name)
            case Join(account=account, group=group):
                return self._move(account, group, is_in=True)
            case Leave(account=account, group=group):
                return self._move(account, group, is_in=False)

    def _create(self, operation: Create) -> Performed | AppFault:
        profile = operation.profile
        for one in self.accounts.values():
            if one.login == profile.login or (self.unique_emails and one.email == profile.email):
                return AppRefusal(reason=Reason.LOGIN_TAKEN, detail="login has already been taken")
        made = self.add(profile.login, email=profile.email)
        self.hidden |= {made.id} if self.hides_new else set()
        return Performed(account=self.shown(made) if self.says_created else None)

    def _change(self, account: AccountId, **changes: Any) -> Performed | AppFault:
        if account not in self.accounts:
            return AppRefusal(reason=Reason.ACCOUNT_GONE, detail="no such account")
        if not self.is_stubborn:
            self.accounts[account] = replace(self.accounts[account], **changes)
        return Performed()

    def _move(self, account: AccountId, group: AppGroup, *, is_in: bool) -> Performed | AppFault:
        if group.id not in self.memberships or account not in self.accounts:
            return AppRefusal(reason=Reason.ACCOUNT_GONE, detail="no such group or account")
        (self.memberships[group.id].add if is_in else self.memberships[group.id].discard)(account)
        return Performed()

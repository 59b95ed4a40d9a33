"""Carries operations out through an app's admin API. What is so already counts as done; nothing is retried here."""

import secrets
from dataclasses import replace
from typing import Final

from proxy.apps.accounts import Accounts, cannot
from proxy.apps.api import AdminApi, Asked
from proxy.apps.capabilities import capabilities_of
from proxy.apps.expression import Expression, Unread, is_so
from proxy.apps.naming import suited, values_of
from proxy.apps.preset import OperationName
from proxy.apps.reading import read_group, read_id, read_item
from proxy.apps.replacing import Replaces, Replacing, Unchanged, busy, gone, lock_name
from proxy.apps.requests import CreateRequest, MembershipWrite, Write
from proxy.apps.template import Json, Values
from proxy.apps.verdict import Done
from proxy.errors import Unavailable
from proxy.groups.rules import AppGroupName
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble, Performed
from proxy.provisioning.locks import Locks
from proxy.provisioning.model import (
    AccountId,
    Archive,
    Create,
    CreateGroup,
    Join,
    Leave,
    Member,
    Operation,
    Profile,
    Restore,
    SetProfile,
    SetRole,
)
from proxy.reasons import Reason

NAMES: Final[dict[type[Operation], OperationName]] = {
    Create: "create",
    Restore: "restore",
    Archive: "archive",
    SetProfile: "set_profile",
    SetRole: "set_role",
    Join: "join",
    Leave: "leave",
    CreateGroup: "create_group",
}


class Operations:
    """Performs operations on the accounts and groups of one app."""

    def __init__(self, api: AdminApi, accounts: Accounts, locks: Locks) -> None:
        self._api = api
        self._accounts = accounts
        self._replacing = Replacing(accounts, locks)
        self._limits = capabilities_of(api.preset).name_limits

    async def perform(self, operation: Operation) -> Performed | AppFault:
        name = NAMES[type(operation)]
        request: Write | None = getattr(self._api.preset, name)
        match operation:
            case _ if request is None:
                reason = Reason.NO_ARCHIVE if name == "archive" else Reason.APP_REFUSED
                return cannot(name.replace("_", " "), reason=reason)
            case Create(profile=profile) if isinstance(request, CreateRequest):
                return await self._create(request, profile)
            case SetProfile():
                return await self._set_profile(request, operation)
            case SetRole(role=role) if self._is_unknown_role(role):
                return AppRefusal(reason=Reason.APP_REFUSED, detail=f"the preset knows no role “{role}”")
            case Join() | Leave() if isinstance(request, MembershipWrite) and request.replaces:
                return await self._replace(request, request.replaces, operation)
            case _:
                return await self._write(request, operation)

    async def _replace(
        self, request: MembershipWrite, replaces: Replaces, operation: Join | Leave
    ) -> Performed | AppFault:
        try:
            async with self._replacing.locks.hold(lock_name(replaces, operation)):
                wanted = await self._replacing.wanted(replaces, operation)
                match wanted:
                    case Unchanged():
                        return Performed()
                    case dict():
                        return await self._write(request, operation, wanted)
                    case _:
                        return wanted
        except Unavailable as error:
            return busy(error)

    async def _write(
        self, request: Write, operation: Operation, further: Values | None = None
    ) -> Performed | AppFault:
        known = await self._known(request, operation)
        if not isinstance(known, dict):
            return known
        asked = await self._api.ask(request, {**known, **(further or {})}, operation=NAMES[type(operation)])
        verdict = asked.verdict
        if not isinstance(verdict, Done):
            return await self._looked(operation, verdict) if _may_look(request, asked) else verdict
        if isinstance(operation, CreateGroup):
            return await self._made_group(request.answer, operation.name, verdict)
        return Performed()

    async def _known(self, request: Write, operation: Operation) -> dict[str, Json] | AppFault:
        """What may stand in the request; the login as the app has it now, where only the account's id is at hand."""
        known = values_of(operation, self._api.preset.set_role, self._limits)
        account = getattr(operation, "account", None)
        names = {name for template in request.templates() for name in template.names}
        if account is None or "login" not in names or known.get("login"):
            return known
        found = await self._accounts.account(account)
        return {**known, "login": found.login} if isinstance(found, Member) else found or gone(account)

    def _is_unknown_role(self, role: str) -> bool:
        request = self._api.preset.set_role
        return request is not None and request.value_of(role) is None

    # --- accounts -------------------------------------------------------------------------------------------------

    async def _create(self, request: CreateRequest, asked_for: Profile) -> Performed | AppFault:
        profile = suited(request, asked_for)
        if profile is None:
            return AppRefusal(
                reason=Reason.APP_REFUSED, detail=f"the app can have no login like {asked_for.login!r}"
            )
        values = {
            **values_of(Create(profile=profile), limits=self._limits),
            "random_password": _password(),
        }
        asked = await self._api.ask(request, values, operation="create")
        verdict = asked.verdict
        if not isinstance(verdict, Done):
            return await self._in_the_way(profile, verdict) if _may_look(request, asked) else verdict
        if is_so(request.taken_when, verdict.document):
            return AppRefusal(reason=Reason.LOGIN_TAKEN, detail=f"the app made nobody of {profile.login!r}")
        return await self._made_account(request.answer, profile, verdict)

    async def _made_account(
        self, answer: Expression | None, profile: Profile, done: Done
    ) -> Performed | AppFault:
        """The new account, read again by its id: the app may have changed what we sent."""
        try:
            item = read_item(answer, done.document) if answer else None
            account = AccountId(read_id(self._api.preset.member.id, item)) if item is not None else None
        except Unread as error:
            return AppTrouble(detail=f"the new account cannot be read: {error}")
        found = await (self._accounts.account(account) if account else self._by_login(profile.login))
        match found:
            case Member():
                return Performed(account=found)
            case None:
                return AppTrouble(detail="the app made an account that it does not show")
            case _:
                return found

    async def _by_login(self, login: str) -> Member | AppFault | None:
        found = await self._accounts.search(email=None, login=login)
        if not isinstance(found, tuple):
            return found
        return next((member for member in found if self._accounts.has_login(member, login)), None)

    async def _in_the_way(self, profile: Profile, refusal: AppFault) -> AppFault:
        """The refusal, by what the app shows: the login is somebody's, or the address is, or it is something else."""
        found = await self._accounts.search(email=profile.email, login=profile.login)
        if not isinstance(found, tuple):
            return found
        if any(self._accounts.has_login(member, profile.login) for member in found):
            return AppRefusal(reason=Reason.LOGIN_TAKEN, detail=refusal.detail)
        if found:
            return replace(refusal, detail=f"{refusal.detail} (account {found[0].id} has the e-mail address)")
        return refusal

    async def _set_profile(self, request: Write, operation: SetProfile) -> Performed | AppFault:
        """What is not stated stays as the app has it, so that a request may always hold both."""
        if operation.email is None and operation.name is None:
            return Performed()
        if operation.email is not None and operation.name is not None:
            return await self._write(request, operation)
        now = await self._accounts.account(operation.account)
        if not isinstance(now, Member):
            return now or gone(operation.account)
        whole = replace(operation, email=operation.email or now.email, name=operation.name or now.name)
        return await self._write(request, whole)

    # --- looking again --------------------------------------------------------------------------------------------

    async def _looked(self, operation: Operation, refusal: AppFault) -> Performed | AppFault:
        """Done when the app shows that it is so; else its refusal."""
        match operation:
            case Join() | Leave():
                return await self._looked_at_membership(operation, refusal)
            case Archive(account=account) | Restore(account=account):
                is_wanted = isinstance(operation, Restore)
                found = await self._accounts.account(account)
                if not isinstance(found, Member):
                    return found or gone(account)
                return Performed() if found.is_active is is_wanted else refusal
            case SetProfile(account=account) | SetRole(account=account):
                found = await self._accounts.account(account)
                return refusal if isinstance(found, Member) else found or gone(account)
            case CreateGroup(name=name):
                return await self._found_group(name, refusal)
            case _:
                return refusal

    async def _looked_at_membership(self, operation: Join | Leave, refusal: AppFault) -> Performed | AppFault:
        found = await self._accounts.account(operation.account)
        if not isinstance(found, Member):
            return found or gone(operation.account)
        if found.groups is not None:
            is_in = operation.group.id in found.groups
        else:
            members = await self._accounts.members(operation.group.id)
            if not isinstance(members, tuple):
                return members
            is_in = operation.account in members
        return Performed() if is_in is isinstance(operation, Join) else refusal

    async def _made_group(
        self, answer: Expression | None, name: AppGroupName, done: Done
    ) -> Performed | AppFault:
        listing = self._api.preset.groups
        if answer is None or listing is None:
            return await self._found_group(
                name, AppTrouble(detail=f"the app does not show the new group “{name}”")
            )
        try:
            return Performed(group=read_group(listing, read_item(answer, done.document)))
        except Unread as error:
            return AppTrouble(detail=f"the new group cannot be read: {error}")

    async def _found_group(self, name: AppGroupName, otherwise: AppFault) -> Performed | AppFault:
        groups = await self._accounts.groups()
        if not isinstance(groups, tuple):
            return groups
        found = next((group for group in groups if group.name == name), None)
        return Performed(group=found) if found else otherwise


def _may_look(request: Write, asked: Asked) -> bool:
    """After a refusal; and after a plain 500, which some apps answer for what is not there."""
    is_no = isinstance(asked.verdict, AppRefusal) or asked.status == 500
    return is_no and asked.status in request.look_on


def _password() -> Json:
    """A password that nobody knows: 32 random bytes, with a sign of each class that apps demand."""
    return f"Aa1!{secrets.token_urlsafe(32)}"

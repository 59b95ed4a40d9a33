"""Reads accounts and groups of an app through its admin API: what *is*."""

from dataclasses import dataclass, field

from proxy.apps.api import AdminApi
from proxy.apps.expression import Expression, Unread, is_so
from proxy.apps.reading import Sketch, read_group, read_id, read_item, read_member, read_sketch
from proxy.apps.requests import AccountRequest
from proxy.apps.template import Json, Values
from proxy.apps.verdict import Done, about_nobody
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.model import AccountId, AppGroup, GroupId, Member
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One account as the app wrote it."""

    item: Json = field(repr=False)


class Accounts:
    """Accounts and groups as the app shows them now."""

    def __init__(self, api: AdminApi) -> None:
        self._api = api
        self._preset = api.preset

    async def account(self, account: AccountId) -> Member | AppFault | None:
        """None only for a status that the preset names; an answer about somebody else is trouble."""
        request = self._preset.account
        asked = await self._api.ask(request, {"account": account})
        if asked.status is not None and asked.status in request.gone:
            return None
        if isinstance(asked.verdict, Done) and is_so(request.gone_when, asked.verdict.document):
            return None
        item = await self._with_lists(request, account, asked.verdict)
        member = self._member(item)
        if isinstance(member, Member) and member.id != account:
            return AppTrouble(detail=f"asked for account {account}, the app answered with {member.id}")
        return member

    async def whoami(self) -> Member | AppFault | None:
        request = self._preset.whoami
        if request is None:
            return None
        asked = await self._api.ask(request, {})
        verdict = about_nobody(asked.verdict, asked.status)
        if isinstance(verdict, Done) and is_so(request.nobody, verdict.document):
            return None
        item = _item(request.item, verdict)
        return await self._reread_self(item) if request.reread else self._member(item)

    async def _reread_self(self, item: Found | AppFault) -> Member | AppFault:
        if not isinstance(item, Found):
            return item
        try:
            account = AccountId(read_id(self._preset.member.id, item.item))
        except Unread as error:
            return AppTrouble(detail=f"the account behind the credential: {error}")
        return await self.account(account) or AppTrouble(detail=f"account {account} is ours, and not there")

    async def _with_lists(
        self, request: AccountRequest, account: AccountId, verdict: Done | AppFault
    ) -> Found | AppFault:
        """The account with the lists that the app keeps elsewhere."""
        found = _item(request.item, verdict)
        for name, listing in request.also.items():
            if not isinstance(found, Found) or not isinstance(found.item, dict):
                return found
            items = await self._api.whole_list(listing, {"account": account})
            found = Found(item={**found.item, name: items}) if isinstance(items, list) else items
        return found

    async def search(self, *, email: str | None, login: str | None) -> tuple[Member, ...] | AppFault:
        """Every request of the preset that can be made, filtered exactly; one account once."""
        known: Values = {"email": email or None, "login": login or None}
        found: dict[AccountId, Json] = {}
        for request in self._preset.search.requests:
            if not all(
                template.is_known({**self._api.variables, **known}) for template in request.templates()
            ):
                continue
            items = await self._api.whole_list(request, known, none=request.gone)
            matches = self._matches(items, email, login) if isinstance(items, list) else items
            if not isinstance(matches, dict):
                return matches
            found.update(matches)
        return (
            await self._reread(tuple(found))
            if self._preset.search.reread
            else self._members([*found.values()])
        )

    def _matches(
        self, items: list[Json], email: str | None, login: str | None
    ) -> dict[AccountId, Json] | AppTrouble:
        try:
            sketches = [(read_sketch(self._preset.member, item), item) for item in items]
        except Unread as error:
            return AppTrouble(detail=f"the list of accounts: {error}")
        return {sketch.id: item for sketch, item in sketches if self._fits(sketch, email, login)}

    def _fits(self, sketch: Sketch, email: str | None, login: str | None) -> bool:
        has_email = email and sketch.email is not None and lower(sketch.email) == lower(email)
        return bool(has_email or (login and self.has_login(sketch, login)))

    def has_login(self, member: Member | Sketch, login: str) -> bool:
        """Whether the app counts both as the same login."""
        if self._preset.search.login_ignores_case:
            return lower(member.login) == lower(login)
        return member.login == login

    async def groups(self) -> tuple[AppGroup, ...] | AppFault:
        listing = self._preset.groups
        if listing is None:
            return cannot("list groups")
        items = await self._api.whole_list(listing, {})
        if not isinstance(items, list):
            return items
        try:
            groups = {group.id: group for group in (read_group(listing, item) for item in items)}
        except Unread as error:
            return AppTrouble(detail=f"the list of groups: {error}")
        return tuple(groups.values())

    async def listed(self) -> tuple[Member, ...] | AppFault:
        """Every account of the preset's list, once."""
        listing = self._preset.accounts
        if listing is None:
            return cannot("list accounts")
        items = await self._api.whole_list(listing, {})
        if not isinstance(items, list):
            return items
        shape = listing.member or self._preset.member
        try:
            found = {member.id: member for member in (read_member(shape, item) for item in items)}
        except Unread as error:
            return AppTrouble(detail=f"the list of accounts: {error}")
        return tuple(found.values())

    async def members(self, group: GroupId) -> tuple[AccountId, ...] | AppFault:
        listing = self._preset.members
        if listing is None:
            return cannot("list the members of a group")
        items = await self._api.whole_list(listing, {"group": group})
        if not isinstance(items, list):
            return items
        try:
            return tuple(dict.fromkeys(AccountId(read_id(listing.id, item)) for item in items))
        except Unread as error:
            return AppTrouble(detail=f"the members of group {group}: {error}")

    def _member(self, item: Found | AppFault) -> Member | AppFault:
        if not isinstance(item, Found):
            return item
        try:
            return read_member(self._preset.member, item.item)
        except Unread as error:
            return AppTrouble(detail=f"an account of the app cannot be read: {error}")

    def _members(self, items: list[Json]) -> tuple[Member, ...] | AppTrouble:
        try:
            return tuple(read_member(self._preset.member, item) for item in items)
        except Unread as error:
            return AppTrouble(detail=f"an account of the app cannot be read: {error}")

    async def _reread(self, accounts: tuple[AccountId, ...]) -> tuple[Member, ...] | AppFault:
        """Each by its id, because the list shows less; whoever vanished meanwhile is left out."""
        members: list[Member] = []
        for account in accounts:
            found = await self.account(account)
            if isinstance(found, Member):
                members.append(found)
            elif found is not None:
                return found
        return tuple(members)


def _item(expression: Expression | None, verdict: Done | AppFault) -> Found | AppFault:
    if not isinstance(verdict, Done):
        return verdict
    try:
        return Found(item=read_item(expression, verdict.document))
    except Unread as error:
        return AppTrouble(detail=f"an account of the app cannot be read: {error}")


def lower(text: str) -> str:
    """ASCII letters in lower case, all else as it is: case folding would make `ſ` an `s`, and an address another person's."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def cannot(what: str, *, reason: Reason = Reason.APP_REFUSED) -> AppRefusal:
    return AppRefusal(reason=reason, detail=f"the preset does not say how to {what}")

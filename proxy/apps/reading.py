"""Members and groups out of an app's answers. Half an answer is not believed: Unread says what is missing."""

from dataclasses import dataclass

from proxy.apps.expression import Expression, Unread
from proxy.apps.preset import MemberShape
from proxy.apps.requests import GroupListing
from proxy.apps.template import Json
from proxy.groups.rules import AppGroupName, RoleName
from proxy.provisioning.model import AccountId, AppGroup, GroupId, Member


def read_items(expression: Expression, document: Json) -> list[Json]:
    """The list that an answer holds; something that is no list is no empty list."""
    found = expression.read(document)
    if not isinstance(found, list):
        raise Unread(f"“{expression.source}” is no list")
    return found


def read_item(expression: Expression | None, document: Json) -> Json:
    return document if expression is None else expression.read(document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """As much of an account as a list must show to find it."""

    id: AccountId
    login: str
    email: str | None


def read_sketch(shape: MemberShape, item: Json) -> Sketch:
    return Sketch(
        id=AccountId(read_id(shape.id, item)),
        login=read_id(shape.login, item),
        email=_optional_text(shape.email, item),
    )


def read_member(shape: MemberShape, item: Json) -> Member:
    """The Member that one account of the app shows."""
    if not isinstance(item, dict):
        raise Unread("the answer holds no account")
    missing = [key for key in shape.required if key not in item]
    if missing:
        raise Unread(f"the account lacks “{missing[0]}”")
    role = _optional_text(shape.role, item)
    return Member(
        id=AccountId(read_id(shape.id, item)),
        login=read_id(shape.login, item),
        email=_optional_text(shape.email, item),
        name=_optional_text(shape.name, item),
        is_active=_truth(shape.active, item),
        is_admin=_truth(shape.admin, item) if shape.admin else False,
        role=RoleName(role) if role else None,
        groups=_groups(shape, item),
    )


def read_group(listing: GroupListing, item: Json) -> AppGroup:
    return AppGroup(id=GroupId(read_id(listing.id, item)), name=AppGroupName(read_id(listing.name, item)))


def read_id(expression: Expression, item: Json) -> str:
    """A text or whole number as text; nothing else names anything."""
    found = expression.read(item)
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        raise Unread(f"“{expression.source}” is neither a text nor a number")
    return str(found)


def _optional_text(expression: Expression | None, item: Json) -> str | None:
    found = expression.read(item) if expression else None
    if found is not None and not isinstance(found, str | int):
        raise Unread(f"“{expression.source if expression else ''}” is no text")
    return str(found).strip() or None if found is not None else None


def _truth(expression: Expression, item: Json) -> bool:
    found = expression.read(item)
    if not isinstance(found, bool):
        raise Unread(f"“{expression.source}” is neither true nor false")
    return found


def _groups(shape: MemberShape, item: Json) -> frozenset[GroupId] | None:
    """None where the app does not show them."""
    found = shape.groups.read(item) if shape.groups else None
    if shape.groups is None or found is None:
        return None
    if not isinstance(found, list):
        raise Unread(f"“{shape.groups.source}” is no list")
    return frozenset(GroupId(read_id(shape.group_id, each)) for each in found)

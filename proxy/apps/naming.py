"""What is known about a person or membership when an operation is rendered, and which logins a newcomer may get."""

from dataclasses import replace
from typing import assert_never

from proxy.apps.requests import CreateRequest, RoleWrite
from proxy.apps.template import Json
from proxy.login import UserEncoding, sent_as
from proxy.provisioning.app_admin import UNLIMITED, NameLimits
from proxy.provisioning.model import (
    Archive,
    Create,
    CreateGroup,
    Join,
    Leave,
    Operation,
    Profile,
    Restore,
    SetProfile,
    SetRole,
)


def values_of(
    operation: Operation, role: RoleWrite | None = None, limits: NameLimits = UNLIMITED
) -> dict[str, Json]:
    """The placeholders of an operation; None where nothing is known."""
    match operation:
        case Create(profile=profile):
            return {"login": profile.login, **person_values(profile.email, profile.name, limits)}
        case Restore() | Archive():
            return {"account": operation.account}
        case SetProfile():
            return {"account": operation.account, **person_values(operation.email, operation.name, limits)}
        case SetRole():
            value = role.value_of(operation.role) if role else None
            return {"account": operation.account, "role": operation.role, "role_value": value}
        case Join() | Leave():
            return membership_values(operation)
        case CreateGroup():
            return {"group_name": operation.name}
        case _:
            assert_never(operation)


def membership_values(operation: Join | Leave) -> dict[str, Json]:
    return {
        "account": operation.account,
        "login": operation.login or None,
        "group": operation.group.id,
        "group_name": operation.group.name,
    }


def person_values(email: str | None, name: str | None, limits: NameLimits = UNLIMITED) -> dict[str, Json]:
    """Name parts for apps that demand them, cut to what the app keeps; None where there is none."""
    first, last = limits.parts(name or "")
    return {
        "email": email or None,
        "name": limits.kept(name or "") or None,
        "first_name": first or None,
        "last_name": last or None,
    }


def suited(request: CreateRequest, profile: Profile) -> Profile | None:
    """The profile under the login asked for, or, when the app cannot have that, under the first pattern's that it can.

    None when there is none. Nothing is cut or transliterated: that would make two people's logins equal. Instead of an ASCII
    login there is none with other letters: the identity header may not be able to carry it.
    """
    encoding = UserEncoding.ASCII if profile.login.isascii() else UserEncoding.UTF_8
    known: dict[str, Json] = {
        "username": profile.login or None,
        "email": profile.email or None,
        "email_local": (profile.email or "").partition("@")[0] or None,
    }
    made = (pattern.text(known) for pattern in request.logins if pattern.is_known(known))
    sendable = (each for each in made if sent_as(each, encoding) is not None)
    login = next((each for each in (profile.login, *sendable) if request.login.takes(each)), None)
    return replace(profile, login=login) if login else None

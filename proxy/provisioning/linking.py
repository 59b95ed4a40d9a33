"""Which account somebody unbound gets: one to be made, one that exists, or none (semantics §1.2–1.4).

| the app shows | then |
|---|---|
| an unbound account of exactly the login and address we set out to create | ours: a crash came between creating and binding |
| no account of the address, the login free | create |
| no account of the address, the login somebody else's | the next login pattern, else refused (login taken) |
| no account of the address, no login that a header can carry | refused (login not sendable) |
| one account of the address | link, if it may be linked; else refused with the reason |
| several accounts of the address | refused: which one is meant, nobody said |

May be linked: the address is verified (or its IdP trusted), in an allowed domain, equal to the account's; the account
is not protected and not bound, unless the operator lets a second IdP link across.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from proxy.groups.evaluate import admit
from proxy.groups.rules import JoinRules
from proxy.identity import Identity
from proxy.login import UserEncoding, sent_as
from proxy.provisioning.model import AccountId, Binding, Member
from proxy.reasons import Reason

_SLOT = re.compile(r"\{(username|email|email_local)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRules:
    """`protected` are account ids, logins or addresses; `logins` are templates in the order they are tried.

    `user_encoding` says which logins the app can be told of: a newcomer gets no other.
    """

    join: JoinRules = field(default_factory=JoinRules)
    protected: frozenset[str] = frozenset()
    logins: tuple[str, ...] = ("{username}", "{email_local}", "{email}")
    may_link_by_email: bool = True
    may_link_across: bool = False
    user_encoding: UserEncoding = UserEncoding.ASCII


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeAccount:
    """No account is theirs, and this login is free."""

    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAccount:
    """This account is theirs. `is_ours`: we made it and were stopped before binding it."""

    member: Member
    is_ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLogin:
    """The login looked for is somebody else's; look for this one."""

    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseAccount:
    """No account for them, and why."""

    reason: Reason
    detail: str = ""


Linking: TypeAlias = MakeAccount | LinkAccount | TryLogin | RefuseAccount


def choose(
    identity: Identity,
    found: tuple[Member, ...],
    bindings: Mapping[AccountId, tuple[Binding, ...]],
    rules: LinkRules,
    *,
    login: str,
    creating: str | None = None,
) -> Linking:
    """See the table. `found` answers a search for the address and for `login`; `bindings` are those of all found."""
    of_address = [member for member in found if _same_address(identity.email, member.email)]
    ours = [one for one in of_address if one.login == creating and not bindings.get(one.id)]
    if len(ours) == 1 and not is_protected(ours[0], rules.protected):
        return LinkAccount(member=ours[0], is_ours=True)
    if len(of_address) > 1:
        return RefuseAccount(
            reason=Reason.AMBIGUOUS_ACCOUNT, detail=f"{len(of_address)} accounts have the address"
        )
    if of_address:
        return _link(identity, of_address[0], bindings.get(of_address[0].id, ()), rules)
    if any(_same_login(login, member.login) for member in found):
        return _next_login(identity, login, rules)
    return MakeAccount(login=login)


def sendable_logins(identity: Identity, rules: LinkRules) -> tuple[str, ...]:
    """The logins to try, in order: those that the app can be told of as they are (`proxy/login.py`)."""
    every = logins_for(identity, rules.logins)
    return tuple(login for login in every if sent_as(login, rules.user_encoding) is not None)


def logins_for(identity: Identity, templates: Iterable[str]) -> tuple[str, ...]:
    """Every login that can be made, in order; a template whose field the IdP does not state is left out.

    `{username}`, `{email}` and `{email_local}` (the part before the @) are replaced; nothing else is special.
    """
    email = identity.email or ""
    fields = {"username": identity.username or "", "email": email, "email_local": email.partition("@")[0]}
    filled = (_fill(template, fields) for template in templates)
    return tuple(dict.fromkeys(login for login in filled if login))


def is_protected(member: Member, protected: frozenset[str]) -> bool:
    """Listed by account id, login or address; logins and addresses in any case."""
    names = {_lower(name) for name in protected}
    return (
        member.id in protected or _lower(member.login) in names or _lower(member.email or "") in names - {""}
    )


def _link(identity: Identity, member: Member, bound: tuple[Binding, ...], rules: LinkRules) -> Linking:
    if reason := admit(identity, rules.join):
        return RefuseAccount(reason=reason)
    if not rules.may_link_by_email:
        return RefuseAccount(
            reason=Reason.NOT_INVITED,
            detail=f"account {member.login!r} has the address; linking by e-mail is off",
        )
    if is_protected(member, rules.protected):
        return RefuseAccount(reason=Reason.PROTECTED_ACCOUNT, detail=f"account {member.login!r} is protected")
    if bound and not is_shareable(identity, bound, rules):
        return RefuseAccount(
            reason=Reason.BOUND_TO_ANOTHER, detail=f"account {member.login!r} is bound already"
        )
    return LinkAccount(member=member)


def is_shareable(identity: Identity, bound: tuple[Binding, ...], rules: LinkRules) -> bool:
    """A second IdP may join an account where the operator said so; a second person of the same IdP never."""
    return rules.may_link_across and all(one.subject.issuer != identity.subject.issuer for one in bound)


def _next_login(identity: Identity, taken: str, rules: LinkRules) -> Linking:
    logins = sendable_logins(identity, rules)
    after = logins[logins.index(taken) + 1 :] if taken in logins else ()
    if after:
        return TryLogin(login=after[0])
    return RefuseAccount(reason=Reason.LOGIN_TAKEN, detail=f"login {taken!r} is somebody else's")


def _fill(template: str, fields: Mapping[str, str]) -> str:
    """The template filled in one pass, or "" when a field it names is not stated."""
    slots = _SLOT.findall(template)
    if not all(fields[slot] for slot in slots):
        return ""
    return _SLOT.sub(lambda found: fields[found[1]], template).strip()


def _same_address(stated: str | None, shown: str | None) -> bool:
    """Equal but for the case of ASCII letters. Full case folding would make `ſ` an `s`: another person's address."""
    return bool(stated) and bool(shown) and _lower(stated or "") == _lower(shown or "")


def _same_login(wanted: str, shown: str) -> bool:
    return _lower(wanted) == _lower(shown)


def _lower(text: str) -> str:
    """ASCII letters in lower case, everything else as it is."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)

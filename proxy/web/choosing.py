"""Which IdP a browser is sent to: asked for, chosen by an address, continued with, remembered, or chosen by the person.

| first that holds                                                    | answer                |
|---------------------------------------------------------------------|-----------------------|
| the link names an IdP that is listed but not the enforced one       | NotAllowed            |
| the link names a listed one                                         | Go there              |
| only one may be used (one is listed, or one is enforced)            | Go there              |
| the address (written on the page, or the link's `login_hint`) is in a domain of one | Go there |
| the session that a silent sign-in or a step-up goes on with is of one | Go there            |
| the operator said `last_used: go`, and this browser used one before | Go there, unless the link says to ask |
| otherwise                                                           | Ask, the last used one first |

An IdP that is not listed is no IdP: the rest of the table decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from proxy.groups.evaluate import email_domain
from proxy.identity import IdpId

MOST_HINT: Final = 320
"""Characters of an address: 64 before the @, 255 after it (RFC 5321 §4.5.3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoosingRules:
    """The operator's word. `domains` by A-label; `goes_to_last`: no page where the browser used an IdP before.

    `own_callbacks` are the IdPs whose answers come to an address of their own (RFC 9700 §4.4).
    """

    enforced: IdpId | None = None
    goes_to_last: bool = False
    domains: Mapping[str, IdpId] = field(default_factory=dict)
    own_callbacks: frozenset[IdpId] = frozenset()

    def allows(self, idp: IdpId) -> bool:
        return self.enforced in (None, idp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a request says about the IdP: by link, by address, by the session to go on with, by a cookie; `must_ask`: by none."""

    asked: IdpId | None = None
    address: str | None = None
    continued: IdpId | None = None
    last: IdpId | None = None
    must_ask: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """To this IdP."""

    idp: IdpId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The person, who is shown these, the last used one first."""

    idps: tuple[IdpId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAllowed:
    """Nobody signs in with this IdP while another one is enforced."""

    idp: IdpId


Choice: TypeAlias = Go | Ask | NotAllowed


def choose(listed: Sequence[IdpId], rules: ChoosingRules, wish: Wish) -> Choice:
    """The table above. `listed` in the operator's order."""
    usable = tuple(idp for idp in listed if rules.allows(idp))
    if wish.asked in listed and wish.asked is not None:
        return Go(idp=wish.asked) if wish.asked in usable else NotAllowed(idp=wish.asked)
    if len(usable) == 1:
        return Go(idp=usable[0])
    remembered = wish.last if rules.goes_to_last and not wish.must_ask else None
    for idp in (by_address(wish.address, rules), wish.continued, remembered):
        if idp in usable and idp is not None:
            return Go(idp=idp)
    return Ask(idps=tuple(sorted(usable, key=lambda idp: idp != wish.last)))


def by_address(address: str | None, rules: ChoosingRules) -> IdpId | None:
    """The IdP whose domain this address is in, matched exactly."""
    domain = None if address is None else email_domain(address)
    return None if domain is None else rules.domains.get(domain)


def safe_hint(text: str | None) -> str | None:
    """A `login_hint` that may go on to an IdP: one printable line, not long; anything else is none."""
    hint = (text or "").strip()
    return hint if hint and hint.isprintable() and len(hint) <= MOST_HINT else None

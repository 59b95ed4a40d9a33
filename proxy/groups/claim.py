"""Reads groups out of any claim, with three values: a list, none, not stated (semantics §2).

| the claim at the first path that is there                  | result                                   |
|------------------------------------------------------------|------------------------------------------|
| a string                                                   | a list of one, or split by `separator`   |
| an empty string, list or object                            | known to be empty                        |
| a list of strings                                          | these                                    |
| a list of objects with `name`, `displayName`, `display` or `value` | these names                      |
| an object, or a list of objects whose values are objects   | the keys (Zitadel: role → {org: domain}) |
| some entries readable, some not (numbers, nested lists)    | the readable ones, with a note           |
| entries, but none readable; a number; true                 | NOT_STATED                               |
| named in `_claim_names`, or `hasgroups` (Entra's overage)  | NOT_STATED                               |
| no path is there, or it is null                            | by `is_absent_empty`                     |

The first path that answers is the answer, even if it cannot be read: a second path must not pass for the whole
set. Names are NFC with surrounding white space removed; empty names are dropped; names that no UTF-8 can carry
(lone surrogates) are unreadable. Nothing here raises, whatever JSON it is given.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

from proxy.identity import NOT_STATED, GroupName, Groups

_NAME_KEYS: Final = ("name", "displayName", "display", "value")


class _Missing(Enum):
    MISSING = "missing"


MISSING: Final = _Missing.MISSING
"""No such claim; told apart from one that is null."""

Found: TypeAlias = object | Literal[_Missing.MISSING]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRules:
    """Where one IdP states groups. `paths` are tried in order; `separator` splits a single string."""

    paths: tuple[str, ...] = ("groups",)
    separator: str | None = None
    is_absent_empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimReading:
    """What was read, at which path (None: at no path), and a note for `explain` where it was not plain."""

    groups: Groups
    path: str | None = None
    note: str | None = None


def read_groups(claims: Mapping[str, object], rules: ClaimRules) -> Groups:
    """The groups alone; see `explain_groups`."""
    return explain_groups(claims, rules).groups


def explain_groups(claims: Mapping[str, object], rules: ClaimRules) -> ClaimReading:
    """The groups that these claims state, with the path that answered."""
    for path in rules.paths:
        value = find_claim(claims, path)
        if value is not MISSING and value is not None:
            return _read_value(value, path, rules.separator)
        if _is_overage(claims, path):
            return ClaimReading(groups=NOT_STATED, path=path, note="overage: the IdP left the list out")
    return _absent(rules)


def find_claim(claims: object, path: str) -> Found:
    """The value at a path, or MISSING: the literal key first, then dotted.

    A dotted path may cross keys that hold dots themselves (`resource_access.my.client.roles`): the longest key wins
    where several would do.
    """
    if not isinstance(claims, Mapping):
        return MISSING
    if path in claims:
        literal: object = claims[path]
        return literal
    return next(_below(claims, path), MISSING)


def _below(claims: Mapping[str, object], path: str) -> Iterator[object]:
    dots = [at for at, character in enumerate(path) if character == "."]
    for at in reversed(dots):
        found = find_claim(claims.get(path[:at]), path[at + 1 :])
        if found is not MISSING:
            yield found


def _absent(rules: ClaimRules) -> ClaimReading:
    if rules.paths and rules.is_absent_empty:
        return ClaimReading(groups=frozenset(), note="absent, which this IdP means as none")
    return ClaimReading(groups=NOT_STATED, note="absent")


def _is_overage(claims: Mapping[str, object], path: str) -> bool:
    """The IdP says that the claim exists but is elsewhere (OpenID Connect Core §5.6.2; Entra above 200 groups)."""
    elsewhere = claims.get("_claim_names")
    if isinstance(elsewhere, Mapping) and (path in elsewhere or path.partition(".")[0] in elsewhere):
        return True
    return path == "groups" and claims.get("hasgroups") in (True, "true")


def _read_value(value: object, path: str, separator: str | None) -> ClaimReading:
    entries = list(_entries(value, separator))
    names = [name for name in entries if name is not None]
    if entries and not names:
        return ClaimReading(groups=NOT_STATED, path=path, note="nothing readable in this claim")
    ignored = len(entries) - len(names)
    note = f"{ignored} unreadable entries ignored" if ignored else None
    return ClaimReading(groups=frozenset(GroupName(name) for name in names if name), path=path, note=note)


def _entries(value: object, separator: str | None) -> Iterator[str | None]:
    """One name for each entry: "" for a blank one, None for an unreadable one."""
    match value:
        case str():
            yield from map(_clean, value.split(separator) if separator else (value,))
        case Mapping():
            yield from map(_clean, _names_in(value) or value)
        case list() | tuple():
            for entry in value:
                yield from _entry(entry)
        case _:
            yield None


def _entry(entry: object) -> Iterator[str | None]:
    match entry:
        case str():
            yield _clean(entry)
        case Mapping():
            yield from map(_clean, _names_in(entry) or _keys_of_objects(entry) or (None,))
        case _:
            yield None


def _names_in(entry: Mapping[object, object]) -> tuple[object, ...]:
    """The name an object gives itself, as a tuple of one; empty when it gives none."""
    stated = (entry[key] for key in _NAME_KEYS if isinstance(entry.get(key), str))
    return tuple(stated)[:1]


def _keys_of_objects(entry: Mapping[object, object]) -> tuple[object, ...]:
    return tuple(entry) if all(isinstance(value, Mapping) for value in entry.values()) else ()


def _clean(name: object) -> str | None:
    if not isinstance(name, str) or not is_encodable(name):
        return None
    return unicodedata.normalize("NFC", name).strip()


def is_encodable(text: str) -> bool:
    """No lone surrogates, which JSON can spell and no header, database or page can carry."""
    return not any("\ud800" <= character <= "\udfff" for character in text)

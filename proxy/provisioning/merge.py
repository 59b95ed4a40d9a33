"""How statements about one person become one record: the latest of each source; silence takes nothing away.

| held for this source | arrives | what is held then |
|---|---|---|
| nothing | anything | the new one |
| at 10 | at 9, or the same `(at, seq)` again | as before: an older statement never replaces a newer one |
| groups {a} | vouched, groups {b} | groups {b}, stated |
| groups {a} | vouched, groups not stated | the new one, `known_groups` {a}, not stated since then or earlier |
| groups {a} | removed | removed, `known_groups` {a}: kept for the day the person comes back |

A source is one IdP speaking of one subject. Sources are never compared with each other: their clocks are
their own (semantics §9.3), and one never takes away what another grants (§9.1).
"""

from dataclasses import replace
from typing import TypeAlias

from proxy.identity import NOT_STATED, IdpId, Subject
from proxy.provisioning.model import Statement, Vouched

Statements: TypeAlias = tuple[Statement, ...]
"""At most one per source and subject, ordered by them, so that equal contents are equal tuples."""


def merge_statement(statements: Statements, new: Statement) -> Statements | None:
    """The statements after `new`, or None when it is not newer than what its source said before.

    `new.seq` must be the store's number already: it decides between statements of the same time.
    """
    held = next((one for one in statements if _source(one) == _source(new)), None)
    if held is not None and _order(new) <= _order(held):
        return None
    others = tuple(one for one in statements if one is not held)
    return tuple(sorted((*others, _carrying(held, new)), key=_source))


def merge_entries(a: Statements, b: Statements) -> Statements:
    """The latest of each source of both: what an account's entry holds once a subject's is re-keyed into it.

    The result does not depend on the order of the arguments.
    """
    sources = sorted({_source(one) for one in (*a, *b)})
    return tuple(_latest([one for one in (*a, *b) if _source(one) == source]) for source in sources)


def says_the_same(a: Statements, b: Statements) -> bool:
    """Whether both ask the same of the app: times, sequence numbers and the wish to state groups apart.

    Falling silent about groups asks for nothing new, because the last known set stands.
    """
    return tuple(map(_asks, sorted(a, key=_source))) == tuple(map(_asks, sorted(b, key=_source)))


def _source(statement: Statement) -> tuple[IdpId, Subject]:
    return statement.source, statement.subject


def _order(statement: Statement) -> tuple[float, int]:
    return statement.at, statement.seq


def _carrying(held: Statement | None, new: Statement) -> Statement:
    """`new` with the source's last known groups where it states none itself."""
    if isinstance(new.says, Vouched) and new.says.identity.groups is not NOT_STATED:
        return replace(new, known_groups=new.says.identity.groups, not_stated_since=None)
    known = held.known_groups if held else new.known_groups
    since = held.not_stated_since if held else new.not_stated_since
    if since is None and isinstance(new.says, Vouched):
        since = new.at
    return replace(new, known_groups=known, not_stated_since=since)


def _latest(of_one_source: list[Statement]) -> Statement:
    """The newest; it keeps an older one's groups when it never knew any itself."""
    ordered = sorted(of_one_source, key=_order)
    newest = ordered[-1]
    if newest.known_groups is NOT_STATED:
        return replace(newest, known_groups=ordered[0].known_groups)
    return newest


def _asks(statement: Statement) -> Statement:
    """The statement reduced to what it asks of the app."""
    says = statement.says
    if isinstance(says, Vouched):
        says = Vouched(identity=replace(says.identity, groups=statement.known_groups, stated_at=0.0))
    return replace(statement, says=says, at=0.0, seq=0, not_stated_since=None)

"""What an operator's word about one person is as statements (semantics §6.6).

Archiving by hand puts a removal in place of every source's word, dated as if that source had spoken now by its own clock:
what was said before does not undo it, and the next time that source vouches, by a sign-in, does. Taking it back puts the word
itself in its place again, as the newest of the same time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from proxy.identity import IdpId, Subject
from proxy.provisioning.model import Removed, Statement, Vouched
from proxy.reasons import Reason

Source: TypeAlias = tuple[IdpId, Subject]


def removals(statements: Iterable[Statement], times: Mapping[Source, float]) -> tuple[Statement, ...]:
    """A removal for each source that vouches. `times`: now by that source's clock, where anybody knows it."""
    return tuple(
        replace(
            one,
            says=Removed(reason=Reason.ENDED_BY_OPERATOR),
            at=max(one.at, times.get(source_of(one), one.at)),
        )
        for one in statements
        if isinstance(one.says, Vouched)
    )


def restorations(statements: Iterable[Statement], kept: Iterable[Statement]) -> tuple[Statement, ...]:
    """What was kept of each source whose word is still the operator's; an IdP's own no stands."""
    by_hand = {source_of(one): one.at for one in statements if is_by_hand(one)}
    return tuple(
        replace(one, at=by_hand[source_of(one)])
        for one in kept
        if isinstance(one.says, Vouched) and source_of(one) in by_hand
    )


def is_by_hand(statement: Statement) -> bool:
    """Whether an operator removed the person, not an IdP."""
    return isinstance(statement.says, Removed) and statement.says.reason is Reason.ENDED_BY_OPERATOR


def source_of(statement: Statement) -> Source:
    return statement.source, statement.subject

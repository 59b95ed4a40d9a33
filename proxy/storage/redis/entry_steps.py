"""What becomes of an outbox entry: pure functions from the entry as it was to the entry as it is then.

| the merged statements | the entry was | it is then |
|---|---|---|
| say the same as before | anything | in the same state and version; only the times are written |
| say something else | done, parked, held, dropped | open, next version, since now, its attempts forgotten |
| say something else | open | open since when it was, next version, to be tried now |

`version` in the arguments is the one that a courier carried out. Where the entry has another by now, a newer statement came,
and the entry stays open for it.
"""

from dataclasses import dataclass, replace

from proxy.identity import Subject
from proxy.provisioning.merge import merge_entries, says_the_same
from proxy.provisioning.model import AccountId, Entry, EntryState, Statement
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An entry as it is kept: `asking` is the subject while it asks for an account, None once it is an account's.

    What is bulk work waits behind everything that somebody stated.
    """

    entry: Entry
    asking: Subject | None
    is_bulk: bool = False


def begun(
    entry_id: int, account: AccountId | None, asking: Subject, statements: tuple[Statement, ...], now: float
) -> Kept:
    """A person's first entry: the account's where they are bound."""
    entry = Entry(
        id=entry_id,
        account_id=account,
        statements=statements,
        state=EntryState.OPEN,
        version=1,
        next_attempt_at=now,
        since=now,
    )
    return Kept(entry=entry, asking=asking if account is None else None)


def restated(kept: Kept, merged: tuple[Statement, ...], now: float) -> Kept:
    """With these statements; see the module's table."""
    entry = kept.entry
    if says_the_same(entry.statements, merged):
        return _with(kept, statements=merged)
    opened = _with(
        kept,
        statements=merged,
        state=EntryState.OPEN,
        version=entry.version + 1,
        attempts=0,
        next_attempt_at=now,
        reason=None,
        detail="",
        since=entry.since if entry.state is EntryState.OPEN else now,
    )
    return replace(opened, is_bulk=False)


def acknowledged(kept: Kept, version: int, now: float) -> Kept:
    """Done; or still open, to be tried at once."""
    is_latest = kept.entry.version == version
    return _with(
        kept,
        state=EntryState.DONE if is_latest else EntryState.OPEN,
        since=now if is_latest else kept.entry.since,
        attempts=0,
        next_attempt_at=now,
        reason=None,
        detail="",
        creating=None,
    )


def put_back(kept: Kept, version: int, *, at: float, reason: Reason, detail: str) -> Kept:
    """To be tried again at `at`; at once where a newer statement came meanwhile."""
    return _with(
        kept,
        attempts=kept.entry.attempts + 1,
        next_attempt_at=at if kept.entry.version == version else kept.entry.next_attempt_at,
        reason=reason,
        detail=detail,
    )


def laid_aside(kept: Kept, version: int, state: EntryState, *, reason: Reason, detail: str) -> Kept:
    """Parked or held; left open where a newer statement came meanwhile."""
    return _with(
        kept,
        state=state if kept.entry.version == version else EntryState.OPEN,
        reason=reason,
        detail=detail,
    )


def opened_again(kept: Kept, now: float, *, is_bulk: bool) -> Kept:
    """To be carried out once more, as it stands."""
    opened = _with(
        kept, state=EntryState.OPEN, attempts=0, next_attempt_at=now, reason=None, detail="", since=now
    )
    return replace(opened, is_bulk=is_bulk)


def dismissed(kept: Kept, now: float) -> Kept:
    """Dropped as it stands, without a courier."""
    return _with(kept, state=EntryState.DROPPED, since=now, attempts=0, reason=Reason.DROPPED)


def creating(kept: Kept, login: str) -> Kept:
    """We are about to create this login."""
    return _with(kept, creating=login)


def absorbed(kept: Kept, other: Entry) -> Kept:
    """The other's statements are merged in; they are news to whoever carries this entry out."""
    entry = kept.entry
    return _with(
        kept,
        statements=merge_entries(entry.statements, other.statements),
        version=entry.version + 1,
        since=min(entry.since, other.since),
    )


def owned(kept: Kept, account: AccountId) -> Kept:
    """The account's entry from now on."""
    return replace(_with(kept, account_id=account, creating=None), asking=None)


def asking_again(kept: Kept, subject: Subject) -> Kept:
    """The account is gone: the entry asks for one again, in its subject's name."""
    return replace(_with(kept, account_id=None), asking=subject)


def without(kept: Kept, subject: Subject) -> Kept:
    """One of several people bound to the account leaves, with what was stated about them."""
    remaining = tuple(one for one in kept.entry.statements if one.subject != subject)
    return _with(kept, statements=remaining, version=kept.entry.version + 1)


def _with(kept: Kept, **changes: object) -> Kept:
    return replace(kept, entry=replace(kept.entry, **changes))  # type: ignore[arg-type]  # named as in Entry

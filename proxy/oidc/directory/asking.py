"""Asks the directories about people whose timer fired: meets the session room's `AskDirectory`.

Who the person is there comes from their other sessions, else from the last statement in the outbox: the suspected session itself
has ended. A directory in trouble is not asked about the next person for ten seconds.
"""

from collections.abc import Callable, Mapping
from typing import Final, assert_never

from proxy.identity import Identity, IdpId, Subject
from proxy.provisioning.directory import (
    Active,
    Cause,
    Directory,
    Gone,
    Standing,
    Suspended,
    Unknown,
    reason_of,
)
from proxy.provisioning.model import Entry, Vouched
from proxy.provisioning.outbox import Outbox
from proxy.session.model import Session
from proxy.session.store import Suspicion
from proxy.session.suspicion import DirectoryWord, Left, Word

SILENT_SECONDS: Final = 10.0


class AskDirectories:
    """One question to the directory of the suspicion's IdP."""

    def __init__(
        self,
        directories: Mapping[IdpId, Directory],
        outbox: Outbox,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._directories = directories
        self._outbox = outbox
        self._clock = clock
        self._silent_from: dict[IdpId, float] = {}

    async def __call__(self, suspicion: Suspicion, sessions: tuple[Session, ...]) -> DirectoryWord:
        """Raises Unavailable when our own store is away."""
        directory = self._directories.get(suspicion.idp)
        if directory is None:
            return Word.NONE
        now = self._clock()
        if 0 <= now - self._silent_from.get(suspicion.idp, -SILENT_SECONDS) < SILENT_SECONDS:
            return Word.SILENT
        known = await self._known(suspicion, sessions)
        standing = await directory.ask(
            suspicion.subject,
            known.email if known else None,
            directory_id=known.directory_id if known else None,
        )
        if isinstance(standing, Unknown) and standing.cause is Cause.TROUBLE:
            self._silent_from[suspicion.idp] = now
        return word_of(standing)

    async def _known(self, suspicion: Suspicion, sessions: tuple[Session, ...]) -> Identity | None:
        """The newest that is known of the person; a session may be from before ids were kept."""
        entry = await self._outbox.entry_of(suspicion.subject)
        identities = [
            *(session.identity for session in sessions if session.idp == suspicion.idp),
            *stated_in(entry, suspicion.subject, suspicion.idp),
        ]
        identities.sort(key=lambda one: (one.directory_id is not None, one.stated_at))
        return identities[-1] if identities else None


def stated_in(entry: Entry | None, subject: Subject, idp: IdpId) -> tuple[Identity, ...]:
    """What this IdP last vouched for, if it is in the entry."""
    return tuple(
        statement.says.identity
        for statement in (entry.statements if entry else ())
        if isinstance(statement.says, Vouched) and (statement.source, statement.subject) == (idp, subject)
    )


def word_of(standing: Standing) -> DirectoryWord:
    """What a standing means for a timer; the table is in `session/suspicion.py`."""
    match standing:
        case Active():
            return Word.VOUCHED
        case Suspended(marker=marker) | Gone(marker=marker):
            return Left(reason=reason_of(standing), marker=marker)
        case Unknown(cause=Cause.NOT_COVERED):
            return Word.NONE
        case Unknown():
            return Word.SILENT
        case _:
            assert_never(standing)

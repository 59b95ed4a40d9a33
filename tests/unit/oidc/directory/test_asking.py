"""A timer's question to the directory: about whom, and what the answer means for the timer."""

from typing import Any

import pytest

from proxy.identity import Identity, IdpId
from proxy.oidc.directory.asking import SILENT_SECONDS, AskDirectories, stated_in, word_of
from proxy.provisioning.directory import Active, Cause, Gone, Standing, Suspended, Unknown
from proxy.provisioning.model import Entry, EntryState, Removed, Statement, Vouched
from proxy.reasons import Reason
from proxy.session.store import Suspicion
from proxy.session.suspicion import DirectoryWord, Left, Word
from tests.fakes.people import CORP, identity, session, subject
from tests.unit.oidc.directory.test_heard import Says

SUSPICION = Suspicion(subject=subject(), idp=CORP, started_at=100.0, fires_at=200.0)
OTHER = IdpId("other")


class OneEntry:
    """An outbox with one entry, as far as the question reads it."""

    def __init__(self, *statements: Statement) -> None:
        self.entry = (
            Entry(id=1, account_id=None, statements=statements, state=EntryState.DONE, version=1)
            if statements
            else None
        )

    async def entry_of(self, subject: Any) -> Entry | None:
        return self.entry


def stated(who: Identity, source: IdpId = CORP) -> Statement:
    return Statement(source=source, subject=who.subject, says=Vouched(identity=who), at=who.stated_at)


def asking(
    says: Says, *statements: Statement, idp: IdpId = CORP, now: list[float] | None = None
) -> AskDirectories:
    outbox: Any = OneEntry(*statements)
    return AskDirectories({idp: says}, outbox, clock=lambda: (now or [1000.0])[0])


@pytest.mark.parametrize(
    ("standing", "word"),
    [
        (Active(), Word.VOUCHED),
        (Suspended(marker="x"), Left(reason=Reason.DIRECTORY_SUSPENDED, marker="x")),
        (Gone(marker="x"), Left(reason=Reason.DIRECTORY_GONE, marker="x")),
        (Unknown(detail="x"), Word.SILENT),
        (Unknown(detail="x", cause=Cause.MISCONFIGURED), Word.SILENT),
        (Unknown(detail="x", cause=Cause.NOT_COVERED), Word.NONE),
    ],
)
async def test_every_standing_has_a_word(standing: Standing, word: DirectoryWord) -> None:
    assert word_of(standing) == word
    assert await asking(Says(standing))(SUSPICION, ()) == word


async def test_an_idp_without_a_directory_has_none() -> None:
    assert await asking(Says(Gone(marker="x")), idp=OTHER)(SUSPICION, ()) is Word.NONE


async def test_the_last_statement_says_who_it_is_there() -> None:
    says = Says(Active())
    await asking(says, stated(identity(directory_id="oid-1")))(SUSPICION, ())
    assert says.asked == [("alice@example.com", "oid-1")]


async def test_another_session_says_it_too_and_the_newest_with_an_id_wins() -> None:
    says = Says(Active())
    older = stated(identity(directory_id="oid-1", email="old@example.com"))
    newer = session(identity=identity(directory_id="oid-1", email="new@example.com", stated_at=2000.0))
    without = session(identity=identity(email="newest@example.com", stated_at=3000.0))
    await asking(says, older)(SUSPICION, (newer, without))
    assert says.asked == [("new@example.com", "oid-1")]


async def test_another_idps_word_about_them_is_not_used() -> None:
    says = Says(Active())
    elsewhere = session(identity=identity(directory_id="x"), idp=OTHER)
    await asking(says, stated(identity(directory_id="x"), OTHER))(SUSPICION, (elsewhere,))
    assert says.asked == [(None, None)]


def test_only_what_was_vouched_for_is_an_identity() -> None:
    gone = Statement(source=CORP, subject=subject(), says=Removed(reason=Reason.IDP_DENIED), at=1.0)
    entry = OneEntry(gone, stated(identity("bob")), stated(identity())).entry
    assert stated_in(entry, subject(), CORP) == (identity(),)
    assert stated_in(None, subject(), CORP) == ()


@pytest.mark.parametrize(("cause", "is_left"), [(Cause.TROUBLE, True), (Cause.MISCONFIGURED, False)])
async def test_a_directory_in_trouble_is_not_asked_about_everybody(cause: Cause, is_left: bool) -> None:
    says, now = Says(Unknown(detail="timeout", cause=cause)), [1000.0]
    ask = asking(says, now=now)
    for at, asked in ((1000.0, 1), (1000.0 + SILENT_SECONDS - 1, 1), (1000.0 + SILENT_SECONDS, 2)):
        now[0] = at
        assert await ask(SUSPICION, ()) is Word.SILENT
        assert (len(says.asked) == asked) is is_left or at == 1000.0

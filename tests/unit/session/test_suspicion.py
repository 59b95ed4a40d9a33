"""A fired timer archives only when nobody vouches for the person any more."""

import pytest

from proxy.reasons import Reason
from proxy.session.model import AskAgain, Denied, Refreshed, RefreshOutcome, Session, Tokens, Trouble
from proxy.session.store import Suspicion
from proxy.session.suspicion import (
    BATCH,
    POSTPONED_SECONDS,
    DirectoryWord,
    Finding,
    Left,
    Suspicions,
    Word,
)
from tests.fakes.people import CORP, identity, key, session, subject
from tests.unit.session.test_keeper import DUE, House

PLAIN = AskAgain(code="invalid_grant", is_plain_invalid_grant=True)
VOUCHED = Refreshed(identity=identity(), tokens=Tokens(refresh_token="new"))


class Directory:
    """Says what it is told to, and remembers about whom."""

    def __init__(self, word: DirectoryWord) -> None:
        self.word = word
        self.asked: list[tuple[Suspicion, tuple[Session, ...]]] = []

    async def __call__(self, suspicion: Suspicion, sessions: tuple[Session, ...]) -> DirectoryWord:
        self.asked.append((suspicion, sessions))
        return self.word


def suspicious(
    *outcomes: RefreshOutcome, sessions: int = 1, directory: Directory | None = None
) -> tuple[House, Suspicions]:
    house = House(*outcomes)
    house.store.sessions.clear()
    for number in range(1, sessions + 1):
        house.store.sessions[key(number)] = session(number=number)
    house.store.timers[subject()] = Suspicion(
        subject=subject(), idp=CORP, started_at=4000.0, fires_at=DUE - 1
    )
    clock = lambda: house.now  # noqa: E731 -- the house's clock, read late
    suspicions = Suspicions(
        house.store, house.keeper, house.arrival, house.witness, clock=clock, directory=directory
    )
    return house, suspicions


async def test_without_another_session_the_person_is_removed() -> None:
    house, suspicions = suspicious(sessions=0)
    assert await suspicions.look() == (Finding.REMOVED,)
    assert house.arrival.removals == [(subject(), Reason.TIMER_FIRED, DUE)]
    assert house.store.timers == {}


async def test_another_session_that_is_refreshed_cancels() -> None:
    house, suspicions = suspicious(PLAIN, VOUCHED, sessions=2)
    assert await suspicions.look() == (Finding.CANCELLED,)
    assert house.arrival.removals == []
    assert house.store.timers == {}


async def test_a_session_refreshed_since_cancels_without_asking() -> None:
    house, suspicions = suspicious(sessions=1)
    house.store.sessions[key()] = session(refreshed_at=4500.0, due_at=8100.0)
    assert await suspicions.look() == (Finding.CANCELLED,)
    assert house.idp.asked == []


@pytest.mark.parametrize("outcome", [Trouble(detail="time-out")])
async def test_an_idp_in_trouble_postpones(outcome: RefreshOutcome) -> None:
    house, suspicions = suspicious(outcome, sessions=1)
    assert await suspicions.look() == (Finding.POSTPONED,)
    assert house.arrival.removals == []
    assert subject() in house.store.timers


async def test_other_sessions_that_are_refused_as_well_do_not_save_them() -> None:
    house, suspicions = suspicious(PLAIN, PLAIN, sessions=2)
    assert await suspicions.look() == (Finding.REMOVED,)
    assert [reason for _, reason, _ in house.arrival.removals] == [Reason.TIMER_FIRED]


async def test_a_denial_by_another_session_removes_them() -> None:
    house, suspicions = suspicious(Denied(marker="User disabled"), sessions=1)
    assert await suspicions.look() == (Finding.REMOVED,)
    assert Reason.IDP_DENIED in [reason for _, reason, _ in house.arrival.removals]


async def test_a_timer_that_has_not_fired_or_is_frozen_is_left_alone() -> None:
    house, suspicions = suspicious(sessions=0)
    house.now = DUE - 2
    assert await suspicions.look() == ()
    house.now = DUE
    await house.store.freeze(CORP, DUE + 10)
    assert await suspicions.look() == ()


# --- with a directory: every row of the table -------------------------------------------------------------------------

SUSPENDED = Left(reason=Reason.DIRECTORY_SUSPENDED, marker="SUSPENDED")
GONE = Left(reason=Reason.DIRECTORY_GONE, marker="http_404")
BUSY = Trouble(detail="time-out")


@pytest.mark.parametrize(
    ("word", "outcome", "finding"),
    [
        (Word.VOUCHED, None, Finding.CANCELLED),
        (SUSPENDED, None, Finding.REMOVED),
        (GONE, None, Finding.REMOVED),
        (Word.SILENT, VOUCHED, Finding.CANCELLED),
        (Word.SILENT, PLAIN, Finding.POSTPONED),
        (Word.SILENT, BUSY, Finding.POSTPONED),
        (Word.NONE, VOUCHED, Finding.CANCELLED),
        (Word.NONE, BUSY, Finding.POSTPONED),
        (Word.NONE, PLAIN, Finding.REMOVED),
    ],
)
async def test_the_directory_is_asked_before_the_sessions(
    word: DirectoryWord, outcome: RefreshOutcome | None, finding: Finding
) -> None:
    directory = Directory(word)
    house, suspicions = suspicious(*([outcome] if outcome else []), sessions=1, directory=directory)
    assert await suspicions.look() == (finding,)
    assert len(directory.asked) == 1
    assert len(house.idp.asked) == (1 if outcome else 0)
    assert (subject() in house.store.timers) == (finding is Finding.POSTPONED)
    assert bool(house.arrival.removals) == (finding is Finding.REMOVED)


@pytest.mark.parametrize("word", [Word.SILENT])
async def test_a_silent_directory_archives_nobody_however_long_it_is_silent(word: Word) -> None:
    house, suspicions = suspicious(sessions=0, directory=Directory(word))
    for _ in range(5):
        assert await suspicions.look() == (Finding.POSTPONED,)
        house.now += POSTPONED_SECONDS
    assert house.arrival.removals == []


@pytest.mark.parametrize("left", [SUSPENDED, GONE])
async def test_a_removal_carries_the_directorys_reason(left: Left) -> None:
    house, suspicions = suspicious(sessions=0, directory=Directory(left))
    await suspicions.look()
    assert house.arrival.removals == [(subject(), left.reason, DUE)]
    assert house.store.timers == {}


async def test_a_removal_is_dated_by_the_question() -> None:
    """Whoever signed in while the directory was asked said something newer."""
    house, _ = suspicious(sessions=0)

    class Slow(Directory):
        async def __call__(self, suspicion: Suspicion, sessions: tuple[Session, ...]) -> DirectoryWord:
            house.now += 4
            return await super().__call__(suspicion, sessions)

    slow = Suspicions(
        house.store,
        house.keeper,
        house.arrival,
        house.witness,
        clock=lambda: house.now,
        directory=Slow(GONE),
    )
    await slow.look()
    assert house.arrival.removals == [(subject(), Reason.DIRECTORY_GONE, DUE)]


async def test_a_postponed_timer_rests_for_a_while() -> None:
    directory = Directory(Word.SILENT)
    house, suspicions = suspicious(sessions=0, directory=directory)
    for after, asked in ((0.0, 1), (POSTPONED_SECONDS - 1, 1), (POSTPONED_SECONDS, 2)):
        house.now = DUE + after
        await suspicions.look()
        assert len(directory.asked) == asked


async def test_postponed_timers_do_not_crowd_out_the_others() -> None:
    directory = Directory(Word.SILENT)
    house, suspicions = suspicious(sessions=0, directory=directory)
    for number in range(BATCH + 10):
        who = subject(f"person-{number}")
        house.store.timers[who] = Suspicion(subject=who, idp=CORP, started_at=1.0, fires_at=float(number))
    assert len(await suspicions.look()) == BATCH
    assert len(await suspicions.look()) == 11
    assert len({one.subject for one, _ in directory.asked}) == BATCH + 11

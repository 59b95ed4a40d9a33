"""A fired timer archives only when nobody vouches for the person any more."""

import pytest

from proxy.reasons import Reason
from proxy.session.model import AskAgain, Denied, Refreshed, RefreshOutcome, Tokens, Trouble
from proxy.session.store import Suspicion
from proxy.session.suspicion import Finding, Suspicions
from tests.fakes.people import CORP, identity, key, session, subject
from tests.unit.session.test_keeper import DUE, House

PLAIN = AskAgain(code="invalid_grant", is_plain_invalid_grant=True)
VOUCHED = Refreshed(identity=identity(), tokens=Tokens(refresh_token="new"))


def suspicious(*outcomes: RefreshOutcome, sessions: int = 1) -> tuple[House, Suspicions]:
    house = House(*outcomes)
    house.store.sessions.clear()
    for number in range(1, sessions + 1):
        house.store.sessions[key(number)] = session(number=number)
    house.store.timers[subject()] = Suspicion(
        subject=subject(), idp=CORP, started_at=4000.0, fires_at=DUE - 1
    )
    clock = lambda: house.now  # noqa: E731 -- the house's clock, read late
    return house, Suspicions(house.store, house.keeper, house.arrival, house.witness, clock=clock)


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

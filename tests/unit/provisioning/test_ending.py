"""The endings of a visit that the cases of `test_visit.py` and `test_joining.py` do not already show."""

import pytest

from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.ending import Ending
from proxy.provisioning.guard import released_mark
from proxy.provisioning.kit import Journal
from proxy.provisioning.model import EntryState, Gone, Refused, Should
from proxy.provisioning.should import should_be
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, AccountState, Pending, Ready
from tests.fakes.provisioning import JOIN, Scene, binding, link_rules, subject, vouched

GONE = Gone(reason=Reason.IDP_DENIED)
TROUBLE = AppTrouble(detail="HTTP 500")
READY = Ready(login="ada", account_id="1")


def refusal(reason: Reason) -> AppRefusal:
    return AppRefusal(reason=reason, detail="no")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def wanted() -> Should:
    return should_be((vouched(),), JOIN, Scene().rules.groups, frozenset())


async def ending(scene: Scene, *, is_bound: bool = True, is_blocked: bool = False) -> Ending:
    if is_bound:
        scene.store.bound[subject()] = binding(is_blocked=is_blocked)
    await scene.note(vouched())
    claim = await scene.store.claim(holder="test", now=scene.now, seconds=20)
    assert claim is not None
    kit = scene.courier()._kit
    made = Ending(kit, claim, Journal(kit, subject()))
    made.bindings = tuple(scene.store.bound.values())
    return made


@pytest.mark.parametrize(
    ("is_bound", "is_blocked", "should", "expected"),
    [
        (True, False, wanted(), READY),
        (True, True, wanted(), Pending(reason=Reason.APP_TROUBLE)),
        (False, False, wanted(), Pending(reason=Reason.APP_TROUBLE)),
        (True, False, GONE, AccountRefused(reason=Reason.IDP_DENIED)),
        (True, False, Refused(reason=Reason.DENY_LISTED), AccountRefused(reason=Reason.DENY_LISTED)),
    ],
)
async def test_through_trouble_sessions_are_worth_what_was_last_applied(
    scene: Scene, is_bound: bool, is_blocked: bool, should: Should, expected: AccountState
) -> None:
    visited = await (await ending(scene, is_bound=is_bound, is_blocked=is_blocked)).fault(TROUBLE, should)
    assert (visited.account, visited.state) == (expected, EntryState.OPEN)
    assert scene.told[subject()] == expected


@pytest.mark.parametrize(
    ("reason", "is_bound", "state"),
    [
        (Reason.NO_SEAT, False, None),
        (Reason.LOGIN_TAKEN, False, None),
        (Reason.PROTECTED_ACCOUNT, False, None),
        (Reason.NO_SEAT, True, EntryState.PARKED),
    ],
)
async def test_a_refusal_for_good_is_said_and_an_unbound_entry_goes(
    scene: Scene, reason: Reason, is_bound: bool, state: EntryState | None
) -> None:
    visited = await (await ending(scene, is_bound=is_bound)).fault(refusal(reason), wanted())
    assert (visited.account, visited.state) == (AccountRefused(reason=reason), state)


async def test_an_archive_that_the_app_refuses_waits_for_an_operator_and_nobody_gets_in(scene: Scene) -> None:
    visited = await (await ending(scene)).fault(refusal(Reason.PROTECTED_ACCOUNT), GONE)
    assert (visited.account, visited.state) == (AccountRefused(reason=Reason.IDP_DENIED), EntryState.PARKED)


async def test_blocking_is_written_down_once(scene: Scene) -> None:
    made = await ending(scene)
    await made.block(Reason.IDP_DENIED)
    await made.block(Reason.IDP_DENIED)
    assert scene.reasons("block") == [Reason.IDP_DENIED]
    assert scene.store.bound[subject()].is_blocked


@pytest.mark.parametrize("is_blocked", [False, True])
async def test_a_blocked_member_is_not_let_in_by_staying_as_they_are(scene: Scene, is_blocked: bool) -> None:
    visited = await (await ending(scene, is_blocked=is_blocked)).as_is(Reason.DOMAIN_NOT_ALLOWED)
    expected = AccountRefused(reason=Reason.DOMAIN_NOT_ALLOWED) if is_blocked else READY
    assert visited.account == expected


async def test_what_the_app_asked_of_everybody_is_passed_on(scene: Scene) -> None:
    visited = await (await ending(scene)).fault(AppTrouble(detail="HTTP 429", retry_after=17), wanted())
    assert visited.wait == 17


async def test_agreement_spends_what_was_released_for_this_person_alone(scene: Scene) -> None:
    mine, other = released_mark("idp:okta", "1"), released_mark("idp:okta", "11")
    scene.store.latches |= {mine, other, "idp:okta"}
    made = await ending(scene)
    await made.agreed(GONE, None, frozenset(), held=(), complaints=())
    assert scene.store.latches == {other, "idp:okta"}


async def test_a_search_that_fails_before_a_removed_newcomer_is_forgotten_is_tried_again(
    scene: Scene,
) -> None:
    scene.rules = Scene(rules=scene.rules).rules
    made = await ending(scene, is_bound=False)
    await scene.store.set_creating(made.claim, "ada")
    claim = await scene.store.renew_claim(made.claim, now=scene.now, seconds=20)
    assert claim is not None
    scene.now += 21
    again = await scene.store.claim(holder="fresh", now=scene.now, seconds=20)
    assert again is not None
    made.claim = again
    scene.app.fail("search", TROUBLE)
    assert (await made.nobody(Reason.IDP_DENIED)).state is EntryState.OPEN


def test_link_rules_of_the_scene_admit_the_people_of_the_scene() -> None:
    assert link_rules().join.domains == {"example.com"}

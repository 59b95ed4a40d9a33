"""From nobody to an account: created once, linked only where that is allowed, and never half."""

from dataclasses import replace

import pytest

from proxy.login import UserEncoding
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.kit import Visited
from proxy.provisioning.model import EntryState, Vouched
from proxy.provisioning.rules import CourierRules
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, Pending, Ready
from tests.fakes.provisioning import GOOGLE, JOIN, NOW, Scene, identity, link_rules, subject, vouched

TAKEN = AppRefusal(reason=Reason.LOGIN_TAKEN, detail="login has already been taken")


@pytest.fixture
def scene() -> Scene:
    return Scene(rules=CourierRules(link=link_rules()))


async def visit(scene: Scene) -> Visited:
    claim = await scene.store.claim(holder="test", now=scene.now, seconds=20)
    assert claim is not None
    return await scene.courier().visit(claim)


def refused(reason: Reason) -> AccountRefused:
    return AccountRefused(reason=reason)


async def test_a_newcomer_gets_an_account_and_a_binding(scene: Scene) -> None:
    await scene.note(vouched())
    assert (await visit(scene)).account == Ready(login="ada", account_id="1")
    assert scene.store.bound[subject()].account_id == "1"
    assert scene.reasons("bind") == [Reason.LINKED]


async def test_an_account_that_exists_is_linked_and_told_by_its_own_login(scene: Scene) -> None:
    scene.app.add("countess", email="Ada@example.com")
    await scene.note(vouched())
    assert (await visit(scene)).account == Ready(login="countess", account_id="1")
    assert scene.operations() == []


async def test_an_archived_account_that_exists_is_linked_and_restored(scene: Scene) -> None:
    scene.app.add("ada", is_active=False)
    await scene.note(vouched())
    assert isinstance((await visit(scene)).account, Ready)
    assert scene.operations() == ["restore"]


async def test_with_auto_join_off_an_existing_account_still_gets_in_and_nobody_is_created(
    scene: Scene,
) -> None:
    scene.rules = CourierRules(link=link_rules(join=replace(JOIN, is_auto_join=False)))
    scene.app.add("ada")
    await scene.note(vouched("ada"))
    await scene.note(vouched("bob"))
    assert isinstance((await visit(scene)).account, Ready)
    visited = await visit(scene)
    assert (visited.account, visited.state) == (refused(Reason.NOT_INVITED), None)
    assert len(scene.app.accounts) == 1


async def test_with_provisioning_off_nobody_is_created(scene: Scene) -> None:
    scene.rules = replace(scene.rules, is_provisioning_on=False)
    await scene.note(vouched())
    assert (await visit(scene)).account == refused(Reason.PROVISIONING_OFF)


async def test_a_login_of_somebody_else_leads_to_the_next_pattern(scene: Scene) -> None:
    scene.app.add("ada", email="other@example.com")
    await scene.note(vouched())
    assert (await visit(scene)).account == Ready(login="ada@example.com", account_id="2")


async def test_when_no_pattern_is_left_the_person_is_refused_and_the_entry_goes(scene: Scene) -> None:
    scene.rules = CourierRules(link=link_rules(logins=("{username}",)))
    scene.app.add("ada", email="other@example.com")
    await scene.note(vouched())
    visited = await visit(scene)
    assert (visited.account, visited.state) == (refused(Reason.LOGIN_TAKEN), None)
    assert scene.store.entries_by_id == {}


async def test_the_apps_own_account_is_never_linked(scene: Scene) -> None:
    scene.app.own = scene.app.add("ada").id
    await scene.note(vouched())
    assert (await visit(scene)).account == refused(Reason.PROTECTED_ACCOUNT)


async def test_an_account_bound_to_somebody_else_is_refused(scene: Scene) -> None:
    scene.app.add("ada")
    await scene.bind(idp=GOOGLE)
    await scene.note(vouched())
    assert (await visit(scene)).account == refused(Reason.BOUND_TO_ANOTHER)


async def test_a_second_idp_joins_where_the_operator_lets_it(scene: Scene) -> None:
    scene.rules = CourierRules(link=link_rules(may_link_across=True))
    await scene.note(vouched())
    await visit(scene)
    await scene.note(vouched(idp=GOOGLE))
    assert (await visit(scene)).account == Ready(login="ada", account_id="1")
    assert len(scene.entry().statements) == 2, "both sources stand in the account's one entry"


async def test_a_create_whose_answer_was_lost_is_found_and_not_repeated(scene: Scene) -> None:
    scene.app.unique_emails = False
    scene.app.lose("create", AppTrouble(detail="time-out"))
    await scene.note(vouched())
    assert (await visit(scene)).account == Pending(reason=Reason.APP_TROUBLE)
    scene.now += 60
    assert (await visit(scene)).account == Ready(login="ada", account_id="1")
    assert scene.operations() == ["create"]


async def test_a_create_whose_answer_was_lost_is_found_though_linking_is_off(scene: Scene) -> None:
    scene.rules = CourierRules(link=link_rules(may_link_by_email=False))
    scene.app.lose("create", AppTrouble(detail="time-out"))
    await scene.note(vouched())
    await visit(scene)
    scene.now += 60
    assert isinstance((await visit(scene)).account, Ready)


async def test_a_login_taken_at_the_last_moment_is_searched_for_once_more(scene: Scene) -> None:
    scene.app.fail("create", TAKEN)
    scene.app.calls.clear()
    await scene.note(vouched())
    visited = await visit(scene)
    assert visited.account == refused(Reason.LOGIN_TAKEN)
    assert visited.detail == "the app has 'ada' but does not show it"
    assert scene.app.calls.count("search") == 2


async def test_a_hidden_login_conflict_uses_no_second_pattern_up(scene: Scene) -> None:
    """The app's refusal may be about the address: another login would meet it again, or make a second account."""
    scene.app.hidden.add(scene.app.add("ada").id)
    await scene.note(vouched())
    assert (await visit(scene)).account == refused(Reason.LOGIN_TAKEN)
    assert len(scene.app.accounts) == 1


async def test_an_app_that_does_not_say_whom_it_created_is_asked(scene: Scene) -> None:
    scene.app.says_created = False
    await scene.note(vouched())
    assert (await visit(scene)).account == Ready(login="ada", account_id="1")


async def test_an_account_that_was_made_and_does_not_show_yet_is_waited_for_and_not_made_twice(
    scene: Scene,
) -> None:
    scene.app.says_created, scene.app.hides_new, scene.app.unique_emails = False, True, True
    await scene.note(vouched())
    for _ in range(3):
        assert (await visit(scene)).account == Pending(reason=Reason.APP_TROUBLE)
        scene.now += 60
    scene.app.hidden.clear()
    assert (await visit(scene)).account == Ready(login="ada", account_id="1")
    assert len(scene.app.accounts) == 1


async def test_the_wait_for_an_account_that_never_shows_ends(scene: Scene) -> None:
    scene.app.says_created, scene.app.hides_new = False, True
    await scene.note(vouched())
    states = []
    for _ in range(11):
        states.append((await visit(scene)).account)
        scene.now += 60
    assert states == [Pending(reason=Reason.APP_TROUBLE)] * 10 + [refused(Reason.LOGIN_TAKEN)]


async def test_no_login_can_be_made_waits_for_an_operator(scene: Scene) -> None:
    scene.rules = CourierRules(link=link_rules(logins=("{username}",)))
    await scene.note(replace(vouched(), says=Vouched(identity=identity(username=None))))
    visited = await visit(scene)
    assert (visited.state, visited.reason) == (EntryState.PARKED, Reason.APP_REFUSED)
    assert visited.account == Pending(reason=Reason.APP_REFUSED)


async def test_a_login_that_no_header_can_carry_gives_way_to_the_next_pattern(scene: Scene) -> None:
    said = identity(username="j\u00f6rg", email="joerg@example.com")
    await scene.note(replace(vouched(), says=Vouched(identity=said)))
    assert (await visit(scene)).account == Ready(login="joerg", account_id="1")


async def test_whoever_can_only_have_a_login_that_no_header_can_carry_is_refused_and_nobody_is_made(
    scene: Scene,
) -> None:
    scene.rules = CourierRules(link=link_rules(logins=("{username}", "{username}.x")))
    await scene.note(replace(vouched(), says=Vouched(identity=identity(username="j\u00f6rg"))))
    visited = await visit(scene)
    assert visited.account == refused(Reason.LOGIN_NOT_SENDABLE)
    assert "headers.user_encoding" in visited.detail
    assert scene.app.accounts == {}


async def test_where_the_app_reads_utf_8_that_login_is_made(scene: Scene) -> None:
    rules = link_rules(logins=("{username}",), user_encoding=UserEncoding.UTF_8)
    scene.rules = CourierRules(link=rules)
    await scene.note(replace(vouched(), says=Vouched(identity=identity(username="j\u00f6rg"))))
    assert (await visit(scene)).account == Ready(login="j\u00f6rg", account_id="1")


async def test_an_account_of_their_address_is_theirs_though_no_login_could_be_made(scene: Scene) -> None:
    scene.app.add("countess", email="ada@example.com")
    scene.rules = CourierRules(link=link_rules(logins=("{username}",)))
    await scene.note(replace(vouched(), says=Vouched(identity=identity(username="j\u00f6rg"))))
    assert (await visit(scene)).account == Ready(login="countess", account_id="1")


@pytest.mark.parametrize("call", ["search", "whoami", "create", "account"])
async def test_trouble_anywhere_leaves_the_entry_open(scene: Scene, call: str) -> None:
    scene.app.fail(call, AppTrouble(detail="HTTP 502"))
    await scene.note(vouched())
    assert (await visit(scene)).state is EntryState.OPEN
    scene.now += 60
    assert (await visit(scene)).state is EntryState.DONE
    assert len(scene.app.accounts) == 1


async def test_accounts_beyond_the_hours_limit_wait_and_an_alarm_is_raised(scene: Scene) -> None:
    scene.rules = replace(scene.rules, creations_per_hour=2)
    for name in ("ada", "bob", "cyd"):
        await scene.note(vouched(name))
    visited = [await visit(scene) for _ in range(3)]
    assert [one.account for one in visited[:2]] == [
        Ready(login="ada", account_id="1"),
        Ready(login="bob", account_id="2"),
    ]
    assert visited[2].account == Pending(reason=Reason.CREATION_LIMIT)
    assert scene.reasons("alarm") == [Reason.CREATION_LIMIT]
    scene.now = NOW + 3700
    assert isinstance((await visit(scene)).account, Ready)

"""Steps 4 and 5 of the story: suspended people lose their sessions, the account is archived, and comes back as the same."""

from tests.e2e.apps import Seen
from tests.e2e.conftest import Browsers, System
from tests.e2e.stack import SOON, Stack
from tests.e2e.test_staying import groups_become
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser

AT_ONCE = {"ask_again_archives": {"after": "0s"}}
LATER = {"ask_again_archives": {"after": "24h"}}


async def archived(stack: Stack, login: str) -> Seen:
    """The account once the app shows it as archived; it must never be deleted."""

    async def look() -> Seen:
        account = await stack.account(login)
        assert account is not None, f"{login}'s account was deleted"
        return account

    return await eventually(
        look, lambda account: not account.is_active, within=SOON, what=f"{login} is archived"
    )


async def test_a_marker_ends_both_sessions_and_archives_the_account(demo: System, browsers: Browsers) -> None:
    async with demo() as stack:
        laptop, phone = await browsers(), await browsers()
        for device in (laptop, phone):
            assert (await stack.sign_in(device, "alice")).status == 200
        before = await stack.account("alice")
        await stack.idp.suspend("alice")
        await stack.signed_out(laptop)
        await stack.signed_out(phone, within=2)
        account = await archived(stack, "alice")
        assert before is not None
        assert account.id == before.id
        assert account.groups == before.groups or account.groups == frozenset()


async def test_nobody_else_is_touched_by_a_suspension(demo: System, browsers: Browsers) -> None:
    async with demo() as stack:
        alice, bob = await browsers(), await browsers()
        await stack.sign_in(alice, "alice")
        await stack.sign_in(bob, "bob")
        await stack.idp.suspend("alice")
        await stack.signed_out(alice)
        await archived(stack, "alice")
        assert (await stack.look(bob)).status == 200
        account = await stack.account("bob")
        assert account is not None
        assert account.is_active


async def test_a_suspended_person_is_sent_to_the_idp_and_stays_there(
    system: System, browser: Browser
) -> None:
    async with system(idp=AT_ONCE) as stack:
        await stack.sign_in(browser, "alice")
        await stack.idp.suspend("alice")
        await stack.signed_out(browser)
        page = await browser.go(stack.page)
        assert stack.idp.asks(page)
        refused = await stack.idp.answer(browser, "alice")
        assert refused.status == 403
        assert str(refused.url.origin()) == stack.idp.issuer


async def test_somebody_who_is_enabled_again_gets_the_same_account_with_fresh_groups(
    every_system: System, browser: Browser
) -> None:
    async with every_system(idp=AT_ONCE) as stack:
        await stack.sign_in(browser, "alice")
        before = await stack.account("alice")
        await stack.idp.suspend("alice")
        await stack.signed_out(browser)
        await archived(stack, "alice")
        await stack.idp.resume("alice")
        await stack.idp.set_groups("alice", ["designers"])
        page = await stack.sign_in(browser, "alice")
        assert (page.status, stack.app.shown(page)) == (200, "alice")
        account = await stack.account("alice")
        assert before is not None
        assert account is not None
        assert (account.id, account.is_active, account.groups) == (before.id, True, frozenset({"Designers"}))
        assert await stack.app.creations() == 1


async def test_a_bare_refusal_archives_at_once_where_the_operator_says_so(
    certified: System, browser: Browser
) -> None:
    async with certified(idp=AT_ONCE) as stack:
        await stack.sign_in(browser, "alice")
        await stack.idp.suspend("alice")
        await stack.signed_out(browser)
        await archived(stack, "alice")


async def test_a_bare_refusal_ends_the_session_and_lets_a_timer_wait(
    certified: System, browsers: Browsers
) -> None:
    async with certified() as stack:
        alice, bob = await browsers(), await browsers()
        await stack.sign_in(alice, "alice")
        await stack.sign_in(bob, "bob")
        await stack.idp.suspend("alice")
        await stack.signed_out(alice)
        await stack.logs("timer_started")
        await stack.refreshed(bob, times=2)
        account = await stack.account("alice")
        assert account is not None
        assert account.is_active
        assert not stack.muster.has_logged("timer_fired")


async def test_signing_in_again_cancels_the_timer(certified: System, browser: Browser) -> None:
    async with certified(idp=LATER) as stack:
        await stack.sign_in(browser, "alice")
        before = await stack.account("alice")
        await stack.idp.suspend("alice")
        await stack.signed_out(browser)
        await stack.idp.resume("alice")
        page = await stack.sign_in(browser, "alice")
        assert page.status == 200
        await stack.logs("timer_cancelled")
        assert await stack.account("alice") == before


async def test_a_timer_survives_a_restart_and_is_cancelled_by_the_other_session(
    certified: System, browsers: Browsers
) -> None:
    """The IdP ended one sign-in only: the person's other session is vouched for, so nothing is archived."""
    async with certified(idp={"ask_again_archives": {"after": "6s"}}) as stack:
        laptop, phone = await browsers(), await browsers()
        for device in (laptop, phone):
            await stack.sign_in(device, "bob")
        await stack.idp.suspend("bob")
        await stack.signed_out(laptop)
        await stack.idp.resume("bob")
        stack.muster.stop()
        await stack.muster.start()
        await stack.refreshed(phone)
        await stack.logs("timer_cancelled")
        account = await stack.account("bob")
        assert account is not None
        assert account.is_active


async def test_a_suspension_while_the_app_is_down_blocks_at_once_and_archives_later(
    demo: System, browser: Browser
) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        hold = stack.app.relay.hold(b"")
        await stack.idp.suspend("alice")
        await stack.signed_out(browser)
        account = await stack.account("alice")
        assert account is not None
        assert account.is_active
        stack.app.relay.stop_holding()
        hold.drop()
        await archived(stack, "alice")


async def test_signing_out_ends_the_session_at_muster_and_at_the_idp(
    system: System, browser: Browser
) -> None:
    async with system() as stack:
        await stack.sign_in(browser, "alice")
        await browser.go(stack.muster.url("/_muster/profile"))
        page = await browser.submit(browser.page.form(lambda form: "sign-out" in form.action))
        while page.status == 200 and page.forms() and str(page.url.origin()) == stack.idp.issuer:
            page = await browser.submit(page.form(), {"logout": "yes"})
        assert page.url.path == "/_muster/signed-out"
        assert (await stack.look(browser)).status == 401
        assert stack.idp.asks(await browser.go(stack.page))
        account = await stack.account("alice")
        assert account is not None
        assert account.is_active


async def test_groups_that_changed_while_the_app_was_down_arrive_when_it_is_back(
    demo: System, browser: Browser
) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        hold = stack.app.relay.hold(b"")
        await stack.idp.set_groups("alice", ["designers"])
        await stack.refreshed(browser)
        await hold.arrived()
        assert (await stack.look(browser)).status == 200
        stack.app.relay.stop_holding()
        hold.drop()
        await groups_become(stack, "alice", {"Designers"}, within=60)

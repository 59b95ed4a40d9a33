"""Steps 2, 3 and 6 of the story: groups follow, silence takes nothing away, and forty requests ask the IdP once."""

import asyncio

from tests.e2e.apps import HAND_MADE
from tests.e2e.conftest import System
from tests.e2e.idps import TOKEN_REQUEST
from tests.e2e.stack import SOON, Stack, session_value
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser


async def groups_become(stack: Stack, login: str, groups: set[str], within: float = SOON) -> None:
    async def look() -> set[str]:
        account = await stack.account(login)
        return set(account.groups) if account else set()

    await eventually(look, lambda seen: seen == groups, within=within, what=f"{login} is in {groups}")


async def meets(stack: Stack, browser: Browser, reason: str) -> None:
    """Looks again and again, is served every time, until Muster has logged the reason."""

    async def look() -> bool:
        answer = await stack.look(browser)
        assert answer.status == 200, f"{answer.status}: {answer.text[:500]}"
        return stack.muster.has_logged(reason)

    await eventually(look, bool, within=SOON, what=f"{reason} in the log")


async def test_groups_follow_within_one_interval_and_nobody_signs_out(
    every_system: System, browser: Browser
) -> None:
    async with every_system() as stack:
        await stack.sign_in(browser, "alice")
        cookie = session_value(browser)
        await stack.app.join_by_hand("alice", HAND_MADE)
        await stack.idp.set_groups("alice", ["designers"])
        await stack.refreshed(browser)
        await groups_become(stack, "alice", {"Designers", HAND_MADE}, within=5)
        page = await stack.look(browser)
        assert stack.app.identity(page)["X-Forwarded-Groups"] == ["designers"]
        assert session_value(browser) == cookie


async def test_known_to_be_in_no_group_leaves_linked_groups_and_no_other(
    system: System, browser: Browser
) -> None:
    async with system() as stack:
        await stack.sign_in(browser, "carol")
        await stack.idp.set_groups("carol", [])
        await stack.refreshed(browser)
        await groups_become(stack, "carol", {HAND_MADE}, within=5)
        assert stack.app.identity(await stack.look(browser))["X-Forwarded-Groups"] == [""]


async def test_a_missing_claim_takes_nothing_away(every_system: System, browser: Browser) -> None:
    async with every_system() as stack:
        await stack.sign_in(browser, "alice")
        await stack.idp.set_groups("alice", None)
        await stack.refreshed(browser, times=2)
        await groups_become(stack, "alice", {"Developers"})
        assert stack.app.identity(await stack.look(browser))["X-Forwarded-Groups"] == ["engineers"]
        await stack.idp.set_groups("alice", ["designers"])
        await stack.refreshed(browser)
        await groups_become(stack, "alice", {"Designers"}, within=5)


async def test_a_stopped_idp_signs_nobody_out_and_archives_nobody(
    every_system: System, browser: Browser
) -> None:
    async with every_system() as stack:
        await stack.sign_in(browser, "alice")
        await stack.idp.stop()
        await meets(stack, browser, "idp_trouble")
        account = await stack.account("alice")
        assert account is not None
        assert (account.is_active, account.groups) == (True, frozenset({"Developers"}))
        await stack.idp.start()
        await stack.idp.set_groups("alice", ["designers"])
        await stack.refreshed(browser)
        await groups_become(stack, "alice", {"Designers"})


async def test_when_the_grace_is_over_people_see_an_error_and_keep_their_session(
    demo: System, browser: Browser
) -> None:
    refresh = {"every": "1s", "at_least": "1s", "grace": "2s", "cool_off": "1s"}
    async with demo(refresh=refresh) as stack:
        await stack.sign_in(browser, "alice")
        await stack.idp.stop()
        answer = await eventually(
            lambda: stack.look(browser),
            lambda seen: seen.status != 200,
            within=SOON,
            what="the grace is over",
        )
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        page = await browser.go(stack.page)
        assert (page.status, len(page.hops)) == (503, 1)
        await stack.idp.start()
        await eventually(
            lambda: stack.look(browser), lambda seen: seen.status == 200, within=SOON, what="served again"
        )
        account = await stack.account("alice")
        assert account is not None
        assert account.is_active


async def test_a_rotated_client_secret_is_the_operators_trouble_and_nobody_elses(
    every_system: System, browser: Browser
) -> None:
    async with every_system() as stack:
        await stack.sign_in(browser, "alice")
        await stack.idp.change_secret("rotated-at-the-idp")
        await meets(stack, browser, "idp_misconfigured")
        figures = await stack.muster.figures()
        assert any("misconfigured" in name and value > 0 for name, value in figures.items()), figures
        account = await stack.account("alice")
        assert account is not None
        assert account.is_active
        await stack.idp.change_secret(stack.idp.secret)
        await stack.refreshed(browser)


async def test_forty_requests_of_a_session_that_is_due_ask_the_idp_once(
    every_system: System, browser: Browser
) -> None:
    refresh = {"every": "6s", "at_least": "1s", "grace": "60s", "cool_off": "1s"}
    async with every_system(refresh=refresh) as stack:
        await stack.sign_in(browser, "alice")
        before = await stack.idp.refreshes()
        hold = stack.idp.relay.hold(TOKEN_REQUEST)
        await requests_wait(stack, browser)
        await hold.arrived()
        waiting = [asyncio.ensure_future(stack.look(browser)) for _ in range(40)]
        answered, _ = await asyncio.wait(waiting, timeout=0.5)
        assert (len(answered), hold.seen) == (0, 1), "all wait, for one question"
        stack.idp.relay.stop_holding()
        hold.release()
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert await stack.idp.refreshes() == before + 1
        answers = await asyncio.gather(*waiting)
        assert [answer.status for answer in answers] == [200] * 40
        assert await stack.idp.refused() == 0


async def requests_wait(stack: Stack, browser: Browser) -> None:
    """Returns once the session is due: a request is no longer answered while the IdP is."""

    async def is_kept_waiting() -> bool:
        try:
            async with asyncio.timeout(0.5):
                await stack.look(browser)
        except TimeoutError:
            return True
        return False

    await eventually(is_kept_waiting, bool, within=SOON, what="a request waits for the IdP")

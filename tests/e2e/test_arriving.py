"""Step 1 and 6 of the story: a first visit, and twenty at once."""

import asyncio

import pytest

from tests.e2e.apps import HAND_MADE
from tests.e2e.conftest import Browsers, System
from tests.e2e.stack import SOON
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser


async def test_a_first_visit_makes_the_account_and_its_groups_before_the_app_sees_a_request(
    every_system: System, browser: Browser
) -> None:
    async with every_system() as stack:
        page = await stack.sign_in(browser, "alice")
        assert (page.status, stack.app.shown(page)) == (200, "alice")
        account = await stack.account("alice")
        assert account is not None
        assert (account.is_active, account.email) == (True, "alice@example.com")
        assert account.groups == {"Developers"}
        assert await stack.app.order() == ["create", "join", "page"]
        assert await stack.app.strangers() == 0


async def test_the_app_is_told_who_it_is_and_only_the_groups_that_matter_to_it(
    demo: System, browser: Browser
) -> None:
    async with demo() as stack:
        await stack.idp.set_groups("alice", ["engineers", "secret-project"])
        page = await stack.sign_in(browser, "alice")
        assert stack.app.identity(page) == {
            "X-Forwarded-User": ["alice"],
            "X-Forwarded-Email": ["alice@example.com"],
            "X-Forwarded-Groups": ["engineers"],
            "X-Forwarded-Preferred-Username": ["alice"],
        }


async def test_a_person_without_groups_is_told_apart_from_one_whose_groups_are_not_stated(
    demo: System, browsers: Browsers
) -> None:
    async with demo() as stack:
        erin, bob = await browsers(), await browsers()
        await stack.idp.set_groups("bob", None)
        assert stack.app.identity(await stack.sign_in(erin, "erin"))["X-Forwarded-Groups"] == [""]
        assert "X-Forwarded-Groups" not in stack.app.identity(await stack.sign_in(bob, "bob"))


async def test_somebody_with_an_account_is_linked_to_it_by_a_verified_address(
    demo: System, browser: Browser
) -> None:
    async with demo() as stack:
        before = await stack.account("carol")
        page = await stack.sign_in(browser, "carol")
        after = await stack.account("carol")
        assert page.status == 200
        assert before is not None
        assert after is not None
        assert after.id == before.id
        assert after.groups == {"Developers", "Designers", HAND_MADE}
        assert await stack.app.creations() == 0


async def test_a_domain_that_is_not_admitted_sees_a_page_and_gets_no_account(
    demo: System, browser: Browser
) -> None:
    async with demo() as stack:
        page = await stack.sign_in(browser, "mallory")
        assert page.status == 403
        assert "Traceback" not in page.text
        assert await stack.account("mallory") is None
        assert (await stack.app.creations(), await stack.app.pages()) == (0, 0)


async def test_after_signing_in_the_browser_stands_where_it_wanted_to_go(
    demo: System, browser: Browser
) -> None:
    async with demo() as stack:
        await browser.go(stack.muster.url("/headers?deep=1&name=a%20b"))
        page = await stack.idp.answer(browser, "alice")
        assert page.status == 200
        assert str(page.url) == stack.muster.url("/headers?deep=1&name=a%20b")


async def test_signing_in_again_needs_no_second_answer_while_the_session_lives(
    system: System, browser: Browser
) -> None:
    async with system() as stack:
        await stack.sign_in(browser, "alice")
        page = await browser.go(stack.page)
        assert (page.status, len(page.hops)) == (200, 1)


@pytest.mark.parametrize("people", [20])
async def test_twenty_first_visits_at_once_make_one_account(
    every_system: System, browsers: Browsers, people: int
) -> None:
    async with every_system() as stack:
        profiles = [await browsers() for _ in range(people)]
        for profile in profiles:
            await profile.go(stack.page)
            page = await stack.idp.answer(profile, "alice", follow=False)
            assert page.location.path.startswith("/_muster/callback")
        await asyncio.gather(*(profile.follow() for profile in profiles))

        async def looks() -> list[int]:
            return [answer.status for answer in await asyncio.gather(*(stack.look(one) for one in profiles))]

        await eventually(looks, lambda seen: seen == [200] * people, within=SOON, what="everybody is served")
        assert await stack.account("alice") is not None
        assert (await stack.app.creations(), await stack.app.strangers()) == (1, 0)


async def test_twenty_first_requests_of_one_new_session_are_all_served(
    demo: System, browser: Browser
) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        answers = await browser.fetch_many(stack.page, 20)
        assert [answer.status for answer in answers] == [200] * 20
        assert await stack.app.creations() == 1

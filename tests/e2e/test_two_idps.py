"""Two IdPs in one configuration: each vouches for its own people, and neither can answer for the other."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yarl import URL

from proxy.demo.people import Person
from tests.e2e.apps import LINKED, demo_app
from tests.e2e.conftest import Browsers
from tests.e2e.idps import Idp, demo_idp
from tests.e2e.stack import SOON, Stack, idp_entry, running, write_secret
from tests.e2e.waiting import eventually
from tests.fakes.browser import Answer, Browser

DORA = Person(login="dora", name="Dora Dean", email="dora@example.com", groups=("engineers",))
OTHER_ALICE = Person(login="alice", name="Another Alice", email="alice@example.com", groups=("designers",))
OTHER_ID = "partners"


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """The system, and the second IdP beside the stack's own."""

    stack: Stack
    other: Idp

    async def sign_in(self, browser: Browser, login: str) -> Answer:
        """At the stack's own IdP."""
        page = await browser.go(self._address("corp"))
        return await self.stack.idp.answer(browser, login) if self.stack.idp.asks(page) else page

    def _address(self, idp: str) -> URL:
        return URL(self.stack.muster.url("/_muster/sign-in")).with_query(
            idp=idp, return_to=self.stack.app.page
        )

    async def sign_in_at_other(self, browser: Browser, login: str, *, follow: bool = True) -> Answer:
        page = await browser.go(self._address(OTHER_ID))
        return await self.other.answer(browser, login, follow=follow) if self.other.asks(page) else page


@asynccontextmanager
async def two(tmp_path: Path, **changes: Any) -> AsyncIterator[Two]:
    folder = tmp_path / "muster"
    folder.mkdir()
    async with AsyncExitStack() as stack:
        idp = await stack.enter_async_context(demo_idp())
        other = await stack.enter_async_context(demo_idp((DORA, OTHER_ALICE)))
        app = await stack.enter_async_context(demo_app())
        write_secret(folder / "other.secret", other.secret)
        entries = [
            idp_entry(idp),
            idp_entry(other, OTHER_ID, client_secret={"file": "other.secret"}, domains=["partners.test"]),
        ]
        system = await stack.enter_async_context(running(idp, app, folder, idps=entries, **changes))
        yield Two(stack=system, other=other)


async def test_each_vouches_for_its_own(tmp_path: Path, browsers: Browsers) -> None:
    async with two(tmp_path) as both:
        bob, dora = await browsers(), await browsers()
        await both.sign_in(bob, "bob")
        page = await both.sign_in_at_other(dora, "dora")
        assert (page.status, both.stack.app.shown(page)) == (200, "dora")
        assert both.stack.app.shown(await both.stack.look(bob)) == "bob"


async def test_one_being_down_touches_nobody_of_the_other(tmp_path: Path, browsers: Browsers) -> None:
    async with two(tmp_path) as both:
        bob, dora = await browsers(), await browsers()
        await both.sign_in(bob, "bob")
        await both.sign_in_at_other(dora, "dora")
        await both.other.stop()
        await both.stack.refreshed(bob, times=2)
        assert (await both.stack.look(dora)).status == 200
        account = await both.stack.account("dora")
        assert account is not None
        assert account.is_active


async def test_the_same_address_at_a_second_idp_is_not_the_same_person(
    tmp_path: Path, browsers: Browsers
) -> None:
    async with two(tmp_path) as both:
        alice, other = await browsers(), await browsers()
        await both.sign_in(alice, "alice")
        before = await both.stack.account("alice")
        page = await both.sign_in_at_other(other, "alice")
        assert both.stack.app.shown(page) is None or both.stack.app.shown(page) != "alice"
        assert await both.stack.account("alice") == before
        assert (page.status, "bound_to_another" in page.text) == (403, True)
        addresses = [account.email for account in await both.stack.app.accounts()]
        assert addresses.count("alice@example.com") == 1


async def test_where_the_operator_says_so_both_idps_vouch_for_one_account_and_each_for_its_groups(
    tmp_path: Path, browsers: Browsers
) -> None:
    """Statements are united, and neither takes away what the other grants (semantics §1.3, §9.1)."""
    async with two(tmp_path, joining={"domains": ["example.com"], "link_across": True}) as both:
        alice, other = await browsers(), await browsers()
        await both.sign_in(alice, "alice")
        page = await both.sign_in_at_other(other, "alice")
        assert (page.status, both.stack.app.shown(page)) == (200, "alice")

        async def groups() -> frozenset[str]:
            for browser in (alice, other):
                assert (await both.stack.look(browser)).status == 200
            account = await both.stack.account("alice")
            assert account is not None
            return account.groups

        both_groups = frozenset(LINKED.values())
        await eventually(groups, lambda seen: seen == both_groups, within=SOON, what="groups of both")
        await both.stack.idp.set_groups("alice", [])
        await eventually(
            groups, lambda seen: seen == {LINKED["designers"]}, within=SOON, what="the other's stay"
        )
        await both.other.set_groups("alice", None)
        await both.stack.idp.set_groups("alice", ["engineers"])
        await eventually(
            groups, lambda seen: seen == both_groups, within=SOON, what="not stated takes nothing"
        )


async def test_the_issuer_of_one_is_refused_in_an_answer_of_the_other(
    tmp_path: Path, browsers: Browsers
) -> None:
    """Mix-up: RFC 9207, RFC 9700 §4.4."""
    async with two(tmp_path) as both:
        browser = await browsers()
        page = await both.sign_in_at_other(browser, "dora", follow=False)
        refused = await browser.go(page.location.update_query(iss=both.stack.idp.issuer), link=True)
        assert refused.status in {400, 401}
        assert (await both.stack.look(browser)).status == 401


async def test_a_suspension_at_one_ends_nothing_of_a_person_of_the_other(
    tmp_path: Path, browsers: Browsers
) -> None:
    async with two(tmp_path) as both:
        alice, dora = await browsers(), await browsers()
        await both.sign_in(alice, "alice")
        await both.sign_in_at_other(dora, "dora")
        await both.stack.idp.suspend("alice")
        await both.stack.signed_out(alice)
        assert (await both.stack.look(dora)).status == 200


async def test_with_two_idps_people_choose(tmp_path: Path, browsers: Browsers) -> None:
    async with two(tmp_path) as both:
        browser = await browsers()
        page = await browser.go(both.stack.page)
        assert page.status == 200
        assert await both.stack.app.pages() == 0
        links = re.findall(r'href="([^"]*idp=[^"]*)"', page.text)
        assert len(links) == 2, page.text
        assert both.stack.idp.asks(await browser.go(html.unescape(links[0]), link=True))
        page = await both.stack.idp.answer(browser, "bob")
        assert (page.status, both.stack.app.shown(page)) == (200, "bob")


async def test_an_address_chooses_the_idp_which_is_told_it_and_is_remembered(
    tmp_path: Path, browsers: Browsers
) -> None:
    async with two(tmp_path) as both:
        browser = await browsers()
        page = await browser.go(both.stack.page)
        unknown = await browser.submit(page.form(), {"email": "dora@nowhere.test"})
        assert "No identity provider here is known" in unknown.text
        onward = await browser.submit(unknown.form(), {"email": "dora@partners.test"})
        assert (onward.status, len(onward.hops)) == (200, 1), "a form's answer is no redirect: form-action"
        found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', onward.text)
        assert found is not None, onward.text
        asked = await browser.go(html.unescape(found[1]), link=True)
        assert both.other.asks(asked)
        assert asked.url.query["login_hint"] == "dora@partners.test"
        page = await both.other.answer(browser, "dora")
        assert (page.status, both.stack.app.shown(page)) == (200, "dora")
        assert str(page.url) == both.stack.page
        choosing = await browser.go(both.stack.muster.url("/_muster/sign-in"))
        first = re.findall(r"idp=(\w+)", choosing.text)[0]
        assert (first, "last used in this browser" in choosing.text) == (OTHER_ID, True)

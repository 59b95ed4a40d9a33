"""One IdP enforced among several (semantics §1.5, §4.1): others are refused, and who gets an account is decided as ever."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yarl import URL

from proxy.demo.people import Person
from tests.e2e.apps import App, demo_app
from tests.e2e.conftest import Browsers
from tests.e2e.idps import Idp, demo_idp
from tests.e2e.stack import SOON, Stack, configuration, idp_entry, running, write_secret
from tests.e2e.waiting import eventually
from tests.fakes.browser import Answer, Browser

GOOGLE = "google"
OTHER = "other"
AT_GOOGLE = (
    Person(login="gina", name="Gina Green", email="gina@example.com", hosted_domain="example.com"),
    Person(login="tom", name="Tom Thorn", email="tom@example.com", hosted_domain="elsewhere.test"),
    Person(login="sam", name="Sam Stone", email="sam@example.com"),
)
AT_OTHER = (Person(login="dora", name="Dora Dean", email="dora@example.com"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offices:
    """The system with both IdPs; `enforce` and `again` restart Muster with other settings."""

    stack: Stack
    other: Idp
    folder: Path
    entries: list[dict[str, Any]]

    async def again(self, **changes: Any) -> None:
        stack = self.stack
        stack.muster.stop()
        stack.muster.configure(
            configuration(stack.idp, stack.app, self.folder, {"idps": self.entries, **changes})
        )
        await stack.muster.start()

    async def start_at(self, browser: Browser, idp: str) -> Answer:
        address = URL(self.stack.muster.url("/_muster/sign-in"))
        return await browser.go(address.with_query(idp=idp, return_to=self.stack.app.page))

    async def sign_in(self, browser: Browser, idp: Idp, idp_id: str, login: str) -> Answer:
        page = await self.start_at(browser, idp_id)
        return await idp.answer(browser, login) if idp.asks(page) else page

    async def logins(self) -> set[str]:
        return {account.login for account in await self.stack.app.accounts()}


@asynccontextmanager
async def offices(tmp_path: Path, **changes: Any) -> AsyncIterator[Offices]:
    folder = tmp_path / "muster"
    folder.mkdir()
    async with AsyncExitStack() as stack:
        google = await stack.enter_async_context(demo_idp(AT_GOOGLE))
        other = await stack.enter_async_context(demo_idp(AT_OTHER))
        app: App = await stack.enter_async_context(demo_app())
        write_secret(folder / "other.secret", other.secret)
        entries = [
            idp_entry(google, GOOGLE, kind="google"),
            idp_entry(other, OTHER, client_secret={"file": "other.secret"}),
        ]
        system = await stack.enter_async_context(running(google, app, folder, idps=entries, **changes))
        yield Offices(stack=system, other=other, folder=folder, entries=entries)


async def test_google_only_refuses_every_other_sign_in_and_still_needs_auto_join_to_create(
    tmp_path: Path, browsers: Browsers
) -> None:
    joining = {"domains": ["example.com"]}
    only = {"enforce": GOOGLE}
    async with offices(tmp_path, sign_in=only, joining={**joining, "auto_join": False}) as both:
        google, before = both.stack.idp, await both.logins()

        refused = await both.start_at(await browsers(), OTHER)
        assert (refused.status, "idp_not_allowed" in refused.text) == (403, True)
        straight = await (await browsers()).go(both.stack.page)
        assert google.asks(straight), "with one that may be used nobody is asked"

        uninvited = await both.sign_in(await browsers(), google, GOOGLE, "gina")
        assert (uninvited.status, "not_invited" in uninvited.text) == (403, True)
        assert await both.logins() == before, "enforcing creates nobody"

        await both.again(sign_in=only, joining=joining)
        joined = await both.sign_in(await browsers(), google, GOOGLE, "gina")
        assert (joined.status, both.stack.app.shown(joined)) == (200, "gina")
        for login in ("tom", "sam"):
            page = await both.sign_in(await browsers(), google, GOOGLE, login)
            assert (page.status, "domain_not_allowed" in page.text) == (403, True), (
                "hd decides, not the address"
            )
        assert await both.logins() == before | {"gina"}


async def test_enforcing_one_idp_ends_the_others_sessions_at_their_renewal_and_archives_nobody(
    tmp_path: Path, browsers: Browsers
) -> None:
    async with offices(tmp_path) as both:
        stack, dora, gina = both.stack, await browsers(), await browsers()
        assert (await both.sign_in(dora, both.other, OTHER, "dora")).status == 200
        assert (await both.sign_in(gina, stack.idp, GOOGLE, "gina")).status == 200
        account = await stack.account("dora")
        asked = await both.other.refreshes() + await both.other.refused()
        await both.again(sign_in={"enforce": GOOGLE})
        await stack.signed_out(dora)
        assert await both.other.refreshes() + await both.other.refused() == asked, "it is not even asked"
        await stack.logs("idp_not_allowed")
        assert stack.idp.asks(await dora.go(stack.page))
        await stack.refreshed(gina)
        assert await stack.account("dora") == account
        assert not stack.muster.has_logged("timer_started")


async def test_a_sign_in_that_began_before_is_refused_at_its_callback(
    tmp_path: Path, browsers: Browsers
) -> None:
    async with offices(tmp_path) as both:
        browser = await browsers()
        await both.start_at(browser, OTHER)
        back = await both.other.answer(browser, "dora", follow=False)
        await both.again(sign_in={"enforce": GOOGLE})
        page = await browser.go(back.location, link=True)
        assert (page.status, "idp_not_allowed" in page.text) == (403, True)
        assert both.other.state.redeemed == {}  # type: ignore[attr-defined]
        assert (await both.stack.look(browser)).status == 401


async def test_a_refused_person_may_use_another_account_and_is_not_sent_back_into_the_refused_one(
    tmp_path: Path, browsers: Browsers
) -> None:
    async with offices(tmp_path, sign_in={"enforce": GOOGLE}) as both:
        browser, google = await browsers(), both.stack.idp
        refused = await both.sign_in(browser, google, GOOGLE, "tom")
        assert "Use another account" in refused.text
        again = await browser.go(both.stack.page)
        assert (again.status, again.hops[-1].path) == (403, both.stack.app.page), "no circle"
        target = refused.text.split('href="')[-1].partition('"')[0].replace("&amp;", "&")
        asked = await browser.go(target, link=True)
        assert google.asks(asked), "the IdP knows this browser, and asks all the same"
        page = await google.answer(browser, "gina")

        async def look() -> tuple[int, str | None]:
            seen = await both.stack.look(browser)
            return seen.status, both.stack.app.shown(seen)

        assert page.status in {200, 503}
        await eventually(look, lambda seen: seen == (200, "gina"), within=SOON, what="gina is in")

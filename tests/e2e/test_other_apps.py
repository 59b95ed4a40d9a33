"""The story on JupyterHub and Superset as they are published: people are known by name and never archived; lists are whole.

All tests of an app share one that runs, so each brings people of its own.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

import pytest

from proxy.demo.people import Person
from tests.e2e import apps_jupyterhub, apps_superset
from tests.e2e.apps import HAND_MADE, App, Seen
from tests.e2e.conftest import Browsers
from tests.e2e.idps import certified_idp
from tests.e2e.stack import SOON, Stack, running, session_value
from tests.e2e.test_commands import muster
from tests.e2e.test_leaving import AT_ONCE, archived
from tests.e2e.test_staying import groups_become
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser
from tests.partners import oidc_provider
from tests.partners.jupyterhub import jupyterhub_process, need_jupyterhub
from tests.partners.superset import need_superset, superset_process

pytestmark = pytest.mark.partner

AT_ONCE_VISITS = 20


class OtherApp(App, Protocol):
    """What these apps can besides: people are made in them by hand, and called what the app calls them."""

    def login_of(self, person: Person) -> str: ...

    async def make_by_hand(self, person: Person) -> None: ...


Started: TypeAlias = Callable[[], AbstractAsyncContextManager[OtherApp]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A running system and two people whom nothing in it has heard of. `neighbour` is in the linked groups of neither."""

    stack: Stack
    app: OtherApp
    person: Person
    neighbour: Person

    @property
    def login(self) -> str:
        """The person's, in the app."""
        return self.app.login_of(self.person)

    async def sign_in(self, browser: Browser) -> None:
        page = await self.stack.sign_in(browser, self.person.login)
        assert (page.status, self.app.shown(page)) == (200, self.login), page.text[:1000]

    async def account(self) -> Seen:
        found = await self.stack.account(self.login)
        assert found is not None, f"{self.login} has no account"
        return found

    async def groups_of(self, person: Person) -> frozenset[str]:
        account = await self.stack.account(self.app.login_of(person))
        assert account is not None
        return account.groups

    async def stands_by(self, *groups: str) -> None:
        """The neighbour was here before Muster, and was put into these groups by hand."""
        await self.app.make_by_hand(self.neighbour)
        for group in groups:
            await self.app.join_by_hand(self.app.login_of(self.neighbour), group)


@pytest.fixture(scope="module")
def jupyterhub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    need_jupyterhub()
    with jupyterhub_process(tmp_path_factory.mktemp("app")) as hub:
        asyncio.run(apps_jupyterhub.furnish(hub))
        yield lambda: apps_jupyterhub.real_jupyterhub(hub)


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    need_superset()
    with superset_process(tmp_path_factory.mktemp("app")) as process:
        asyncio.run(apps_superset.furnish(process))
        yield lambda: apps_superset.real_superset(process)


@pytest.fixture(scope="module", params=["jupyterhub", "superset"])
def started(request: pytest.FixtureRequest) -> Started:
    """Each app after the other; a test that is about one of them names it: `only(...)`."""
    return cast("Started", request.getfixturevalue(request.param))


def only(app: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("started", [app], indirect=True)


def somebody(*groups: str) -> Person:
    login = f"p{secrets.token_hex(4)}"
    return Person(login=login, name=f"Pat {login}", email=f"{login}@example.com", groups=groups)


class Tell(Protocol):
    """Starts the story; keywords are those of `running`."""

    def __call__(self, **changes: Any) -> AbstractAsyncContextManager[Story]: ...


@pytest.fixture
def story(started: Started, tmp_path: Path) -> Tell:
    """The certified IdP and one of the apps."""
    if (lack := oidc_provider.missing()) is not None:
        pytest.skip(lack)
    (folder := tmp_path / "muster").mkdir()

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[Story]:
        person, neighbour = somebody("engineers"), somebody()
        async with (
            certified_idp(tmp_path / "idp", (person, neighbour)) as idp,
            started() as app,
            running(idp, app, folder, **changes) as stack,
        ):
            yield Story(stack=stack, app=app, person=person, neighbour=neighbour)

    return start


async def test_the_app_believes_the_header_and_turns_away_whom_it_does_not_know(
    started: Started, browsers: Browsers
) -> None:
    """Without Muster: what the other tests read off the app would show it if a stranger came through."""
    async with started() as app:
        known, stranger = somebody(), somebody()
        await app.make_by_hand(known)
        for person, shown in ((known, app.login_of(known)), (stranger, None)):
            headers = {"X-Forwarded-User": app.login_of(person)}
            page = await (await browsers()).go(app.url + app.page, headers=headers)
            assert app.shown(page) == shown
        assert await app.strangers() == 1


async def test_the_account_and_its_groups_are_there_before_the_first_page_which_shows_the_person(
    story: Tell, browser: Browser
) -> None:
    async with story() as told:
        page = await told.stack.sign_in(browser, told.person.login)
        assert (page.status, told.app.shown(page)) == (200, told.login), page.text[:1000]
        account = await told.account()
        assert (account.email, account.is_active) == (told.person.email, True)
        assert account.groups == {"Developers"}
        assert told.app.identity(page) == {
            "X-Forwarded-User": [told.login],
            "X-Forwarded-Email": [told.person.email],
            "X-Forwarded-Groups": ["engineers"],
            "X-Forwarded-Preferred-Username": [told.person.login],
        }
        assert await told.app.order() == ["create", "join", "page"]
        assert (await told.app.creations(), await told.app.strangers()) == (1, 0)


async def test_somebody_made_by_hand_is_linked_by_their_address_and_keeps_what_they_had(
    story: Tell, browser: Browser
) -> None:
    async with story() as told:
        await told.app.make_by_hand(told.person)
        await told.app.join_by_hand(told.login, HAND_MADE)
        before = await told.account()
        await told.sign_in(browser)
        after = await told.account()
        assert after == replace(before, groups=frozenset({"Developers", HAND_MADE}))
        assert await told.app.creations() == 0


async def test_groups_follow_within_one_interval_and_what_was_made_by_hand_stays(
    story: Tell, browser: Browser
) -> None:
    """The neighbour, whom nobody vouched for, stays in both linked groups: a whole list is not written without them."""
    async with story() as told:
        await told.stands_by("Developers", "Designers", HAND_MADE)
        await told.sign_in(browser)
        cookie = session_value(browser)
        await told.app.join_by_hand(told.login, HAND_MADE)
        await told.stack.idp.set_groups(told.person.login, ["designers"])
        await told.stack.refreshed(browser)
        await groups_become(told.stack, told.login, {"Designers", HAND_MADE}, within=5)
        page = await told.stack.look(browser)
        assert told.app.identity(page)["X-Forwarded-Groups"] == ["designers"]
        assert (told.app.shown(page), session_value(browser)) == (told.login, cookie)
        assert await told.groups_of(told.neighbour) == {"Developers", "Designers", HAND_MADE}


async def test_a_missing_claim_takes_nothing_away_and_no_groups_takes_the_linked_ones(
    story: Tell, browser: Browser
) -> None:
    async with story() as told:
        await told.sign_in(browser)
        await told.app.join_by_hand(told.login, HAND_MADE)
        await told.stack.idp.set_groups(told.person.login, None)
        await told.stack.refreshed(browser, times=2)
        assert (await told.account()).groups == {"Developers", HAND_MADE}
        page = await told.stack.look(browser)
        assert told.app.identity(page)["X-Forwarded-Groups"] == ["engineers"]
        await told.stack.idp.set_groups(told.person.login, [])
        await told.stack.refreshed(browser)
        await groups_become(told.stack, told.login, {HAND_MADE}, within=5)


async def suspended(told: Story, *devices: Browser) -> None:
    """Everybody's sessions on all devices are over, and the app hears no more of them."""
    await told.stack.idp.suspend(told.person.login)
    await told.stack.signed_out(devices[0])
    for device in devices[1:]:
        await told.stack.signed_out(device, within=2)
    before = await told.app.pages()
    assert [(await told.stack.look(device)).status for device in devices] == [401] * len(devices)
    assert await told.app.pages() == before


@only("superset")
async def test_superset_archives_whoever_is_suspended_and_gives_the_same_account_back(
    story: Tell, browsers: Browsers
) -> None:
    async with story(idp=AT_ONCE) as told:
        await told.stands_by("Developers")
        laptop, phone = await browsers(), await browsers()
        for device in (laptop, phone):
            await told.sign_in(device)
        before = await told.account()
        await suspended(told, laptop, phone)
        gone = await archived(told.stack, told.login)
        assert gone.id == before.id
        straight = await laptop.fetch(told.app.url + told.app.page, headers={"X-Forwarded-User": told.login})
        assert told.app.shown(straight) is None
        await is_back(told, laptop, before)
        assert await told.groups_of(told.neighbour) == {"Developers"}


@only("jupyterhub")
async def test_jupyterhub_keeps_the_account_of_whoever_is_suspended_out_of_every_linked_group(
    story: Tell, browsers: Browsers
) -> None:
    async with story(idp=AT_ONCE) as told:
        await told.stands_by("Developers")
        laptop, phone = await browsers(), await browsers()
        for device in (laptop, phone):
            await told.sign_in(device)
        await told.app.join_by_hand(told.login, HAND_MADE)
        before = await told.account()
        await suspended(told, laptop, phone)
        await groups_become(told.stack, told.login, {HAND_MADE})
        await told.stack.logs("no_archive")
        await is_back(told, laptop, before, HAND_MADE)
        assert await told.groups_of(told.neighbour) == {"Developers"}


async def is_back(told: Story, browser: Browser, before: Seen, *kept: str) -> None:
    """Enabled again with other groups: the same account, active, in what the IdP says now."""
    await told.stack.idp.resume(told.person.login)
    await told.stack.idp.set_groups(told.person.login, ["designers"])
    await told.sign_in(browser)
    assert await told.account() == replace(before, groups=frozenset({"Designers", *kept}))
    assert await told.app.creations() == 1


@only("jupyterhub")
async def test_the_gate_refuses_whom_jupyterhub_cannot_archive_though_the_idp_vouches_for_them(
    story: Tell, browser: Browser
) -> None:
    async with story() as told:
        await told.sign_in(browser)
        await muster(told.stack, "members", "deny", told.login)
        await told.stack.signed_out(browser)
        await groups_become(told.stack, told.login, set())
        before = await told.app.pages()
        page = await told.stack.sign_in(browser, told.person.login)
        assert page.status == 403
        assert str(page.url.origin()) == told.stack.muster.ports.public_url
        assert await told.app.pages() == before
        assert (await told.account()).groups == frozenset()
        await muster(told.stack, "members", "undeny", told.login)

        async def comes_back() -> str | None:
            return told.app.shown(await told.stack.sign_in(browser, told.person.login))

        await eventually(comes_back, lambda login: login == told.login, within=SOON, what="let in again")
        assert (await told.account()).groups == {"Developers"}
        assert await told.app.creations() == 1


async def test_twenty_first_visits_at_once_make_one_account(story: Tell, browsers: Browsers) -> None:
    async with story() as told:
        profiles = [await browsers() for _ in range(AT_ONCE_VISITS)]
        for profile in profiles:
            await profile.go(told.stack.page)
            page = await told.stack.idp.answer(profile, told.person.login, follow=False)
            assert page.location.path.startswith("/_muster/callback")
        await asyncio.gather(*(profile.follow() for profile in profiles))

        async def shown() -> set[str | None]:
            pages = await asyncio.gather(*(profile.go(told.stack.page) for profile in profiles))
            return {told.app.shown(page) for page in pages}

        await eventually(shown, lambda seen: seen == {told.login}, within=SOON, what="everybody is served")
        assert (await told.account()).groups == {"Developers"}
        assert (await told.app.creations(), await told.app.strangers()) == (1, 0)

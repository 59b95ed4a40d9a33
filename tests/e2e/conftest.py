"""The systems that the story is told on: the demonstration alone, the certified IdP, and with it the real Redmine."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.e2e.apps import demo_app
from tests.e2e.apps_redmine import real_redmine
from tests.e2e.idps import certified_idp, demo_idp
from tests.e2e.stack import Stack, running
from tests.e2e.stores import kept as kept  # noqa: PLC0414  # pytest finds it by name
from tests.fakes.browser import Browser
from tests.partners import oidc_provider
from tests.partners.redmine import need_redmine


class System(Protocol):
    """Starts an IdP, an app and Muster; keywords replace sections of the configuration, `idp=` merges into the IdP's entry."""

    def __call__(self, **changes: Any) -> AbstractAsyncContextManager[Stack]: ...


def _folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


@pytest.fixture
def demo(tmp_path: Path) -> System:
    """The demo IdP and the demo app."""

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[Stack]:
        async with (
            demo_idp() as idp,
            demo_app() as app,
            running(idp, app, _folder(tmp_path, "muster"), **changes) as stack,
        ):
            yield stack

    return start


@pytest.fixture
def certified(tmp_path: Path) -> System:
    """The certified IdP and the demo app."""
    if (lack := oidc_provider.missing()) is not None:
        pytest.skip(lack)

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[Stack]:
        async with (
            certified_idp(tmp_path / "idp") as idp,
            demo_app() as app,
            running(idp, app, _folder(tmp_path, "muster"), **changes) as stack,
        ):
            yield stack

    return start


@pytest.fixture
def redmine(tmp_path: Path) -> System:
    """The certified IdP and the real Redmine."""
    if (lack := oidc_provider.missing()) is not None:
        pytest.skip(lack)
    need_redmine()

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[Stack]:
        async with (
            certified_idp(tmp_path / "idp") as idp,
            real_redmine(tmp_path) as app,
            running(idp, app, _folder(tmp_path, "muster"), **changes) as stack,
        ):
            yield stack

    return start


DEMO = "demo"
CERTIFIED = pytest.param("certified", marks=pytest.mark.partner)
REDMINE = pytest.param("redmine", marks=pytest.mark.partner)


@pytest.fixture(params=[DEMO, CERTIFIED, REDMINE])
def every_system(request: pytest.FixtureRequest) -> System:
    """Both IdPs with the demo app, and the certified one with Redmine: for the steps of the story."""
    chosen: System = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(params=[DEMO, CERTIFIED])
def system(request: pytest.FixtureRequest) -> System:
    """Both IdPs, one after the other, with the demo app."""
    chosen: System = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
async def browsers() -> AsyncIterator["Browsers"]:
    async with AsyncExitStack() as stack:
        yield Browsers(stack)


class Browsers:
    """Browser profiles, closed when the test ends."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def __call__(self) -> Browser:
        return await self._stack.enter_async_context(Browser())


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """One browser profile."""
    async with Browser() as one:
        yield one


@pytest.fixture
async def running_demo(demo: System) -> AsyncIterator[Stack]:
    """The demonstration's system with the tests' configuration as it is."""
    async with demo() as stack:
        yield stack

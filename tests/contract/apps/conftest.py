"""The apps on which the contract of AppAdmin is tried: the demo app, an awkward one of our own, and the real Redmine."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from proxy.apps.preset import Preset
from proxy.apps.preset_file import load_preset, parse_preset
from proxy.apps.proof import Credentials
from proxy.apps.rest import RestAppAdmin
from proxy.demo.app import DemoApp
from tests.fakes.rest_app import PRESET, CorpApp
from tests.partners.redmine import Redmine, redmine_process

APPS = ("demo", "corp", pytest.param("redmine", marks=pytest.mark.partner))


@dataclass(frozen=True, slots=True, kw_only=True)
class AppUnderTest:
    """An app, asked with the right credential and with a wrong one. `admin_login` is the account behind the right one."""

    admin: RestAppAdmin
    unproved: RestAppAdmin
    admin_login: str
    roles: tuple[str, str]


@pytest.fixture(scope="session")
def redmine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redmine]:
    with redmine_process(tmp_path_factory.mktemp("redmine")) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture(params=APPS)
async def app(request: pytest.FixtureRequest, http: aiohttp.ClientSession) -> AsyncIterator[AppUnderTest]:
    match request.param:
        case "redmine":
            redmine: Redmine = request.getfixturevalue("redmine")
            preset = load_preset("redmine", Path())
            yield _two(
                preset, redmine.url, {"token": lambda: redmine.admin_key}, http, "admin", ("user", "admin")
            )
        case "demo":
            demo = DemoApp("right", page_size=3)
            preset = load_preset("demo", Path())
            async with AsyncExitStack() as stack:
                url = await demo.start()
                stack.push_async_callback(demo.stop)
                yield _two(preset, url, {"token": lambda: "right"}, http, "robot", ("end-user", "builder"))
        case _:
            credentials = {"username": lambda: "root", "password": lambda: "s3cret"}
            async with CorpApp() as corp:
                yield _two(parse_preset(PRESET), corp.url, credentials, http, "root", ("member", "owner"))


def _two(
    preset: Preset,
    url: str,
    credentials: Credentials,
    http: aiohttp.ClientSession,
    admin_login: str,
    roles: tuple[str, str],
) -> AppUnderTest:
    wrong = dict.fromkeys(credentials, lambda: "wrong")
    return AppUnderTest(
        admin=RestAppAdmin(preset, url, credentials, http, timeout=20),
        unproved=RestAppAdmin(preset, url, wrong, http, timeout=20),
        admin_login=admin_login,
        roles=roles,
    )

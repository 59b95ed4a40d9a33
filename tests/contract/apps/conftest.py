"""The apps on which the contract of AppAdmin is tried: the demo app, an awkward one of our own, and real ones.

A test of something that an app cannot do runs on those that can (`archiving`, `profiled`), and another says what the rest answer.
"""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest

from proxy.apps.preset import Preset
from proxy.apps.preset_file import load_preset, parse_preset
from proxy.apps.proof import Credentials
from proxy.apps.rest import RestAppAdmin
from proxy.demo.app import DemoApp
from proxy.provisioning.model import Profile
from tests.fakes.rest_app import PRESET, CorpApp
from tests.partners.jupyterhub import JupyterHub, jupyterhub_process
from tests.partners.redmine import Redmine, redmine_process
from tests.partners.superset import Superset, superset_process

OURS = ("demo", "corp")
REDMINE = pytest.param("redmine", marks=pytest.mark.partner)
JUPYTERHUB = pytest.param("jupyterhub", marks=pytest.mark.partner)
SUPERSET = pytest.param("superset", marks=pytest.mark.partner)
APPS = (*OURS, REDMINE, JUPYTERHUB, SUPERSET)
ARCHIVING = (*OURS, REDMINE, SUPERSET)
RANKING = (*OURS, REDMINE, JUPYTERHUB)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppUnderTest:
    """An app, asked with the right credential and with a wrong one. `admin_login` is the account behind the right one.

    `is_named_by_address`: a login is an e-mail address, and the app knows nothing else about a person.
    """

    admin: RestAppAdmin
    unproved: RestAppAdmin
    admin_login: str
    roles: tuple[str, str]
    is_named_by_address: bool = False

    def someone(self, name: str | None = "Anna van Dyke") -> Profile:
        unique = f"u{secrets.token_hex(5)}"
        email = f"{unique}@example.com"
        if self.is_named_by_address:
            return Profile(login=email, email=email, name=None)
        return Profile(login=unique, email=email, name=name)


@pytest.fixture(scope="session")
def redmine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redmine]:
    with redmine_process(tmp_path_factory.mktemp("redmine")) as running:
        yield running


@pytest.fixture(scope="session")
def jupyterhub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterHub]:
    with jupyterhub_process(tmp_path_factory.mktemp("jupyterhub")) as running:
        yield running


@pytest.fixture(scope="session")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    with superset_process(tmp_path_factory.mktemp("superset")) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture(params=APPS)
async def app(request: pytest.FixtureRequest, http: aiohttp.ClientSession) -> AsyncIterator[AppUnderTest]:
    """Every app."""
    async with _running(request, http) as running:
        yield running


@pytest.fixture(params=ARCHIVING)
async def archiving(
    request: pytest.FixtureRequest, http: aiohttp.ClientSession
) -> AsyncIterator[AppUnderTest]:
    """Apps that can switch an account off."""
    async with _running(request, http) as running:
        yield running


@pytest.fixture(params=ARCHIVING)
async def profiled(
    request: pytest.FixtureRequest, http: aiohttp.ClientSession
) -> AsyncIterator[AppUnderTest]:
    """Apps that know a name and an address beside the login."""
    async with _running(request, http) as running:
        yield running


@pytest.fixture(params=RANKING)
async def ranking(request: pytest.FixtureRequest, http: aiohttp.ClientSession) -> AsyncIterator[AppUnderTest]:
    """Apps that give roles to accounts."""
    async with _running(request, http) as running:
        yield running


@pytest.fixture(params=[JUPYTERHUB])
async def app_without_archive(
    request: pytest.FixtureRequest, http: aiohttp.ClientSession
) -> AsyncIterator[AppUnderTest]:
    """Apps that can only delete."""
    async with _running(request, http) as running:
        yield running


@asynccontextmanager
async def _running(
    request: pytest.FixtureRequest, http: aiohttp.ClientSession
) -> AsyncIterator[AppUnderTest]:
    match request.param:
        case "redmine":
            redmine: Redmine = request.getfixturevalue("redmine")
            key = {"token": lambda: redmine.admin_key}
            yield _two(_preset("redmine"), redmine.url, key, http, roles=("user", "admin"))
        case "jupyterhub":
            hub: JupyterHub = request.getfixturevalue("jupyterhub")
            token = {"token": lambda: hub.admin_token}
            two = _two(_preset("jupyterhub"), hub.url, token, http, roles=("user", "admin"))
            yield replace(two, is_named_by_address=True)
        case "superset":
            superset: Superset = request.getfixturevalue("superset")
            pair = {"username": lambda: superset.username, "password": lambda: superset.password}
            yield _two(_preset("superset"), superset.url, pair, http, roles=("", ""))
        case "demo":
            demo = DemoApp("right", page_size=3)
            roles = ("end-user", "builder")
            async with AsyncExitStack() as stack:
                url = await demo.start()
                stack.push_async_callback(demo.stop)
                two = _two(_preset("demo"), url, {"token": lambda: "right"}, http, roles=roles)
                yield replace(two, admin_login="robot")
        case _:
            login = {"username": lambda: "root", "password": lambda: "s3cret"}
            async with CorpApp() as corp:
                two = _two(parse_preset(PRESET), corp.url, login, http, roles=("member", "owner"))
                yield replace(two, admin_login="root")


def _preset(name: str) -> Preset:
    return load_preset(name, Path())


def _two(
    preset: Preset,
    url: str,
    credentials: Credentials,
    http: aiohttp.ClientSession,
    *,
    roles: tuple[str, str],
) -> AppUnderTest:
    wrong = dict.fromkeys(credentials, lambda: "wrong")
    return AppUnderTest(
        admin=RestAppAdmin(preset, url, credentials, http, timeout=20),
        unproved=RestAppAdmin(preset, url, wrong, http, timeout=20),
        admin_login="admin",
        roles=roles,
    )

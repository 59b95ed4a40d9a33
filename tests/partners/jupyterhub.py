"""The real JupyterHub as a test partner: own ports, own database in a folder of the test; nothing is ever spawned.

    with jupyterhub_process(folder) as hub:
        hub.url, hub.admin_token, hub.service_token
        await hub.users()                         # by name
        await hub.page_as("anna@example.com")     # as a proxy would forward her

`X-Forwarded-User` signs in whoever it names, if they have an account. JupyterHub comes with a proxy of its own in another
process; we start that too, because one that the hub starts would outlive a killed hub.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.processes import Child, ChildDied, free_port
from tests.partners.environments import Missing
from tests.partners.oidc_provider import node
from tests.partners.prepare_jupyterhub import ENVIRONMENT

ADMIN = "admin"
_READY_SECONDS = 90.0
_ATTEMPTS = 3

CONFIGURATION = """
import os

from jupyterhub.auth import Authenticator


class HeaderAuthenticator(Authenticator):
    auto_login = True
    allow_existing_users = True

    async def authenticate(self, handler, data=None):
        return handler.request.headers.get("X-Forwarded-User") or None


c = get_config()
c.JupyterHub.authenticator_class = HeaderAuthenticator
c.JupyterHub.bind_url = os.environ["HUB_PUBLIC_URL"]
c.JupyterHub.hub_bind_url = os.environ["HUB_OWN_URL"]
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = os.environ["HUB_PROXY_API"]
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret_file = "cookie_secret"
c.JupyterHub.pid_file = "hub.pid"
c.JupyterHub.api_tokens = {os.environ["HUB_ADMIN_TOKEN"]: "admin"}
c.JupyterHub.services = [{"name": "muster", "api_token": os.environ["HUB_SERVICE_TOKEN"]}]
scopes = ["admin:users", "admin:groups", "list:users", "list:groups"]
c.JupyterHub.load_roles = [{"name": "muster", "services": ["muster"], "scopes": scopes}]
c.Authenticator.admin_users = {"admin"}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubUser:
    """An account as the hub's API shows it to the administrator."""

    name: str
    admin: bool
    groups: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class JupyterHub:
    """A running hub. `url` is its own proxy's; `service_token` is one that belongs to no account."""

    url: str
    admin_token: str = field(repr=False)
    service_token: str = field(repr=False)

    async def users(self) -> dict[str, HubUser]:
        """Every account by its name."""
        return {
            user["name"]: HubUser(name=user["name"], admin=user["admin"], groups=frozenset(user["groups"]))
            for user in await self.call("GET", "/users?limit=200")
        }

    async def make_user(self, name: str) -> None:
        await self.call("POST", f"/users/{name}")

    async def make_group(self, name: str, *members: str) -> None:
        await self.call("POST", f"/groups/{name}")
        await self.call("POST", f"/groups/{name}/users", {"users": list(members)})

    async def members(self, group: str) -> frozenset[str]:
        return frozenset((await self.call("GET", f"/groups/{group}"))["users"])

    async def page_as(self, name: str | None, path: str = "/hub/home") -> tuple[int, str]:
        """Status and text of the page as a browser behind the proxy would get it, after sign-in."""
        headers = {"X-Forwarded-User": name} if name else {}
        jar = aiohttp.CookieJar(unsafe=True)
        async with (
            aiohttp.ClientSession(cookie_jar=jar) as http,
            http.get(self.url + path, headers=headers) as page,
        ):
            return page.status, await page.text()

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the API as the administrator, which must be agreed to."""
        headers = {"Authorization": f"token {self.admin_token}"}
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, f"{self.url}/hub/api{path}", json=body, headers=headers) as answer,
        ):
            text = await answer.text()
            assert answer.status < 300, f"{method} {path}: {answer.status} {text[:500]}"
            return await answer.json() if text.strip() else None


def need_jupyterhub() -> Path:
    """Its environment; skips the test with what is missing, or fails it where CI=true."""
    try:
        if node() is None:
            raise Missing("Node.js 20 or later is not there: run tests/partners/prepare.sh")
        return ENVIRONMENT.ready()
    except Missing as error:
        sentence = f"missing: {error}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


@contextlib.contextmanager
def jupyterhub_process(folder: Path) -> Iterator[JupyterHub]:
    """A running hub whose database is in `folder`; for fixtures of any scope. Blocks for about four seconds."""
    environment = need_jupyterhub()
    place = folder / "jupyterhub"
    place.mkdir(parents=True)
    (place / "config.py").write_text(CONFIGURATION)
    with contextlib.ExitStack() as stack:
        yield _started(environment, place, stack)


def _started(environment: Path, place: Path, stack: contextlib.ExitStack) -> JupyterHub:
    """Ports are chosen before they are bound, so somebody may be quicker: then others are tried."""
    for attempt in range(_ATTEMPTS):
        with contextlib.ExitStack() as trial:
            try:
                hub = _start(environment, place, trial)
            except ChildDied:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            stack.push(trial.pop_all())
            return hub
    raise AssertionError("unreachable: the last attempt returns or raises")


def _start(environment: Path, place: Path, stack: contextlib.ExitStack) -> JupyterHub:
    public, api, own = (free_port() for _ in range(3))
    env = {
        "HUB_PUBLIC_URL": f"http://127.0.0.1:{public}",
        "HUB_OWN_URL": f"http://127.0.0.1:{own}",
        "HUB_PROXY_API": f"http://127.0.0.1:{api}",
        "HUB_ADMIN_TOKEN": secrets.token_hex(20),
        "HUB_SERVICE_TOKEN": secrets.token_hex(20),
        "CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(20),
    }
    program = environment / "node_modules" / ".bin" / "configurable-http-proxy"
    address = ["--ip", "127.0.0.1", "--port", str(public), "--api-ip", "127.0.0.1", "--api-port", str(api)]
    hub_address = [
        "--default-target",
        env["HUB_OWN_URL"],
        "--error-target",
        f"{env['HUB_OWN_URL']}/hub/error",
    ]
    proxy = Child(
        "hub-proxy",
        [node() or "node", str(program), *address, *hub_address],
        folder=place,
        env=env,
        cwd=place,
    )
    stack.enter_context(proxy)
    hub = Child(
        "hub",
        [str(environment / "venv" / "bin" / "jupyterhub"), "-f", "config.py"],
        folder=place,
        env=env,
        cwd=place,
    )
    stack.enter_context(hub)
    hub.wait_for_line(lambda line: "JupyterHub is now running" in line, _READY_SECONDS)
    return JupyterHub(
        url=env["HUB_PUBLIC_URL"], admin_token=env["HUB_ADMIN_TOKEN"], service_token=env["HUB_SERVICE_TOKEN"]
    )

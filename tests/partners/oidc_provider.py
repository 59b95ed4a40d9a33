"""The certified `oidc-provider` (npm) as a child process, and the hand on its control endpoint.

`prepare.sh` installs its packages into a cached folder outside the tree, named by the lock file's hash.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import aiohttp

from tests.fakes.processes import Child

JsonObject: TypeAlias = dict[str, Any]

SOURCE = Path(__file__).with_name("oidc-provider")


def cache() -> Path:
    """Where `prepare.sh` keeps what it installs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "muster-tests"


def packages() -> Path:
    """The folder `prepare.sh` makes: `node_modules` for exactly this lock file."""
    digest = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()[:16]
    return cache() / f"oidc-provider-{digest}"


def node() -> str | None:
    """The Node.js that `prepare.sh` brought, else the machine's own."""
    return shutil.which("node", path=str(cache() / "node" / "bin")) or shutil.which("node")


def missing() -> str | None:
    """What must be installed before this partner can run, in words; None when nothing is missing."""
    if node() is None:
        return "Node.js 20 or later (the command `node`) is not there: run tests/partners/prepare.sh"
    if not (packages() / "node_modules" / "oidc-provider").is_dir():
        return f"npm's oidc-provider is not in {packages()}: run tests/partners/prepare.sh"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCall:
    """One call of the token endpoint. `outcome` is `ok` or the error code; `sub` is None when the IdP did not get that far."""

    client_id: str | None
    grant_type: str | None
    sub: str | None
    outcome: str


class OidcProvider:
    """One running IdP. `issuer` is what it calls itself; `address` (host:port) is where it listens.

    `stop` and `start` keep what it knows (people, sessions, tokens, keys) and where it listens, as a real one does.
    """

    def __init__(
        self, folder: Path, *, issuer: str | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._env = {
            **(env or {}),
            "STATE_FILE": str(folder / "state.json"),
            **({"ISSUER": issuer} if issuer else {}),
        }
        self._child: Child | None = None
        self.issuer = self.address = self.control = ""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / "server.mjs", folder / "server.mjs")
        (folder / "node_modules").symlink_to(packages() / "node_modules")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it (again); returns when it answers."""
        child = Child(
            "oidc-provider",
            [node() or "node", "server.mjs"],
            folder=self.folder,
            cwd=self.folder,
            env=self._env,
        )
        self._child = child
        try:
            ready = json.loads(child.wait_for_line(lambda line: line.startswith('{"ready":')))
        except BaseException:
            child.kill()
            raise
        self.issuer, self.address, self.control = ready["issuer"], ready["address"], ready["control"]
        ports = {"PORT": self.address.rpartition(":")[2], "CONTROL_PORT": self.control.rpartition(":")[2]}
        self._env = {**self._env, **ports}

    def stop(self) -> None:
        """Stops it; connections to it are refused from now on."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    async def call(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        """One call of the control endpoint."""
        async with (
            aiohttp.ClientSession() as client,
            client.request(method, f"http://{self.control}{path}", json=body) as answer,
        ):
            answer.raise_for_status()
            result: JsonObject = await answer.json()
            return result

    async def put_person(self, sub: str, **claims: Any) -> None:
        """Makes a person or changes what is named: `name`, `email`, `email_verified`, `groups` (None drops the claim)."""
        await self.call("PUT", f"/people/{sub}", claims)

    async def suspend(self, sub: str) -> None:
        await self.call("POST", f"/people/{sub}/suspend")

    async def resume(self, sub: str) -> None:
        await self.call("POST", f"/people/{sub}/resume")

    async def log_out(self, sub: str) -> None:
        """Ends the person's sessions here and revokes their tokens, as an administrator would."""
        await self.call("POST", f"/people/{sub}/logout")

    async def age(self, sub: str, seconds: int) -> None:
        """The person's sessions here were begun so many seconds earlier."""
        await self.call("POST", f"/people/{sub}/age", {"seconds": seconds})

    async def put_client(self, client_id: str, **metadata: Any) -> None:
        """Makes a client or changes what is named, a rotated `client_secret` for instance."""
        await self.call("PUT", f"/clients/{client_id}", metadata)

    async def token_calls(self, client_id: str) -> list[TokenCall]:
        """Every call of the token endpoint by this client, oldest first."""
        answer = await self.call("GET", f"/stats?client_id={client_id}")
        return [TokenCall(**call) for call in answer["token_calls"]]

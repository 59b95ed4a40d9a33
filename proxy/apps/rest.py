"""AppAdmin over a declarative REST preset; `open_app` makes one from what an operator configures."""

from collections.abc import Mapping
from copy import copy
from pathlib import Path

import aiohttp

from proxy.apps.accounts import Accounts
from proxy.apps.api import AdminApi
from proxy.apps.capabilities import capabilities_of
from proxy.apps.locks import ProcessLocks
from proxy.apps.operations import Operations
from proxy.apps.preset import Preset
from proxy.apps.preset_file import load_preset
from proxy.apps.preset_use import check_use, variables_for
from proxy.apps.proof import Credentials, Proof
from proxy.apps.template import Json
from proxy.apps.wire import Observer, Wire
from proxy.errors import SettingsError
from proxy.provisioning.app_admin import AppFault, Capabilities, Performed
from proxy.provisioning.errand import Errand
from proxy.provisioning.locks import Locks
from proxy.provisioning.model import AccountId, AppGroup, GroupId, Member, Operation


class RestAppAdmin:
    """One app's admin API as its preset describes it; implements `proxy.provisioning.app_admin.AppAdmin`.

    `credentials` are read for each call. `timeout` is in seconds for one exchange, `parallel` the most exchanges at a time.
    `locks` are for apps that take whole lists only; without them, two processes may undo each other's changes there.
    `http` should keep no cookies (`aiohttp.DummyCookieJar`): the credential is the only proof. It is closed by whoever made it.
    """

    def __init__(
        self,
        preset: Preset,
        url: str,
        credentials: Credentials,
        http: aiohttp.ClientSession,
        *,
        timeout: float = 5.0,
        parallel: int = 4,
        variables: Mapping[str, Json] | None = None,
        observer: Observer | None = None,
        locks: Locks | None = None,
    ) -> None:
        wire = Wire(url, http, timeout=timeout, parallel=parallel, observer=observer)
        proof = Proof(preset.authentication, credentials, wire.on_errand(Errand(purpose="proof")))
        self._capabilities = capabilities_of(preset)
        self._login_rule = preset.create.login if preset.create else None
        self._logins = tuple(pattern.source for pattern in preset.create.logins) if preset.create else ()
        self._locks = locks or ProcessLocks()
        self._ask(AdminApi(preset, wire, proof, variables_for(preset, variables or {})))

    def _ask(self, api: AdminApi) -> None:
        self._api = api
        self._accounts = Accounts(api)
        self._operations = Operations(api, self._accounts, self._locks)

    def on_errand(self, errand: Errand) -> "RestAppAdmin":
        """This app, its login and its turns; what is asked through it is reported with the errand."""
        other = copy(self)
        other._ask(self._api.on_errand(errand))
        return other

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def logins(self) -> tuple[str, ...]:
        """The preset's patterns for a newcomer's login, in order: `{username}`, `{email}`, `{email_local}`."""
        return self._logins

    def accepts_login(self, login: str) -> bool:
        """Whether the app can have an account of that login, as far as the preset knows."""
        return self._login_rule is not None and self._login_rule.takes(login)

    async def account(self, account: AccountId) -> Member | AppFault | None:
        return await self._accounts.account(account)

    async def search(self, *, email: str | None, login: str | None) -> tuple[Member, ...] | AppFault:
        return await self._accounts.search(email=email, login=login)

    async def groups(self) -> tuple[AppGroup, ...] | AppFault:
        return await self._accounts.groups()

    async def members(self, group: GroupId) -> tuple[AccountId, ...] | AppFault:
        return await self._accounts.members(group)

    async def list_accounts(self) -> tuple[Member, ...] | AppFault:
        return await self._accounts.listed()

    async def perform(self, operation: Operation) -> Performed | AppFault:
        return await self._operations.perform(operation)

    async def whoami(self) -> Member | AppFault | None:
        return await self._accounts.whoami()


def open_app(
    *,
    preset: str,
    base_dir: Path,
    url: str,
    credentials: Credentials,
    http: aiohttp.ClientSession,
    timeout: float = 5.0,
    parallel: int = 4,
    variables: Mapping[str, Json] | None = None,
    observer: Observer | None = None,
    locks: Locks | None = None,
) -> RestAppAdmin:
    """The app behind a preset's name or path (relative to `base_dir`); SettingsError with every mistake, nothing is called."""
    loaded = load_preset(preset, base_dir)
    problems = check_use(loaded, credentials, variables or {})
    if problems:
        raise SettingsError(problems, source=preset)
    return RestAppAdmin(
        loaded,
        url,
        credentials,
        http,
        timeout=timeout,
        parallel=parallel,
        variables=variables,
        observer=observer,
        locks=locks,
    )

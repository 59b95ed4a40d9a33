"""The port to an app's own admin API. Implementations live in `proxy/apps`; a preset in `config/apps` describes one app."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from proxy.provisioning.model import AccountId, AppGroup, GroupId, Member, Operation
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AppTrouble:
    """The app did not answer usefully (network, time-out, 429, 5xx): try again, after `retry_after` seconds if it said so."""

    detail: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRefusal:
    """The app answered no, and will again until somebody acts. `detail` is for an operator and holds no secret.

    `reason` is LOGIN_TAKEN, NO_SEAT, PROTECTED_ACCOUNT, ACCOUNT_GONE, APP_UNPROVED (our token is not accepted) or APP_REFUSED.
    """

    reason: Reason
    detail: str


AppFault: TypeAlias = AppTrouble | AppRefusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """The app agreed. `account` is the account after Create (with the login the app gave it); `group` after CreateGroup."""

    account: Member | None = None
    group: AppGroup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NameLimits:
    """How many characters of a name the app keeps: of the whole, of the first word, of the rest. None: as many as there are."""

    name: int | None = None
    first_name: int | None = None
    last_name: int | None = None

    def parts(self, name: str) -> tuple[str, str]:
        """The first word and the rest, each as the app keeps it."""
        first, _, rest = " ".join(name.split()).partition(" ")
        return first[: self.first_name].strip(), rest[: self.last_name].strip()

    def kept(self, name: str) -> str:
        """The name as the app will show it: what a plan compares, so that a cut name is not written for ever."""
        return " ".join(part for part in self.parts(name) if part)[: self.name].strip()


UNLIMITED = NameLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What this app's API can do, as `muster check --app` prints it. `archive_means` is the app's own word."""

    can_create: bool = True
    can_archive: bool = True
    can_list_groups: bool = True
    can_create_group: bool = False
    can_change_groups: bool = True
    can_set_role: bool = False
    can_set_profile: bool = False
    can_read_self: bool = False
    can_edit_archived: bool = True
    can_list_members: bool = True
    can_list_accounts: bool = False
    name_limits: NameLimits = UNLIMITED
    archive_means: str = ""


class AppAdmin(Protocol):
    """What can be asked of the app. No method raises for what an app may answer: a fault is a value."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def account(self, account: AccountId) -> Member | AppFault | None:
        """The account, archived or not; None when the app says that there is none."""

    async def search(self, *, email: str | None, login: str | None) -> tuple[Member, ...] | AppFault:
        """Accounts whose e-mail address (case-insensitively) or login equals, archived ones included; complete, deduplicated."""

    async def groups(self) -> tuple[AppGroup, ...] | AppFault:
        """Every group of the app, all pages."""

    async def members(self, group: GroupId) -> tuple[AccountId, ...] | AppFault: ...

    async def list_accounts(self) -> tuple[Member, ...] | AppFault:
        """Every active account, all pages; archived ones may be among them. Only with `can_list_accounts`."""

    async def perform(self, operation: Operation) -> Performed | AppFault:
        """Carry one operation out; what is so already counts as done."""

    async def whoami(self) -> Member | AppFault | None:
        """The account behind the admin token; None where the app cannot say."""

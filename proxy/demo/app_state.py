"""The demo app's memory: accounts, groups, what was called, and how it should misbehave. Nothing here knows Muster."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

ROLES = ("end-user", "builder", "admin")


@dataclass(slots=True, kw_only=True)
class Account:
    """An account of the app. `groups` are group ids. Never deleted: archived is `is_active` False."""

    id: int
    login: str
    email: str
    name: str
    is_active: bool = True
    role: str = "end-user"
    groups: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "login": self.login,
            "email": self.email,
            "name": self.name,
            "active": self.is_active,
            "admin": self.role == "admin",
            "role": self.role,
            "groups": sorted(self.groups),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the admin API; `at` in epoch seconds."""

    at: float
    method: str
    path: str
    status: int

    def as_json(self) -> dict[str, Any]:
        return {"at": self.at, "method": self.method, "path": self.path, "status": self.status}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """One request for a page: whom the header named, and whether the app knew them."""

    at: float
    path: str
    login: str | None
    status: int

    def as_json(self) -> dict[str, Any]:
        return {"at": self.at, "path": self.path, "login": self.login, "status": self.status}


@dataclass(slots=True, kw_only=True)
class Faults:
    """How the admin API misbehaves: `delay` seconds before the work is done, `hold` seconds after it, a fixed `status`
    (None: none) for the next `times` calls (None: all). `retry_after` goes with it, in seconds."""

    delay: float = 0.0
    hold: float = 0.0
    status: int | None = None
    times: int | None = None
    retry_after: int | None = None

    def take(self) -> int | None:
        """The status that this call must answer with, if any."""
        if self.status is None or self.times == 0:
            return None
        if self.times is not None:
            self.times -= 1
        return self.status


class AppState:
    """Accounts and groups; `robot` (number 1) is the administrator behind the token."""

    def __init__(self, *, token: str, seats: int | None, page_size: int) -> None:
        self.token = token
        self.seats = seats
        self.page_size = page_size
        self.accounts: dict[int, Account] = {}
        self.groups: dict[str, str] = {}
        self.calls: deque[Call] = deque(maxlen=100_000)
        self.views: deque[PageView] = deque(maxlen=10_000)
        self.faults = Faults()
        self._next_account = 1
        self._next_group = 2
        self.add_account("robot", "robot@example.com", "Admin token", role="admin")

    def now(self) -> float:
        return time.time()

    def add_account(self, login: str, email: str, name: str, *, role: str = "end-user") -> Account:
        account = Account(id=self._next_account, login=login, email=email, name=name, role=role)
        self._next_account += 1
        self.accounts[account.id] = account
        return account

    def add_group(self, name: str, *members: Account) -> str:
        group, self._next_group = str(self._next_group), self._next_group + 1
        self.groups[group] = name
        for member in members:
            member.groups.add(group)
        return group

    def by_login(self, login: str) -> Account | None:
        return next((one for one in self.accounts.values() if one.login == login), None)

    def has_seat(self) -> bool:
        return self.seats is None or sum(one.is_active for one in self.accounts.values()) < self.seats

    def group_names(self, account: Account) -> list[str]:
        return sorted(self.groups[group] for group in account.groups)


def with_demo_content(state: AppState) -> AppState:
    """Carol and Zoe were here before Muster; Zoe and Carol made a book club by hand."""
    carol = state.add_account("carol", "carol@example.com", "Carol Carter")
    zoe = state.add_account("zoe", "zoe@example.com", "Zoe Zimmer")
    state.add_group("Developers")
    state.add_group("Designers")
    state.add_group("Book club", carol, zoe)
    return state

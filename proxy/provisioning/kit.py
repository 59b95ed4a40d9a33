"""What a visit works with, and what comes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from proxy.identity import Subject
from proxy.provisioning.app_admin import AppAdmin
from proxy.provisioning.app_view import AppView
from proxy.provisioning.audit import Audit, AuditRecord
from proxy.provisioning.errand import Errand, on_errand
from proxy.provisioning.leases import NamedLeases
from proxy.provisioning.model import AccountId, EntryState
from proxy.provisioning.outbox import Bindings, GuardLedger, Outbox, SharedCounters
from proxy.provisioning.rules import CourierRules
from proxy.reasons import Reason
from proxy.session.model import AccountState

Tell: TypeAlias = Callable[[Subject, AccountState], Awaitable[None]]
"""Writes the account's state into the person's sessions; nothing happens where it is so already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """Ports, rules, and the two things that are not pure: the clock (epoch seconds) and entropy (so many bytes).

    `holder` names this process in leases. `counting` keeps visits from counting seats all at once.
    `checkpoint` is called between any two steps; a test that dies there shows that nothing is lost or doubled.
    """

    outbox: Outbox
    bindings: Bindings
    ledger: GuardLedger
    counters: SharedCounters
    app: AppAdmin
    view: AppView
    rules: CourierRules
    tell: Tell
    audit: Audit
    clock: Callable[[], float]
    entropy: Callable[[int], bytes]
    leases: NamedLeases
    holder: str
    checkpoint: Callable[[str], None]
    counting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def on_errand(self, errand: Errand) -> "Kit":
        """The same kit; what it asks of the app is recorded with the errand."""
        app = on_errand(self.app, errand)
        return replace(self, app=app, view=self.view.through(app))


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """How a visit ended: what the sessions were told, and where it left the entry.

    `state` is None when the entry is deleted or no longer ours. `version` is the version carried out. `wait` is what
    the app asked of everybody, in seconds. `is_lost`: somebody else carries the entry out; `account` then says nothing.
    """

    account: AccountState
    state: EntryState | None
    version: int
    reason: Reason
    detail: str = ""
    wait: float = 0.0
    is_lost: bool = False


@dataclass(slots=True)
class Journal:
    """Writes audit records about one person."""

    kit: Kit
    subject: Subject | None
    account: AccountId | None = None

    def write(
        self,
        operation: str,
        reason: Reason,
        *,
        cause: str = "",
        outcome: str = "done",
        before: str = "",
        after: str = "",
    ) -> None:
        self.kit.audit(
            AuditRecord(
                when=self.kit.clock(),
                subject=self.subject,
                account=self.account,
                operation=operation,
                reason=reason,
                cause=cause,
                outcome=outcome,
                before=before,
                after=after,
            )
        )

"""What is written down of every decision and every call to the app (semantics §9.6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from proxy.identity import Subject
from proxy.provisioning.model import AccountId
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One decision or call. `when` is in seconds since the epoch.

    `operation` is what was done or decided: create, restore, archive, set_profile, set_role, join, leave,
    create_group; bind, block, refuse, hold, park, retry, leave_alone, agree, alarm. `cause` says in the operator's
    words what led there, `outcome` what came of it: done, failed, or what the app answered. No field holds a secret.
    """

    when: float
    subject: Subject | None
    account: AccountId | None
    operation: str
    reason: Reason
    cause: str = ""
    outcome: str = "done"
    before: str = ""
    after: str = ""


Audit: TypeAlias = Callable[[AuditRecord], None]

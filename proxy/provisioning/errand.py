"""For whom the app is asked, and why: written beside every call to it (semantics §9.6).

It is handed down as a value: whoever begins something takes the app `on_errand`, and every call through what comes back carries
it. An app that keeps no record of its calls need not know of errands.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from proxy.identity import Subject
from proxy.provisioning.app_admin import AppAdmin
from proxy.provisioning.model import AccountId
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """`purpose` is an operation of a plan, or `look` (a visit reads), `sweep`, `push`, `proof` (is our credential good?).

    `reason` and `cause` are those of the operation. No field holds a secret.
    """

    purpose: str = "look"
    subject: Subject | None = None
    account: AccountId | None = None
    reason: Reason | None = None
    cause: str = ""


@runtime_checkable
class RecordsErrands(Protocol):
    """The optional port of an app that records its calls."""

    def on_errand(self, errand: Errand) -> AppAdmin:
        """The same app, its connection and its limits; what is asked through it is recorded with this errand."""


def on_errand(app: AppAdmin, errand: Errand) -> AppAdmin:
    """The app itself where it keeps no record of its calls."""
    return app.on_errand(errand) if isinstance(app, RecordsErrands) else app

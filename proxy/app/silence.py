"""Says when an IdP has not stated people's groups for a day: a gauge, and a warning once a day (semantics §2)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from proxy.identity import IdpId
from proxy.provisioning.outbox import Outbox
from proxy.reasons import Reason
from proxy.telemetry.telemetry import Telemetry

A_DAY: Final = 86_400.0


@dataclass(slots=True, kw_only=True)
class Silence:
    """`look` is called every few minutes. After a restart the warning comes once more."""

    outbox: Outbox
    telemetry: Telemetry
    clock: Callable[[], float]
    _warned: dict[IdpId, float] = field(default_factory=dict)

    async def look(self) -> None:
        """Raises Unavailable when the store is away."""
        now = self.clock()
        people = await self.outbox.not_stated_before(now - A_DAY)
        self.telemetry.metrics.groups_silent({str(idp): number for idp, number in people.items()})
        for idp, number in sorted(people.items()):
            if now - self._warned.get(idp, -A_DAY) >= A_DAY:
                self._warned[idp] = now
                what = "their last known groups stand; look at the groups claim, or at the directory"
                self.telemetry.log.warning(
                    "groups", reason=Reason.NOT_STATED, idp=idp, people=number, what=what
                )

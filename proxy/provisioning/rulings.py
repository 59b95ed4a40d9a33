"""The port to what operators rule at run time: links, deny entries, the provisioning switch, and who was archived by hand.

Every change grows `version` by one, in the same transaction: whoever polls it sees every change, and a poll costs one row.
A server writes down (`mark_carried`) which version it has carried to the people it concerns; after a crash it does so again.
All times are seconds since the epoch. Every method raises `Unavailable` when the engine does not answer in time.
"""

from typing import Protocol

from proxy.groups.rules import AppGroupName, Link
from proxy.groups.stored import Origin, Ruled
from proxy.provisioning.model import AccountId, Statement


class Rulings(Protocol):
    """Durable rulings, shared by every process on the store."""

    async def version(self) -> int:
        """0 while nothing was ever ruled; never shrinks."""

    async def ruled(self) -> Ruled:
        """Everything, of one moment."""

    async def put_link(self, link: Link, origin: Origin) -> None:
        """Store the link; one of the same app group is replaced."""

    async def remove_link(self, group: AppGroupName) -> bool:
        """False when there was none."""

    async def deny(self, who: str, origin: Origin) -> bool:
        """False when they are denied already."""

    async def undeny(self, who: str) -> bool:
        """False when they were not denied."""

    async def switch_provisioning(self, is_on: bool, origin: Origin) -> bool:
        """False when it stands so already."""

    async def carried(self) -> int:
        """The version that was last carried to everybody it concerns."""

    async def mark_carried(self, version: int) -> None: ...

    async def keep_statements(
        self, account: AccountId, statements: tuple[Statement, ...], origin: Origin
    ) -> None:
        """What the IdPs last said of somebody who is archived by hand, for the day that is taken back."""

    async def kept_statements(self, account: AccountId) -> tuple[Statement, ...]:
        """Empty when they were not archived by hand."""

    async def drop_statements(self, account: AccountId) -> None: ...

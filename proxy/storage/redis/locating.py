"""Where the server is that takes our writes: told by the settings, by the Sentinels, or by the Cluster's nodes.

What was found is kept until somebody says that it does not hold. Partners are asked all at once, so that a silent one does not
cost the others' time; what more than half of them say counts, else what most say, and the server must call itself a master.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from redis.asyncio.connection import AbstractConnection

from proxy.storage.redis.connecting import Dialler, Reply, exchange
from proxy.storage.redis.faults import Elsewhere, Fault, Lost, Refused
from proxy.storage.redis.place import Address, Cluster, Endpoint, Place, Single, Watched

SHARE: Final = 0.4
"""Of a call's time-out, what finding the server may take: the rest is for the call."""

ROLE: Final = ("ROLE",)

Ask: TypeAlias = Callable[[Address], Awaitable[Address | None]]


class Locator:
    """Opens connections to the server that takes our writes. `slot` is the Cluster's number for our keys."""

    def __init__(self, place: Place, slot: int) -> None:
        """Raises Refused for TLS files that cannot be used, and OSError for those that cannot be found."""
        at = place.at
        self._place = place
        self._slot = slot
        self._servers = Dialler(
            place.login, place.tls, database=0 if isinstance(at, Cluster) else at.database
        )
        self._sentinels = Dialler(at.login, place.tls) if isinstance(at, Watched) else self._servers
        self._nodes = at.nodes if isinstance(at, Cluster) else ()
        self._found: Endpoint | None = None

    def forget(self) -> None:
        """What was found does not hold any more: ask again at the next connection."""
        self._found = None

    async def connect(self) -> AbstractConnection:
        """A connection to the server that takes writes. Raises Fault."""
        if self._found is None:
            self._found = await self._find()
        try:
            return await self._open(self._found)
        except BaseException:
            self.forget()
            raise

    async def _open(self, endpoint: Endpoint) -> AbstractConnection:
        connection = await self._servers.open(endpoint)
        try:
            if not isinstance(
                self._place.at, Cluster
            ):  # a Cluster's replica sends us to its master by itself
                (role,) = await exchange(connection, [ROLE])
                demand_master(role)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def _find(self) -> Endpoint:
        budget = self._place.timeout * SHARE
        match self._place.at:
            case Single(endpoint=endpoint):
                return endpoint
            case Watched(sentinels=sentinels, master=name):
                found = await _most_say(self._ask_sentinel, sentinels, budget)
                if found is None:
                    raise Refused(f"no Sentinel knows a master called {name}")
                return found
            case Cluster():
                found = await _most_say(self._ask_node, self._nodes, budget)
                if found is None:
                    raise Elsewhere("no node of the Cluster serves our slot")
                return found

    async def _ask_sentinel(self, sentinel: Address) -> Address | None:
        name = self._place.at.master if isinstance(self._place.at, Watched) else ""
        reply = await _question(self._sentinels, sentinel, ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name))
        return None if reply is None else Address(host=reply[0].decode(), port=int(reply[1]))

    async def _ask_node(self, node: Address) -> Address | None:
        """Nodes that are heard of are asked as well: the configured ones may all be replaced in time."""
        owners = _owners(await _question(self._servers, node, ("CLUSTER", "SLOTS")), node)
        configured = self._place.at.nodes if isinstance(self._place.at, Cluster) else ()
        self._nodes = tuple(dict.fromkeys((*configured, *owners.values())))
        return next((owner for (low, high), owner in owners.items() if low <= self._slot <= high), None)


async def _question(dialler: Dialler, partner: Address, command: tuple[str, ...]) -> Reply:
    connection = await dialler.open(partner)
    try:
        (reply,) = await exchange(connection, [command])
    finally:
        await connection.disconnect(nowait=True)
    return reply


def demand_master(role: Reply) -> None:
    """Raises Elsewhere unless this answer to `ROLE` is a master's. A Sentinel may not have heard of the newest fail-over
    (Sentinel client guidelines, step 3), and an address may lead to another server than yesterday."""
    if role[0] != b"master":
        raise Elsewhere("the server is a replica now")


async def _most_say(ask: Ask, partners: Sequence[Address], budget: float) -> Address | None:
    """What more than half of all say, as soon as they do; what most say when the time is up. Raises Fault if nobody answers."""
    votes: Counter[Address | None] = Counter()
    faults: list[Fault] = []
    tasks = [asyncio.create_task(_vote(ask, partner, votes, faults)) for partner in partners]
    try:
        async with asyncio.timeout(budget):
            for done in asyncio.as_completed(tasks):
                await done
                if any(2 * count > len(partners) for count in votes.values()):
                    break
    except TimeoutError:
        faults.append(Lost("nobody who knows the master answers in time"))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not votes:
        raise next((one for one in faults if isinstance(one, Refused)), faults[0])
    return votes.most_common(1)[0][0]


async def _vote(ask: Ask, partner: Address, votes: Counter[Address | None], faults: list[Fault]) -> None:
    try:
        votes[await ask(partner)] += 1
    except Fault as fault:
        faults.append(fault)


def _owners(slots: Reply, asked: Address) -> dict[tuple[int, int], Address]:
    """By range of slots, its master; an empty host is the node that was asked (`CLUSTER SLOTS`, preferred endpoint)."""
    return {
        (int(low), int(high)): Address(host=(master[0] or b"").decode() or asked.host, port=int(master[1]))
        for low, high, master, *_ in slots
    }

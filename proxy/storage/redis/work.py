"""A unit of work: it reads, computes, and names the writes that follow; the writes happen together or not at all.

    async def unit(work: Work) -> bool:
        version, holder = await work.fields(keys.session(key), "version", "holder")   # remembered
        ...
        work.do("HSET", keys.session(key), "sealed", sealed)                          # queued
        return True

    done = await engine.write(unit)

Rules:
1. What `read`, `get`, `fields` and `members` return is guarded: the writes happen only if it is still so. If not, the unit is
   run again from its beginning: it must do nothing else than read, compute and name writes.
2. `peek` is not guarded: for hints (indexes, candidates) that are checked by a guarded read afterwards.
3. Reads see the store as it was before the unit's own writes.
4. All writes happen in the order they were named. Name deletions first: a server whose memory is full takes them, and what
   follows a first write, but no first write that needs memory.
5. A unit that names no write is a reading: it is checked as a whole if it read more than once.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from proxy.storage.redis.connecting import Argument, Command, Reply

ANNOUNCE = "ANNOUNCE"
"""A write of our script, see `commit.py`."""


class Work:
    """Collects guards and writes for `commit.py`."""

    def __init__(self, ask: Callable[[Sequence[Command]], Awaitable[list[Reply]]]) -> None:
        self._ask = ask
        self._trips = 0
        self.guards: list[tuple[Command, list[Reply]]] = []
        self.writes: list[Command] = []

    async def read(self, *commands: Command) -> list[Reply]:
        """The replies, in one round trip, guarded. A command is a name, one key, and arguments: GET, HGET, HMGET, HGETALL,
        SMEMBERS, ZSCORE, ZRANGE and others whose reply is a value or a flat list."""
        replies = await self.peek(*commands)
        self._trips += 1
        for command, reply in zip(commands, replies, strict=True):
            self.guards.append((command, reply if isinstance(reply, list) else [reply]))
        return replies

    async def peek(self, *commands: Command) -> list[Reply]:
        """The replies, in one round trip, not guarded."""
        return await self._ask(commands) if commands else []

    async def get(self, key: str) -> bytes | None:
        (value,) = await self.read(("GET", key))
        return value if value is None else bytes(value)

    async def fields(self, key: str, *names: str) -> list[bytes | None]:
        """The named fields of a hash; None for those it lacks."""
        (values,) = await self.read(("HMGET", key, *names))
        return list(values)

    async def members(self, key: str) -> frozenset[str]:
        """A set, empty when absent. Guarded as a whole: nobody may join or leave meanwhile."""
        (found,) = await self.read(("SMEMBERS", key))
        return frozenset(one.decode() for one in found)

    def do(self, name: str, key: str, *arguments: Argument) -> None:
        """A write: a command, its one key, its arguments (at most some thousands)."""
        self.writes.append((name, key, *arguments))

    def do_all(self, writes: Iterable[Command]) -> None:
        self.writes.extend(writes)

    @property
    def needs_commit(self) -> bool:
        """Whether anything is to be written, or was read in pieces that may not fit each other."""
        return bool(self.writes) or self._trips > 1

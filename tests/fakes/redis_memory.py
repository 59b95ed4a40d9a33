"""As much of Redis as units of work ask for, in a dictionary: for tests of what they write, without a server.

Scripts are not understood, but for what gives out ids and lists entries; the others are tested on real servers.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from proxy.storage.redis.connecting import Argument, Command, Reply
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.place import Address, Place, Single
from proxy.storage.redis.work import Work

Result = TypeVar("Result")


def _raw(word: Argument) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()


def _bound(text: bytes) -> tuple[float, bool]:
    """A score and whether it is left out."""
    return float(text.lstrip(b"(")), text.startswith(b"(")


def _within(score: float, low: bytes, high: bytes) -> bool:
    (least, is_least_out), (most, is_most_out) = _bound(low), _bound(high)
    above = score > least or (score == least and not is_least_out)
    return above and (score < most or (score == most and not is_most_out))


class MemoryRedis(RedisEngine):
    """An engine whose server is this object; `written` counts the units of work that wrote something."""

    def __init__(self) -> None:
        super().__init__(Place(at=Single(endpoint=Address(host="127.0.0.1", port=1))))
        self.data: dict[bytes, Any] = {}
        self.written = 0

    async def ask(self, *commands: Command) -> list[Reply]:
        return [self.do(command) for command in commands]

    async def ask_master(self, *commands: Command) -> list[Reply]:
        return await self.ask(*commands)

    async def write(self, unit: Callable[[Work], Any]) -> Any:
        async def ask(commands: Any) -> list[Reply]:
            return await self.ask(*commands)

        work = Work(ask)
        result = await unit(work)
        self.written += bool(work.writes)
        for command in work.writes:
            self.do(command)
        return result

    def do(self, command: Command) -> Reply:
        name, key, *words = map(_raw, command)
        reply: Reply = getattr(self, f"_{name.decode().lower()}")(key, *words)
        if key in self.data and self.data[key] in ({}, set()):
            del self.data[key]
        return reply

    # --- strings ----------------------------------------------------------------------------------------------

    def _get(self, key: bytes) -> Reply:
        return self.data.get(key)

    def _mget(self, *keys: bytes) -> Reply:
        return [self.data.get(key) for key in keys]

    def _set(self, key: bytes, value: bytes) -> Reply:
        self.data[key] = value

    def _del(self, key: bytes) -> Reply:
        return int(self.data.pop(key, None) is not None)

    def _incr(self, key: bytes) -> Reply:
        self.data[key] = b"%d" % (int(self.data.get(key, 0)) + 1)
        return int(self.data[key])

    def _eval(self, script: bytes, count: bytes, *words: bytes) -> Reply:
        """The id for whoever asks first, or the entries whose ids stand in some sets."""
        if b"INCR" in script:
            return self._given(*words)
        keys, prefix, which = words[: int(count)], words[int(count)], words[int(count) + 1 :]
        return [self.data[prefix + member] for key in keys for member in self._zrange(key, *which)]

    def _given(self, given: bytes, ids: bytes) -> Reply:
        if given not in self.data:
            self._incr(ids)
            self.data[given] = self.data[ids]
        return self.data[given]

    def _announce(self, key: bytes, *entries: bytes) -> Reply:
        """The engine's own write (`proxy/storage/redis/commit.py`)."""
        for entry in entries:
            number = len(self._hash(key)) + 1
            self._hash(key)[b"%d:%s" % (number, entry)] = b"%d" % number

    def _expire(self, key: bytes, seconds: bytes) -> Reply:
        return int(key in self.data)

    # --- hashes -----------------------------------------------------------------------------------------------

    def _hash(self, key: bytes) -> dict[bytes, bytes]:
        held: dict[bytes, bytes] = self.data.setdefault(key, {})
        return held

    def _hset(self, key: bytes, *pairs: bytes) -> Reply:
        self._hash(key).update(zip(pairs[::2], pairs[1::2], strict=True))

    def _hdel(self, key: bytes, *fields: bytes) -> Reply:
        for field in fields:
            self._hash(key).pop(field, None)

    def _hget(self, key: bytes, field: bytes) -> Reply:
        return self._hash(key).get(field)

    def _hmget(self, key: bytes, *fields: bytes) -> Reply:
        return [self._hash(key).get(field) for field in fields]

    def _hgetall(self, key: bytes) -> Reply:
        return [word for pair in self._hash(key).items() for word in pair]

    def _hkeys(self, key: bytes) -> Reply:
        return [*self._hash(key)]

    def _hvals(self, key: bytes) -> Reply:
        return [*self._hash(key).values()]

    def _hlen(self, key: bytes) -> Reply:
        return len(self._hash(key))

    def _hincrby(self, key: bytes, field: bytes, by: bytes) -> Reply:
        self._hash(key)[field] = b"%d" % (int(self._hash(key).get(field, 0)) + int(by))

    # --- sets -------------------------------------------------------------------------------------------------

    def _set_of(self, key: bytes) -> set[bytes]:
        held: set[bytes] = self.data.setdefault(key, set())
        return held

    def _sadd(self, key: bytes, *members: bytes) -> Reply:
        self._set_of(key).update(members)

    def _srem(self, key: bytes, *members: bytes) -> Reply:
        self._set_of(key).difference_update(members)

    def _smembers(self, key: bytes) -> Reply:
        return [*self._set_of(key)]

    def _scard(self, key: bytes) -> Reply:
        return len(self._set_of(key))

    # --- sorted sets: scores by member --------------------------------------------------------------------------

    def _sorted(self, key: bytes) -> list[tuple[float, bytes]]:
        return sorted((float(score), member) for member, score in self._hash(key).items())

    def _zadd(self, key: bytes, *words: bytes) -> Reply:
        rule = words[0] if words[0] in (b"NX", b"GT") else b""
        pairs = words[1:] if rule else words
        for score, member in zip(pairs[::2], pairs[1::2], strict=True):
            held = self._hash(key).get(member)
            if held is None or (rule != b"NX" and not (rule == b"GT" and float(score) <= float(held))):
                self._hash(key)[member] = score

    def _zrem(self, key: bytes, *members: bytes) -> Reply:
        self._hdel(key, *members)

    def _zscore(self, key: bytes, member: bytes) -> Reply:
        return self._hget(key, member)

    def _zmscore(self, key: bytes, *members: bytes) -> Reply:
        return self._hmget(key, *members)

    def _zcard(self, key: bytes) -> Reply:
        return len(self._hash(key))

    def _zcount(self, key: bytes, low: bytes, high: bytes) -> Reply:
        return sum(_within(score, low, high) for score, _ in self._sorted(key))

    def _zremrangebyscore(self, key: bytes, low: bytes, high: bytes) -> Reply:
        self._hdel(key, *(member for score, member in self._sorted(key) if _within(score, low, high)))

    def _zrange(self, key: bytes, first: bytes, last: bytes, *words: bytes) -> Reply:
        found = self._sorted(key)
        if b"BYSCORE" in words:
            found = [one for one in found if _within(one[0], first, last)]
        elif b"BYLEX" in words:
            found = [one for one in found if first == b"-" or one[1] > first[1:]]
        else:
            found = found[int(first) :][: None if last == b"-1" else int(last) - int(first) + 1]
        if b"LIMIT" in words:
            found = found[: int(words[-1])]
        if b"WITHSCORES" in words:
            return [word for score, member in found for word in (member, repr(score).encode())]
        return [member for _, member in found]

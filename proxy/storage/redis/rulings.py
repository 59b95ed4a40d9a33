"""`Rulings` on Redis. Every change grows the version, in the same unit of work."""

import json
from typing import Any

from proxy.groups.links import normal
from proxy.groups.rules import AppGroupName, Link
from proxy.groups.stored import Origin, Ruled
from proxy.provisioning.model import AccountId, Statement
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.ruling_text import (
    denial_from_text,
    link_from_text,
    link_to_text,
    origin_to_json,
    switch_from_text,
)
from proxy.storage.redis.work import Work
from proxy.storage.statements import statements_from_json, statements_to_json

_VERSION, _CARRIED = "version", "carried"


class RedisRulings:
    """What operators ruled at run time."""

    def __init__(self, engine: RedisEngine) -> None:
        self._engine = engine
        self._keys = OutboxKeys(prefix=engine.keys.prefix)

    async def version(self) -> int:
        return await self._number(_VERSION)

    async def ruled(self) -> Ruled:
        return await self._engine.write(self._read)

    async def put_link(self, link: Link, origin: Origin) -> None:
        async def unit(work: Work) -> None:
            work.do("HSET", self._keys.links, normal(link.app_group), link_to_text(link, origin))
            self._grow(work)

        await self._engine.write(unit)

    async def remove_link(self, group: AppGroupName) -> bool:
        return await self._remove(self._keys.links, normal(group))

    async def deny(self, who: str, origin: Origin) -> bool:
        async def unit(work: Work) -> bool:
            (held,) = await work.fields(self._keys.denials, who)
            if held is None:
                work.do("HSET", self._keys.denials, who, json.dumps(origin_to_json(origin)))
                self._grow(work)
            return held is None

        return await self._engine.write(unit)

    async def undeny(self, who: str) -> bool:
        return await self._remove(self._keys.denials, who)

    async def switch_provisioning(self, is_on: bool, origin: Origin) -> bool:
        """A switch that nobody touched stands on."""

        async def unit(work: Work) -> bool:
            held = switch_from_text(await work.get(self._keys.switch))
            if is_on == (held is None or held.is_on):
                return False
            document = {"is_on": is_on, **origin_to_json(origin)}
            work.do("SET", self._keys.switch, json.dumps(document))
            self._grow(work)
            return True

        return await self._engine.write(unit)

    async def carried(self) -> int:
        return await self._number(_CARRIED)

    async def mark_carried(self, version: int) -> None:
        """A replica that is behind does not take back what another wrote."""

        async def unit(work: Work) -> None:
            (held,) = await work.fields(self._keys.rulings, _CARRIED)
            if int(held or 0) < version:
                work.do("HSET", self._keys.rulings, _CARRIED, version)

        await self._engine.write(unit)

    async def keep_statements(
        self, account: AccountId, statements: tuple[Statement, ...], origin: Origin
    ) -> None:
        document = {"statements": statements_to_json(statements), **origin_to_json(origin)}

        async def unit(work: Work) -> None:
            work.do("HSET", self._keys.kept, account, json.dumps(document))

        await self._engine.write(unit)

    async def kept_statements(self, account: AccountId) -> tuple[Statement, ...]:
        (text,) = await self._engine.ask(("HGET", self._keys.kept, account))
        return () if text is None else statements_from_json(json.loads(text)["statements"])

    async def drop_statements(self, account: AccountId) -> None:
        async def unit(work: Work) -> None:
            work.do("HDEL", self._keys.kept, account)

        await self._engine.write(unit)

    async def _read(self, work: Work) -> Ruled:
        """Everything of one moment: the version is guarded, and every change grows it."""
        (version,) = await work.fields(self._keys.rulings, _VERSION)
        links, denials, switch = await work.read(
            ("HGETALL", self._keys.links), ("HGETALL", self._keys.denials), ("GET", self._keys.switch)
        )
        return Ruled(
            version=int(version or 0),
            links=tuple(link_from_text(group, text) for group, text in _in_order(links)),
            denials=tuple(denial_from_text(who, text) for who, text in _in_order(denials)),
            provisioning=switch_from_text(switch),
        )

    async def _number(self, field: str) -> int:
        (number,) = await self._engine.ask(("HGET", self._keys.rulings, field))
        return int(number or 0)

    async def _remove(self, key: str, field: str) -> bool:
        async def unit(work: Work) -> bool:
            (held,) = await work.fields(key, field)
            if held is not None:
                work.do("HDEL", key, field)
                self._grow(work)
            return held is not None

        return await self._engine.write(unit)

    def _grow(self, work: Work) -> None:
        work.do("HINCRBY", self._keys.rulings, _VERSION, 1)


def _in_order(flat: list[Any]) -> list[tuple[str, bytes]]:
    """The pairs of a hash by their fields."""
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return sorted((field.decode(), value) for field, value in pairs)

"""Rulings in keys: each change and the version's growth are one unit of work, and a reading is of one moment."""

from typing import Any

import pytest

from proxy.groups.rules import AppGroupName, Link
from proxy.groups.stored import Origin, Ruled
from proxy.provisioning.model import AccountId
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.rulings import RedisRulings
from proxy.storage.redis.work import Work
from tests.contract.records import NOW, vouched
from tests.fakes.redis_memory import MemoryRedis

ORIGIN = Origin(by="cli", at=NOW)
LINK = Link(app_group=AppGroupName("Café"), idp_groups=frozenset())


class Recording(MemoryRedis):
    """Keeps every unit of work."""

    def __init__(self) -> None:
        super().__init__()
        self.units: list[Work] = []

    async def write(self, unit: Any) -> Any:
        async def recorded(work: Work) -> Any:
            self.units.append(work)
            return await unit(work)

        return await super().write(recorded)


@pytest.fixture
def memory() -> Recording:
    return Recording()


async def test_every_change_is_one_unit_with_the_versions_growth(memory: Recording, keys: OutboxKeys) -> None:
    rulings = RedisRulings(memory)
    await rulings.put_link(LINK, ORIGIN)
    await rulings.deny("ada@example.com", ORIGIN)
    await rulings.switch_provisioning(False, ORIGIN)
    await rulings.undeny("ada@example.com")
    await rulings.remove_link(AppGroupName("Cafe\u0301"))
    grown = [("HINCRBY", keys.rulings, "version", 1) in unit.writes for unit in memory.units]
    assert grown == [True] * 5
    assert await rulings.version() == 5


async def test_what_changes_nothing_writes_nothing(memory: Recording) -> None:
    rulings = RedisRulings(memory)
    await rulings.mark_carried(3)
    await rulings.deny("ada@example.com", ORIGIN)
    memory.units.clear()
    assert not await rulings.deny("ada@example.com", ORIGIN)
    assert not await rulings.undeny("bob@example.com")
    assert not await rulings.switch_provisioning(True, ORIGIN)
    await rulings.mark_carried(2)
    assert [unit.writes for unit in memory.units] == [[]] * 4


async def test_a_reading_is_checked_against_the_version_it_began_with(
    memory: Recording, keys: OutboxKeys
) -> None:
    assert await RedisRulings(memory).ruled() == Ruled()
    (unit,) = memory.units
    assert unit.guards[0][0] == ("HMGET", keys.rulings, "version")
    assert unit.needs_commit


async def test_kept_statements_say_who_kept_them(memory: Recording, keys: OutboxKeys) -> None:
    await RedisRulings(memory).keep_statements(AccountId("7"), (vouched(),), ORIGIN)
    assert b'"by": "cli"' in memory.do(("HGET", keys.kept, "7"))
    assert await RedisRulings(memory).version() == 0

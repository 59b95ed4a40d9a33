"""Whose turn it is to sweep: one replica at a time, once in an interval, and nobody waits for the dead."""

import asyncio
from dataclasses import dataclass, field

import pytest

from proxy.app.observers import Observers
from proxy.app.sweeping import (
    FIRST_AFTER,
    LEASE_SECONDS,
    TRIED_AGAIN_AFTER,
    TURN,
    Sweeping,
    WholeSweep,
    sweeping_alone,
)
from proxy.provisioning.app_admin import AppTrouble
from proxy.provisioning.inactivity import Inactivity
from proxy.provisioning.leases import SWEEP
from proxy.provisioning.rules import SweepRules
from proxy.provisioning.sweep import Sweep
from tests.fakes.keeping import FakeArrival
from tests.fakes.provisioning import NOW, Scene
from tests.fakes.session_store import DictSessions
from tests.unit.app.test_rounds import Told

DAY = 86_400.0


@dataclass
class Replicas:
    """One app and one store; as many servers as the test wants."""

    scene: Scene = field(default_factory=Scene)
    told: Told = field(default_factory=Told)

    def server(self, holder: str, *, is_enabled: bool = True) -> Sweeping:
        courier, store, sessions = self.scene.courier(), self.scene.store, DictSessions()
        work = WholeSweep(
            sweep=Sweep(lambda: courier.kit, courier.wake),
            inactivity=Inactivity(
                bindings=store,
                outbox=store,
                sessions=sessions,
                arrival=FakeArrival(sessions),
                directories={},
                keeper=None,
                clock=lambda: self.scene.now,
            ),
            inactive_after=30 * DAY,
        )
        return Sweeping(
            work,
            store,
            SweepRules(every=DAY, inactive_after=30 * DAY, is_enabled=is_enabled),
            Observers(self.told.telemetry),
            holder=holder,
            clock=lambda: self.scene.now,
        )

    @property
    def sweeps(self) -> int:
        """Each one reads the app's groups once."""
        return self.scene.app.calls.count("groups")


async def test_nobody_sweeps_right_after_the_start() -> None:
    replicas = Replicas()
    server = replicas.server("a")
    await server.look()
    assert replicas.sweeps == 0
    replicas.scene.now += FIRST_AFTER
    await server.look()
    assert replicas.sweeps == 1


async def test_of_two_replicas_one_sweeps_and_only_once_in_an_interval() -> None:
    replicas = Replicas()
    servers = [replicas.server(name) for name in "ab"]
    replicas.scene.now += FIRST_AFTER
    await asyncio.gather(*(one.look() for one in servers))
    replicas.scene.now += DAY - 1
    for server in servers:
        await server.look()
    assert replicas.sweeps == 1
    replicas.scene.now += 1
    await servers[1].look()
    await servers[0].look()
    assert replicas.sweeps == 2


async def test_it_can_be_switched_off() -> None:
    replicas = Replicas()
    server = replicas.server("a", is_enabled=False)
    replicas.scene.now += DAY
    await server.look()
    assert replicas.sweeps == 0


async def test_a_sweep_that_could_not_read_the_app_is_tried_again_soon_by_whoever_comes() -> None:
    replicas = Replicas()
    first, second = replicas.server("a"), replicas.server("b")
    replicas.scene.now += FIRST_AFTER
    replicas.scene.app.fail("groups", AppTrouble(detail="HTTP 503"))
    await first.look()
    await first.look()
    assert replicas.sweeps == 1
    assert replicas.told.figure("muster_sweep_ended_seconds") == 0
    await second.look()
    assert replicas.sweeps == 2
    assert replicas.told.figure("muster_sweep_ended_seconds") == replicas.scene.now


async def test_a_failed_sweep_is_tried_again_by_the_same_server_after_a_while() -> None:
    replicas = Replicas()
    server = replicas.server("a")
    replicas.scene.now += FIRST_AFTER
    replicas.scene.app.fail("groups", AppTrouble(detail="HTTP 503"))
    await server.look()
    replicas.scene.now += TRIED_AGAIN_AFTER
    await server.look()
    assert replicas.sweeps == 2


async def test_whoever_dies_in_the_middle_is_not_waited_for() -> None:
    """As `kill -9` leaves it: both leases taken, and nobody who renews them."""
    replicas = Replicas()
    server = replicas.server("b")
    replicas.scene.now += FIRST_AFTER
    for name in (TURN, SWEEP):
        await replicas.scene.store.acquire(name, holder="dead", now=replicas.scene.now, seconds=LEASE_SECONDS)
    await server.look()
    assert replicas.sweeps == 0
    replicas.scene.now += LEASE_SECONDS
    await server.look()
    assert replicas.sweeps == 1


async def test_a_command_that_sweeps_keeps_the_server_from_it_and_takes_no_turn() -> None:
    replicas = Replicas()
    server = replicas.server("a")
    replicas.scene.now += FIRST_AFTER
    store = replicas.scene.store
    async with sweeping_alone(store, holder="cli", clock=lambda: replicas.scene.now) as is_alone:
        assert is_alone
        async with sweeping_alone(store, holder="cli 2", clock=lambda: replicas.scene.now) as is_second:
            assert not is_second
        await server.look()
    assert replicas.sweeps == 0
    replicas.scene.now += TRIED_AGAIN_AFTER
    await server.look()
    assert replicas.sweeps == 1


async def test_a_sweep_that_is_cancelled_gives_both_leases_back() -> None:
    replicas = Replicas()
    replicas.scene.app.gate = asyncio.Event()
    server = replicas.server("a")
    replicas.scene.now += FIRST_AFTER
    sweeping = asyncio.create_task(server.look())
    async with asyncio.timeout(5):
        while not replicas.scene.app.in_flight:
            await asyncio.sleep(0)
    sweeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweeping
    for name in (TURN, SWEEP):
        assert await replicas.scene.store.acquire(name, holder="b", now=replicas.scene.now, seconds=1), name


async def test_what_was_found_is_logged_and_measured() -> None:
    replicas = Replicas()
    server = replicas.server("a")
    replicas.scene.now = NOW + FIRST_AFTER
    await server.look()
    (line,) = [one for one in replicas.told.records() if one["event"] == "sweep"]
    assert (line["looked_at"], line["change"], line["held_scopes"]) == (0, 0, [])
    assert replicas.told.figure("muster_sweep_found", kind="change") == 0

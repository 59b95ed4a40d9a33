"""`muster serve`: opens the house that `house.py` builds, and closes it in an order that loses nothing.

Opening: the change channel is heard once and what is ruled is adopted, then the ops listener, the listeners, the rounds.
Closing: the listeners drain; the courier gives its claims back; the rounds stop; renewals under way end, so that what an IdP
answered is written; what was seen and the audit trail are flushed; the stack closes pages, partners and, last of all, the store.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from proxy.app import descriptors, rules
from proxy.app.house import House, build
from proxy.app.rounds import Round, Rounds
from proxy.errors import Problem, SettingsError, Unavailable
from proxy.settings.addresses import Address
from proxy.settings.model import Settings
from proxy.telemetry.telemetry import Telemetry

CHANGES_EVERY = 0.25
RULINGS_EVERY = 0.5
AUDIT_EVERY = 0.5
KEYS_EVERY = 5.0
SEEN_AT_LEAST_EVERY = 60.0


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingsError before anything listens."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with running(settings):
        await stopping.wait()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[str, ...]]:
    """The bound addresses, while everything runs."""
    telemetry = Telemetry(rules.telemetry_rules(settings))
    telemetry.hear_libraries()
    for warning in settings.warnings:
        telemetry.log.warning("settings", where=warning.path, line=warning.line, what=warning.message)
    _allow_files(telemetry, settings.limits.connections)
    rounds = Rounds(telemetry)
    async with AsyncExitStack() as stack:
        house = await build(settings, telemetry, stack)
        addresses = await _open(house, stack)
        rounds.start(_rounds(house))
        for address in addresses:
            telemetry.log.info("listening", address=address, public_url=settings.public_url)
        try:
            yield addresses
        finally:
            telemetry.log.info("stopping")
            await _close(house, rounds)
            telemetry.log.info("stopped")


def _allow_files(telemetry: Telemetry, connections: int) -> None:
    files = descriptors.raise_limit(connections)
    needed = descriptors.wanted(connections)
    if files < needed:
        what = f"limits.connections needs {needed} open files, and this machine allows {files}: raise LimitNOFILE or ulimit -Hn"
        telemetry.log.warning("open_files", files=files, what=what)


async def _open(house: House, stack: AsyncExitStack) -> tuple[str, ...]:
    await _first_hearing(house)
    if house.ground.settings.ops_listen is not None:
        await _open_ops(house, house.ground.settings.ops_listen, stack)
    try:
        bound = await house.listener.start([(one.host, one.port) for one in house.ground.settings.listen])
    except OSError as error:
        await house.listener.drain()
        raise _taken("listen", error) from None
    return tuple(str(Address(host=host, port=port)) for host, port in bound)


async def _first_hearing(house: House) -> None:
    try:
        await house.beside.channel.listen()
        await house.beside.rulings.begin()
        unreadable = await house.ground.store.count_unreadable()
    except Unavailable as away:
        problem = Problem(path="store", line=None, message=f"the store does not answer: {away.reason}")
        raise SettingsError((problem,)) from None
    if unreadable:
        what = (
            f"the key file was replaced: {unreadable} sessions cannot be opened; these people sign in again"
        )
        house.ground.telemetry.log.warning("keys", sessions=unreadable, what=what)


async def _open_ops(house: House, address: Address, stack: AsyncExitStack) -> None:
    runner = web.AppRunner(house.ops, access_log=None, handle_signals=False)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, address.host, address.port)
    try:
        await site.start()
    except OSError as error:
        raise _taken("ops_listen", error) from None
    for host, port, *_ in runner.addresses:
        house.ground.telemetry.log.info("ops_listening", address=str(Address(host=host, port=port)))


def _taken(path: str, error: OSError) -> SettingsError:
    message = f"cannot listen there: {error.strerror or error}; is another program on this port?"
    return SettingsError((Problem(path=path, line=None, message=message),))


def _rounds(house: House) -> list[Round]:
    beside, ground = house.beside, house.ground
    # Seen times wait in memory: they must reach the store well before anybody is called idle, or not in use (§5.3).
    settings = ground.settings
    seen_every = min(SEEN_AT_LEAST_EVERY, settings.session.idle / 4, settings.refresh.every / 4)
    rounds = [
        Round(name="changes", seconds=CHANGES_EVERY, work=beside.channel.listen),
        Round(name="early renewals", seconds=0.5, work=beside.early.look),
        Round(name="suspicions", seconds=1.0, work=beside.suspicions.look),
        Round(name="last seen", seconds=seen_every, work=beside.upkeep.flush_seen),
        Round(name="session limits", seconds=600.0, work=beside.upkeep.end_old),
        Round(name="keys", seconds=KEYS_EVERY, work=beside.keys.look),
        Round(name="rulings", seconds=RULINGS_EVERY, work=beside.rulings.look),
        Round(name="audit", seconds=AUDIT_EVERY, work=ground.trail.flush),
        Round(name="audit limits", seconds=60.0, work=ground.trail.trim),
        Round(name="figures", seconds=2.0, work=beside.upkeep.measure),
        Round(name="cleaning", seconds=60.0, work=lambda: ground.store.clean(time.time())),
    ]
    rounds.append(Round(name="groups not stated", seconds=300.0, work=beside.silence.look))
    if house.bearers is not None:
        rounds.append(Round(name="bearer tokens", seconds=30.0, work=house.bearers.end_expired))
    if house.courier is not None:
        rounds.append(Round(name="courier", seconds=1.0, work=house.courier.run))
    if beside.sweeping is not None:
        rounds.append(Round(name="sweep", seconds=30.0, work=beside.sweeping.look))
    return rounds


async def _close(house: House, rounds: Rounds) -> None:
    await house.listener.drain()
    if house.courier is not None:
        await house.courier.stop()
    await rounds.stop()
    await house.beside.early.stop()
    await house.keeper.drain()
    if house.bearers is not None:
        await house.bearers.drain()
    try:
        await house.beside.upkeep.flush_seen()
        await house.ground.trail.flush()
    except Unavailable as away:
        house.ground.telemetry.log.warning("stopping", what=away.reason)

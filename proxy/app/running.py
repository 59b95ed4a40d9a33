"""One generation of the program: opens the house that `house.py` builds, and closes it in an order that loses nothing.

Opening: the change channel is heard once and what is ruled is adopted, then the ops listener, the listeners, the rounds.
Closing: the listeners drain; the courier gives its claims back; the rounds stop; renewals under way end, so that what an IdP
answered is written; what was seen and the audit trail are flushed; the stack closes pages, partners and, last of all, the store.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from proxy.app import descriptors, rules
from proxy.app.departure import Departure
from proxy.app.doors import Opened, duplicates
from proxy.app.house import House, build
from proxy.app.redirecting import redirecting_listener
from proxy.app.rounds import Round, Rounds
from proxy.edge.listener import Listener
from proxy.errors import Problem, SettingsError, Unavailable
from proxy.settings.addresses import Address, SocketFile
from proxy.settings.model import Settings
from proxy.telemetry.telemetry import Telemetry

CHANGES_EVERY = 0.25
RULINGS_EVERY = 0.5
AUDIT_EVERY = 0.5
KEYS_EVERY = 5.0
CERTIFICATE_EVERY = 5.0
SEEN_AT_LEAST_EVERY = 60.0


@asynccontextmanager
async def running(
    settings: Settings,
    opened: Opened,
    *,
    number: int = 0,
    departure: Callable[[], Departure] = Departure,
) -> AsyncIterator[tuple[str, ...]]:
    """The bound addresses, while everything runs on duplicates of the opened sockets.

    `number` is the worker's; `departure` tells at the end who serves these addresses, and how long quiet connections stay.
    """
    telemetry = Telemetry(rules.telemetry_rules(settings))
    telemetry.hear_libraries()
    for warning in settings.warnings:
        telemetry.log.warning("settings", where=warning.path, line=warning.line, what=warning.message)
    _allow_files(telemetry, settings.limits.connections)
    rounds = Rounds(telemetry)
    async with AsyncExitStack() as stack:
        house = await build(settings, telemetry, stack)
        listeners, ops = (
            _listeners(house, opened),
            web.AppRunner(house.ops, access_log=None, handle_signals=False),
        )
        stack.push_async_callback(ops.cleanup)
        try:
            addresses = await _open(house, listeners, ops, opened.ops[number] if opened.ops else ())
            rounds.start(_rounds(house))
            for address in addresses:
                telemetry.log.info("listening", address=address, public_url=settings.public_url)
            yield addresses
        finally:
            telemetry.log.info("stopping")
            if departure().is_replaced:
                # Who asks for health or metrics now asks about the one that stays.
                await ops.cleanup()
            await _close(house, rounds, listeners, departure)
            telemetry.log.info("stopped")


_Listeners = tuple[tuple[Listener, tuple[socket.socket, ...]], ...]


def _allow_files(telemetry: Telemetry, connections: int) -> None:
    files = descriptors.raise_limit(connections)
    needed = descriptors.wanted(connections)
    if files < needed:
        what = f"limits.connections needs {needed} open files, and this machine allows {files}: raise LimitNOFILE or ulimit -Hn"
        telemetry.log.warning("open_files", files=files, what=what)


def _listeners(house: House, opened: Opened) -> _Listeners:
    public = (house.listener, opened.public)
    if not opened.redirect:
        return (public,)
    return public, (redirecting_listener(house.ground.settings, house.ground.telemetry), opened.redirect)


async def _open(
    house: House, listeners: _Listeners, ops: web.AppRunner, ops_sockets: tuple[socket.socket, ...]
) -> tuple[str, ...]:
    await _first_hearing(house)
    if ops_sockets:
        await _open_ops(house, ops, ops_sockets)
    bound: list[str] = []
    for listener, sockets in listeners:
        bound += (_written(*name) for name in await listener.start(duplicates(sockets)))
    return tuple(bound)


def _written(host: str, port: int) -> str:
    return str(SocketFile(path=host) if host.startswith("/") else Address(host=host, port=port))


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


async def _open_ops(house: House, ops: web.AppRunner, sockets: tuple[socket.socket, ...]) -> None:
    await ops.setup()
    for own in duplicates(sockets):
        await web.SockSite(ops, own).start()
        host, port, *_ = own.getsockname()
        house.ground.telemetry.log.info("ops_listening", address=_written(host, port))


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
    if beside.certificate is not None:
        beside.certificate.say_doubts()
        rounds.append(Round(name="certificate", seconds=CERTIFICATE_EVERY, work=beside.certificate.look))
    if house.courier is not None:
        rounds.append(Round(name="courier", seconds=1.0, work=house.courier.run))
    if beside.sweeping is not None:
        rounds.append(Round(name="sweep", seconds=30.0, work=beside.sweeping.look))
    return rounds


async def _close(
    house: House, rounds: Rounds, listeners: _Listeners, departure: Callable[[], Departure]
) -> None:
    def quiet_until() -> float:
        return departure().quiet_until

    await asyncio.gather(*(listener.drain(quiet_until) for listener, _ in listeners))
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

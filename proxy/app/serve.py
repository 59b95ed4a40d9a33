"""`muster serve`: builds the house, opens the doors, and closes them in an order that loses nothing.

Opening: keys, store, partners, rooms, change channel, rounds, then the listeners. Closing: listeners drain, renewals under way
end (what an IdP answered is written), the courier gives its claims back, what was seen is flushed, the store closes.
"""

import asyncio
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from proxy.app import rules
from proxy.app.flows import AskTheRightIdp
from proxy.app.observers import Observers
from proxy.app.rooms import Answering, make_courier, renderer
from proxy.app.rounds import ChangeChannel, EarlyRenewals, Round, Rounds, Upkeep
from proxy.edge.listener import Listener
from proxy.edge.plane import Neighbours
from proxy.edge.ports import ConnectOwn
from proxy.errors import Problem, SettingsError, Unavailable
from proxy.gate.arrival import ArrivalRules, Arrivals, ArrivalStores
from proxy.gate.cache import SessionCache
from proxy.gate.gate import Gate
from proxy.groups.evaluate import admit
from proxy.oidc.client import OidcClient
from proxy.oidc.transport import open_session
from proxy.provisioning.courier import Courier
from proxy.session.cookie import new_cookie, session_key
from proxy.session.keeper import Keeper
from proxy.session.model import SessionKey
from proxy.session.suspicion import Suspicions
from proxy.settings.addresses import Address
from proxy.settings.model import Settings
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import SqliteStore, open_store
from proxy.telemetry.telemetry import Telemetry, TelemetryRules
from proxy.web.application import make_application
from proxy.web.health import make_ops_application
from proxy.web.parts import Site, WebParts
from proxy.web.render import Pages

COOKIE_ENTROPY = 32
CHANGES_EVERY = 0.25
CALLBACK = "/_muster/callback"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Every room, built and not yet running."""

    settings: Settings
    telemetry: Telemetry
    store: SqliteStore
    cache: SessionCache
    keeper: Keeper
    suspicions: Suspicions
    courier: Courier | None
    listener: Listener
    pages: web.AppRunner
    ops: web.Application
    rounds: Rounds
    early: EarlyRenewals
    channel: ChangeChannel
    upkeep: Upkeep


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Whether requests can be served: the store answers, the change channel lives. whoever else is down."""

    store: SqliteStore
    cache: SessionCache

    async def ready(self) -> tuple[bool, dict[str, str]]:
        try:
            await self.store.sessions.ping()
        except Unavailable as away:
            return False, {"store": away.reason}
        age = time.time() - self.cache.proved_at
        return age < 5, {"store": "ok", "changes": "ok" if age < 5 else f"not heard for {age:.0f} s"}


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
    telemetry = Telemetry(
        TelemetryRules(
            level=settings.log.level,
            is_access_logged=settings.log.access,
            idps=tuple(idp.id for idp in settings.idps),
        )
    )
    telemetry.hear_libraries()
    for warning in settings.warnings:
        telemetry.log.warning("settings", where=warning.path, line=warning.line, what=warning.message)
    async with AsyncExitStack() as stack:
        house = await _build(settings, telemetry, stack)
        addresses = await _open(house, stack)
        for address in addresses:
            telemetry.log.info("listening", address=address, public_url=settings.public_url)
        try:
            yield addresses
        finally:
            telemetry.log.info("stopping")
            await _close(house)
            telemetry.log.info("stopped")
            telemetry.flush()


async def _build(settings: Settings, telemetry: Telemetry, stack: AsyncExitStack) -> House:
    ring = load_keyring(settings.keys_file)
    store = open_store(settings.store.sqlite, ring)
    stack.push_async_callback(store.close)
    idp_http = await stack.enter_async_context(open_session())
    observers = Observers(telemetry)
    cache = SessionCache()
    clients = [OidcClient(rules.idp_rules(idp), idp_http) for idp in settings.idps]
    courier = await _courier(settings, store, observers, stack)
    arrivals = _arrivals(settings, store, courier, observers)
    keeper = Keeper(
        store.sessions,
        AskTheRightIdp(clients={client.rules.id: client for client in clients}),
        arrivals,
        observers,
        rules.keeper_rules(settings),
        holder=secrets.token_hex(8),
        clock=time.time,
    )
    gate = Gate(
        store.sessions,
        keeper,
        cache,
        rules.gate_rules(settings),
        render=renderer(settings),
        key_of=session_key,
        clock=time.time,
    )
    site = Site(public_url=settings.public_url.rstrip("/"), is_cookie_secure=rules.is_cookie_secure(settings))
    parts = WebParts(
        site=site,
        flows={client.rules.id: client for client in clients},
        arrive=arrivals,
        sessions=store.sessions,
        readiness=Ready(store=store, cache=cache),
        journal=observers,
        keys=ring,
        refresh=rules.refresh_rules(settings),
        cookie_seconds=int(settings.session.absolute),
        clock=time.time,
        entropy=secrets.token_bytes,
    )
    pages = web.AppRunner(make_application(parts), access_log=None, handle_signals=False)
    await pages.setup()
    stack.push_async_callback(pages.cleanup)
    listener = Listener(
        Neighbours(
            gate=gate,
            answers=Answering(pages=Pages(site)),
            connect_own=_connector(pages),
            access=telemetry.access,
            report=telemetry.report,
        ),
        upstream=rules.upstream_rules(settings),
        fields=rules.field_rules(settings),
        limits=rules.limits(settings),
        scheme=settings.public_url.partition(":")[0],
    )
    return House(
        settings=settings,
        telemetry=telemetry,
        store=store,
        cache=cache,
        keeper=keeper,
        suspicions=Suspicions(store.sessions, keeper, arrivals, observers, clock=time.time),
        courier=courier,
        listener=listener,
        pages=pages,
        ops=make_ops_application(parts.readiness, telemetry.metrics.render),
        rounds=Rounds(telemetry),
        early=EarlyRenewals(cache, keeper, in_flight=listener.sessions_in_flight, clock=time.time),
        channel=ChangeChannel(store.sessions, cache, end_session=listener.end_session, clock=time.time),
        upkeep=Upkeep(
            sessions=store.sessions,
            cache=cache,
            outbox=store.outbox,
            ledger=store.ledger,
            rules=rules.refresh_rules(settings),
            telemetry=telemetry,
            clock=time.time,
        ),
    )


async def _courier(
    settings: Settings, store: SqliteStore, observers: Observers, stack: AsyncExitStack
) -> Courier | None:
    if settings.app is None:
        return None
    http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
    return make_courier(settings, settings.app, store, observers, http)


def _arrivals(
    settings: Settings, store: SqliteStore, courier: Courier | None, observers: Observers
) -> Arrivals:
    join = rules.join_rules(settings)
    return Arrivals(
        ArrivalStores(
            sessions=store.sessions,
            joint=store.joint,
            outbox=store.outbox,
            bindings=store.bindings,
            lane=courier,
        ),
        ArrivalRules(
            refresh=rules.refresh_rules(settings),
            admit=lambda identity: admit(identity, join),
            login_claim=settings.headers.user_claim,
            is_prefixed=len(settings.idps) > 1,
        ),
        observers,
        new_cookie=_new_cookie,
        clock=time.time,
    )


def _new_cookie() -> tuple[bytes, SessionKey]:
    value = new_cookie(secrets.token_bytes(COOKIE_ENTROPY)).encode("ascii")
    key = session_key(value)
    if key is None:
        raise ValueError("a fresh cookie is not one of ours")
    return value, key


def _connector(pages: web.AppRunner) -> ConnectOwn:
    async def connect() -> socket.socket:
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        server = pages.server
        assert server is not None, "set up before the listeners open"
        await asyncio.get_running_loop().connect_accepted_socket(server, far)
        return near

    return connect


async def _open(house: House, stack: AsyncExitStack) -> tuple[str, ...]:
    await _first_hearing(house)
    if house.settings.ops_listen is not None:
        await _open_ops(house, house.settings.ops_listen, stack)
    try:
        bound = await house.listener.start([(one.host, one.port) for one in house.settings.listen])
    except OSError as error:
        raise _taken("listen", error) from None
    house.rounds.start(_rounds(house))
    return tuple(str(Address(host=host, port=port)) for host, port in bound)


async def _first_hearing(house: House) -> None:
    try:
        await house.channel.listen()
    except Unavailable as away:
        problem = Problem(path="store", line=None, message=f"the store does not answer: {away.reason}")
        raise SettingsError((problem,)) from None


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
        house.telemetry.log.info("ops_listening", address=str(Address(host=host, port=port)))


def _taken(path: str, error: OSError) -> SettingsError:
    message = f"cannot listen there: {error.strerror or error}; is another program on this port?"
    return SettingsError((Problem(path=path, line=None, message=message),))


def _rounds(house: House) -> list[Round]:
    upkeep = house.upkeep
    rounds = [
        Round(name="changes", seconds=CHANGES_EVERY, work=house.channel.listen),
        Round(name="early renewals", seconds=0.5, work=house.early.look),
        Round(name="suspicions", seconds=1.0, work=house.suspicions.look),
        Round(name="last seen", seconds=60.0, work=upkeep.flush_seen),
        Round(name="session limits", seconds=600.0, work=upkeep.end_old),
        Round(name="figures", seconds=2.0, work=upkeep.measure),
        Round(name="cleaning", seconds=60.0, work=lambda: house.store.clean(time.time())),
    ]
    if house.courier is not None:
        rounds.append(Round(name="courier", seconds=1.0, work=house.courier.run))
    return rounds


async def _close(house: House) -> None:
    await house.listener.drain()
    await house.early.stop()
    await house.keeper.drain()
    if house.courier is not None:
        await house.courier.stop()
    await house.rounds.stop()
    try:
        await house.upkeep.flush_seen()
    except Unavailable as away:
        house.telemetry.log.warning("stopping", what=away.reason)

"""Builds the house: every room, out of the settings, each handed what it asks for. Nothing runs when `build` returns.

Order: keys and store; who is told; partners; the keeper and the gate; the pages; the listener; what is done beside requests.
Whatever is opened is closed by the stack, in the opposite order.
"""

import secrets
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import aiohttp
from aiohttp import web

from proxy.app import rules
from proxy.app.asked_in_vain import AskedInVain
from proxy.app.bearers import open_bearers
from proxy.app.certificates import CertificateWatch, certificate_doubts
from proxy.app.choosing import choosing_rules
from proxy.app.early import EarlyRenewals
from proxy.app.flows import AskTheRightIdp
from proxy.app.ground import Ground, lay_ground
from proxy.app.idps import Idps, open_idps
from proxy.app.keys import KeysWatch
from proxy.app.own_pages import open_own_pages
from proxy.app.path_rules import demands
from proxy.app.readiness import Readiness
from proxy.app.rooms import Answering, fresh_cookie, make_courier, renderer
from proxy.app.rounds import ChangeChannel, Upkeep
from proxy.app.rulings import RulingsWatch
from proxy.app.silence import Silence
from proxy.app.standing import WithUpstreams, edge_figures
from proxy.app.sweeping import Sweeping, whole_sweep
from proxy.app.upstreams import check_upstream_files, routes, upstream_rules
from proxy.edge.listener import Listener
from proxy.edge.plane import Neighbours
from proxy.edge.ports import ConnectOwn
from proxy.gate.arrival import Arrivals, ArrivalStores
from proxy.gate.bearer import Bearers
from proxy.gate.gate import Gate
from proxy.identity import IdpId
from proxy.oidc.client import OidcClient
from proxy.oidc.directory.asking import AskDirectories
from proxy.oidc.transport import open_session
from proxy.provisioning.courier import Courier
from proxy.provisioning.directory import Directory
from proxy.session.cookie import session_key
from proxy.session.keeper import Keeper
from proxy.session.suspicion import Suspicions
from proxy.settings.model import Settings
from proxy.telemetry.telemetry import Telemetry
from proxy.web.admin_api import AdminApi
from proxy.web.application import make_application
from proxy.web.health import make_ops_application
from proxy.web.parts import Site, WebParts
from proxy.web.render import Pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is done beside the requests."""

    channel: ChangeChannel
    early: EarlyRenewals
    suspicions: Suspicions
    upkeep: Upkeep
    silence: Silence
    sweeping: Sweeping | None
    rulings: RulingsWatch
    keys: KeysWatch
    certificate: CertificateWatch | None


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Every room, built and not yet running."""

    ground: Ground
    keeper: Keeper
    bearers: Bearers | None
    courier: Courier | None
    listener: Listener
    ops: web.Application
    beside: Beside


async def build(settings: Settings, telemetry: Telemetry, stack: AsyncExitStack) -> House:
    """The house. Raises SettingsError for keys, a store or a preset that cannot be used."""
    ground = await lay_ground(settings, telemetry, stack)
    partners = await _idps(ground, stack)
    idps = partners.clients
    courier = await _courier(ground, stack)
    arrivals = _arrivals(ground, courier)
    keeper = _keeper(ground, idps, arrivals)
    bearers = await open_bearers(settings, arrivals, ground.observers, stack)
    parts = _web_parts(ground, idps, arrivals, keeper)
    connect_own = await open_own_pages(
        make_application(parts), stack, header_bytes=ground.settings.limits.header_bytes
    )
    listener = _listener(ground, _gate(ground, keeper, bearers), parts.site, connect_own)
    telemetry.metrics.edge.read = lambda: edge_figures(listener)
    seen = WithUpstreams(inner=parts.readiness, listener=listener)
    return House(
        ground=ground,
        keeper=keeper,
        bearers=bearers,
        courier=courier,
        listener=listener,
        ops=make_ops_application(seen, telemetry.metrics.render, _admin(ground)),
        beside=_beside(ground, keeper, arrivals, listener, partners.directories, courier),
    )


def _admin(ground: Ground) -> AdminApi | None:
    token = ground.settings.admin_token
    if token is None:
        return None
    return AdminApi(
        sessions=ground.store.sessions,
        token=token.reader(),
        told=ground.observers.ended_by_operator,
        clock=time.time,
    )


async def _idps(ground: Ground, stack: AsyncExitStack) -> Idps:
    http = await stack.enter_async_context(open_session())
    return open_idps(ground.settings, http, ground.observers, clock=time.time)


async def _courier(ground: Ground, stack: AsyncExitStack) -> Courier | None:
    app = ground.settings.app
    if app is None:
        return None
    http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
    return make_courier(ground.settings, app, ground.store, ground.observers, http)


def _arrivals(ground: Ground, courier: Courier | None) -> Arrivals:
    store = ground.store
    return Arrivals(
        ArrivalStores(
            sessions=store.sessions,
            joint=store.joint,
            outbox=store.outbox,
            bindings=store.bindings,
            lane=courier,
        ),
        rules.arrival_rules(ground.settings, ground.effective.admit),
        ground.observers,
        new_cookie=fresh_cookie,
        clock=time.time,
    )


def _keeper(ground: Ground, idps: tuple[OidcClient, ...], arrivals: Arrivals) -> Keeper:
    return Keeper(
        ground.store.sessions,
        AskTheRightIdp(
            clients={idp.rules.id: idp for idp in idps}, enforced=choosing_rules(ground.settings).enforced
        ),
        arrivals,
        ground.observers,
        rules.keeper_rules(ground.settings),
        # Drawn for each house: a lease lets its own holder in again, so two generations or workers must never share one.
        holder=secrets.token_hex(8),
        clock=time.time,
    )


def _gate(ground: Ground, keeper: Keeper, bearers: Bearers | None) -> Gate:
    return Gate(
        ground.store.sessions,
        keeper,
        ground.cache,
        rules.gate_rules(ground.settings),
        render=renderer(ground.settings, ground.effective),
        key_of=session_key,
        clock=time.time,
        bearers=bearers,
        asserts=ground.assertions,
    )


def _web_parts(ground: Ground, idps: tuple[OidcClient, ...], arrivals: Arrivals, keeper: Keeper) -> WebParts:
    settings = ground.settings
    return WebParts(
        site=Site(
            public_url=settings.public_url.rstrip("/"),
            is_cookie_secure=rules.is_cookie_secure(settings),
            cors_origins=rules.cors_origins(settings),
        ),
        flows={idp.rules.id: idp for idp in idps},
        arrive=arrivals,
        renew=keeper,
        sessions=ground.store.sessions,
        readiness=Readiness(sessions=ground.store.sessions, cache=ground.cache, clock=time.time),
        journal=ground.observers,
        keys=ground.keys,
        refresh=rules.refresh_rules(settings),
        cookie_seconds=int(settings.session.absolute),
        clock=time.time,
        entropy=secrets.token_bytes,
        choosing=choosing_rules(settings),
        leaving=rules.leaving_rules(settings),
        demands=demands(settings),
        assertions=ground.assertions,
    )


def _listener(ground: Ground, gate: Gate, site: Site, connect_own: ConnectOwn) -> Listener:
    settings, telemetry = ground.settings, ground.telemetry
    check_upstream_files(settings)
    return Listener(
        Neighbours(
            gate=gate,
            answers=Answering(pages=Pages(site)),
            connect_own=connect_own,
            access=telemetry.access,
            report=telemetry.report,
            asked_in_vain=AskedInVain(telemetry.log),
        ),
        upstream=upstream_rules(settings.upstream) if settings.upstream is not None else None,
        upstreams=routes(settings),
        told=ground.observers.upstream_told,
        fields=rules.field_rules(settings),
        limits=rules.limits(settings),
        scheme=settings.public_url.partition(":")[0],
        trust=rules.trust(settings),
        expects_preamble=settings.proxy_protocol,
        websockets=rules.websocket_rules(settings),
        takes_questions=settings.forward_auth.enabled,
        tls=ground.tls.context if ground.tls else None,
    )


def _beside(
    ground: Ground,
    keeper: Keeper,
    arrivals: Arrivals,
    listener: Listener,
    directories: Mapping[IdpId, Directory],
    courier: Courier | None,
) -> Beside:
    store, cache, refresh = ground.store, ground.cache, rules.refresh_rules(ground.settings)
    flying, end_session = listener.sessions_in_flight, listener.end_session
    return Beside(
        channel=ChangeChannel(
            store.sessions, cache, end_session=end_session, in_flight=flying, clock=time.time
        ),
        early=EarlyRenewals(
            store.sessions,
            cache,
            keeper,
            refresh,
            in_flight=flying,
            end_session=end_session,
            report=ground.telemetry.report,
            clock=time.time,
        ),
        suspicions=Suspicions(
            store.sessions,
            keeper,
            arrivals,
            ground.observers,
            clock=time.time,
            directory=AskDirectories(directories, store.outbox, clock=time.time),
        ),
        upkeep=Upkeep(
            sessions=store.sessions,
            cache=cache,
            outbox=store.outbox,
            ledger=store.ledger,
            rules=refresh,
            telemetry=ground.telemetry,
            in_flight=flying,
            clock=time.time,
        ),
        rulings=_rulings(ground, courier),
        keys=KeysWatch(ground.settings.keys_file, ground.keys, store.sessions, ground.telemetry),
        certificate=CertificateWatch(
            ground.tls, ground.telemetry, partial(certificate_doubts, ground.settings)
        )
        if ground.tls
        else None,
        silence=Silence(outbox=store.outbox, telemetry=ground.telemetry, clock=time.time),
        sweeping=_sweeping(ground, keeper, arrivals, directories, courier),
    )


def _sweeping(
    ground: Ground,
    keeper: Keeper,
    arrivals: Arrivals,
    directories: Mapping[IdpId, Directory],
    courier: Courier | None,
) -> Sweeping | None:
    """Without an app there is nobody to look at."""
    if courier is None:
        return None
    sweep_rules = rules.sweep_rules(ground.settings)
    work = whole_sweep(ground.store, courier, arrivals, directories, keeper, sweep_rules)
    return Sweeping(
        work,
        ground.store.leases,
        sweep_rules,
        ground.observers,
        holder=secrets.token_hex(8),
        clock=time.time,
    )


def _rulings(ground: Ground, courier: Courier | None) -> RulingsWatch:
    return RulingsWatch(
        rulings=ground.store.rulings,
        sessions=ground.store.sessions,
        outbox=ground.store.outbox,
        ledger=ground.store.ledger,
        effective=ground.effective,
        courier=courier,
        cache=ground.cache,
        told=ground.observers,
        clock=time.time,
    )

"""`muster sweep`: a look at everybody, now. Stored refresh tokens are tried by the server alone: it holds their leases."""

import secrets
from argparse import Namespace
from typing import Any, NoReturn

import aiohttp

from proxy.app import rules
from proxy.app.idps import open_idps
from proxy.app.observers import Observers
from proxy.app.sweeping import sweeping_alone, whole_sweep
from proxy.cli.desk import Desk, at_desk, own_courier, quiet, say
from proxy.cli.looking import Looked, at_work, looked
from proxy.cli.store import now
from proxy.gate.arrival import Arrivals, ArrivalStores
from proxy.oidc.transport import open_session
from proxy.provisioning.courier import Courier
from proxy.telemetry.redaction import redact


def run(args: Namespace) -> int:
    """0 when everything agrees, 3 when something differed or is held, 1 when the app gave no answer or a sweep runs already."""
    return at_desk(args, lambda desk: _sweep(desk, args))


async def _sweep(desk: Desk, args: Namespace) -> int:
    holder = f"cli {secrets.token_hex(4)}"
    async with sweeping_alone(desk.store.leases, holder=holder, clock=now) as is_alone:
        if not is_alone:
            say("a sweep runs already (of the server, or of another command)")
            return 1
        async with own_courier(desk) as courier, open_session() as http, at_work(courier):
            seen = await _whole(desk, args, courier, http)
    if not args.dry_run:
        await desk.audited("sweep", **seen.facts)
    return seen.code


async def _whole(desk: Desk, args: Namespace, courier: Courier, http: aiohttp.ClientSession) -> Looked:
    records: list[tuple[float, dict[str, Any]]] = []
    observers = Observers(quiet(), lambda record: records.append((now(), redact(record))))
    idps = open_idps(desk.settings, http, observers, clock=now)
    work = whole_sweep(
        desk.store,
        courier,
        _arrivals(desk, courier, observers),
        idps.directories,
        None,
        rules.sweep_rules(desk.settings),
    )
    try:
        return await looked(
            lambda progress: work.run(is_dry_run=args.dry_run, progress=progress), is_json=args.json
        )
    finally:
        await desk.store.audit.append(records)


def _arrivals(desk: Desk, courier: Courier, observers: Observers) -> Arrivals:
    """For removals alone: nobody signs in at a command."""
    store = desk.store
    return Arrivals(
        ArrivalStores(
            sessions=store.sessions,
            joint=store.joint,
            outbox=store.outbox,
            bindings=store.bindings,
            lane=courier,
        ),
        rules.arrival_rules(desk.settings, desk.effective.admit),
        observers,
        new_cookie=_nobody_signs_in,
        clock=now,
    )


def _nobody_signs_in() -> NoReturn:
    raise RuntimeError("a command makes no sessions")

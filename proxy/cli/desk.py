"""What a command that looks into the store or changes something stands on: the configuration, the store, and what holds now."""

import json
import os
import pwd
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any, TypeVar

import aiohttp

from proxy.app.effective import Effective
from proxy.app.observers import Observers
from proxy.app.rooms import make_courier, open_admin
from proxy.app.storing import Store
from proxy.cli.configuration import configured
from proxy.cli.store import now, with_store
from proxy.errors import Problem, SettingsError
from proxy.groups.stored import Origin
from proxy.provisioning.app_admin import AppAdmin
from proxy.provisioning.courier import Courier
from proxy.provisioning.rules import CourierRules
from proxy.settings.model import Settings
from proxy.telemetry.redaction import redact
from proxy.telemetry.telemetry import Streams, Telemetry, TelemetryRules

Result = TypeVar("Result")
EVERYBODY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One command's view; `effective` is what was ruled when the command began."""

    settings: Settings
    store: Store
    effective: Effective

    async def audited(self, event: str, **facts: Any) -> None:
        """Write into the audit trail what this command did, and who ran it."""
        await audited(self.store, event, **facts)


def at_desk(args: Namespace, work: Callable[[Desk], Awaitable[Result]]) -> Result:
    """What `work` returns. Raises SettingsError when there is no store yet or it cannot be opened, and Unavailable."""
    settings = configured(args)

    async def run(store: Store) -> Result:
        effective = Effective(settings, await store.rulings.ruled())
        return await work(Desk(settings=settings, store=store, effective=effective))

    return with_store(settings, run)


async def audited(store: Store, event: str, **facts: Any) -> None:
    """Write into the audit trail what a command did, and who ran it."""
    await store.audit.append([(now(), redact({"event": event, "by": operator().by, **facts}))])


def operator() -> Origin:
    """Whoever runs this command, now."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return Origin(by=f"cli ({name})", at=now())


@asynccontextmanager
async def own_courier(desk: Desk) -> AsyncIterator[Courier]:
    """A courier of the command's own, for when no server runs; its audit goes to the store. Raises SettingsError."""
    app = desk.settings.app
    if app is None:
        raise refusal("no app is configured")
    records: list[tuple[float, dict[str, Any]]] = []
    observers = Observers(quiet(), lambda record: records.append((now(), redact(record))))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        courier = make_courier(desk.settings, app, desk.store, observers, http)
        courier.adopt(desk.effective.applied_to(courier.rules))
        try:
            yield courier
        finally:
            await courier.stop()
            await desk.store.audit.append(records)


@asynccontextmanager
async def own_admin(desk: Desk) -> AsyncIterator[tuple[AppAdmin, CourierRules]]:
    """The app's admin API for reading, and the rules a courier would go by now."""
    app = desk.settings.app
    if app is None:
        raise refusal("no app is configured: there is nothing to plan")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        courier = make_courier(desk.settings, app, desk.store, Observers(quiet()), http)
        yield open_admin(app, Observers(quiet()), http), desk.effective.applied_to(courier.rules)


def quiet() -> Telemetry:
    """What a server writes goes nowhere: a command's output is its own, and its audit goes to the store."""
    return Telemetry(TelemetryRules(level="error"), streams=Streams(log=StringIO(), out=StringIO()))


def refusal(message: str) -> SettingsError:
    """A mistake on the command line, as a sentence."""
    return SettingsError((Problem(path="", line=None, message=message),))


def say(message: str) -> None:
    """A sentence to the operator that is no part of the output."""
    print(f"muster: {message}", file=sys.stderr)


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))


def moment(at: float) -> str:
    """A time for people, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")

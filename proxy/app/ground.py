"""What every room of the house stands on: settings, who is told, keys, certificate, store, and what is cached of it."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from proxy.app.asserting import open_assertions
from proxy.app.certificates import listener_tls
from proxy.app.effective import Effective
from proxy.app.observers import Observers
from proxy.app.storing import Store, open_store
from proxy.app.trail import Trail, open_trail
from proxy.edge.tls import ListenerTls
from proxy.gate.asserting import Assertions
from proxy.gate.cache import SessionCache
from proxy.session.codec import KeyRing
from proxy.settings.model import Settings
from proxy.storage.keyring import load_keyring
from proxy.telemetry.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every room stands on."""

    settings: Settings
    telemetry: Telemetry
    observers: Observers
    keys: KeyRing
    store: Store
    cache: SessionCache
    effective: Effective
    trail: Trail
    assertions: Assertions | None
    tls: ListenerTls | None


async def lay_ground(settings: Settings, telemetry: Telemetry, stack: AsyncExitStack) -> Ground:
    """Opened, and closed by the stack. Raises SettingsError for a certificate, keys or a store that cannot be used."""
    tls = listener_tls(settings)
    keys = load_keyring(settings.keys_file)
    store = await open_store(settings, keys)
    stack.push_async_callback(store.close)
    trail, effective = open_trail(settings, store.audit, telemetry), Effective(settings)
    return Ground(
        settings=settings,
        telemetry=telemetry,
        observers=Observers(telemetry, trail.add),
        keys=keys,
        store=store,
        cache=SessionCache(),
        effective=effective,
        trail=trail,
        assertions=open_assertions(settings, keys, effective),
        tls=tls,
    )

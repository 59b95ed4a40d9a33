"""The store as a whole: cleaning."""

from pathlib import Path

import pytest

from proxy.errors import SettingsError
from proxy.session.codec import KeyRing, SealingKey
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.place import Address, Place, Single, Tls
from proxy.storage.redis.store import UNREADABLE_KEPT_SECONDS, RedisStore, make_store
from tests.contract.records import NOW, session


async def test_what_nobody_can_open_is_counted_and_forgotten_in_time(
    engine: RedisEngine, ring: KeyRing
) -> None:
    await RedisStore(engine, ring).sessions.create(session())
    store = RedisStore(engine, KeyRing(keys=(SealingKey(secret=b"n" * 32),)))
    assert await store.count_unreadable() == 1
    await store.clean(NOW + UNREADABLE_KEPT_SECONDS - 1)
    assert await store.count_unreadable() == 1
    await store.clean(NOW + UNREADABLE_KEPT_SECONDS + 1)
    assert await store.count_unreadable() == 0
    begun = await store.sessions.latest_change()
    assert await store.sessions.changes(begun) == (begun, ()), "nobody is told"


async def test_redeemed_attempts_and_freezes_that_are_over_are_forgotten(
    engine: RedisEngine, ring: KeyRing
) -> None:
    store = RedisStore(engine, ring)
    await store.sessions.spend_attempt("hash", now=NOW, seconds=600)
    await store.sessions.freeze(session().idp, NOW + 10)
    await store.clean(NOW + 600)
    assert await engine.ask(("EXISTS", engine.keys.attempts), ("EXISTS", engine.keys.freezes)) == [0, 0]


def test_tls_files_that_are_not_there_are_the_operators_to_correct() -> None:
    at = Single(endpoint=Address(host="redis", port=6379))
    ring = KeyRing(keys=(SealingKey(secret=b"n" * 32),))
    with pytest.raises(SettingsError, match="no-such"):
        make_store(Place(at=at, tls=Tls(cert_file=Path("/no-such.pem"))), ring)

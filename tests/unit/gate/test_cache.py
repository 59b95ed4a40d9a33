"""The cache holds opened sessions, and never one about which something came meanwhile."""

from proxy.gate.cache import Cached, SessionCache
from proxy.gate.decision import Admit
from tests.fakes.people import SIGNED_IN_AT, key, session


def entry(number: int = 1, *, early_at: float = 100.0, seen_at: float = 10.0) -> Cached:
    one = session(number=number)
    return Cached(
        cookie=b"cookie-%d" % number,
        session=one,
        admit=Admit(session=one.key, block=b""),
        until=200.0,
        early_at=early_at,
        seen_at=seen_at,
    )


def test_what_is_put_is_found_by_cookie_and_by_key() -> None:
    cache = SessionCache()
    assert cache.put(entry(), epoch=cache.epoch)
    assert cache.get(b"cookie-1") is cache.of_key(key())
    assert cache.get(b"cookie-2") is None


def test_a_load_that_a_change_overtook_is_not_kept() -> None:
    cache = SessionCache()
    before = cache.epoch
    cache.drop(key())
    assert not cache.put(entry(), epoch=before)
    assert cache.put(entry(), epoch=cache.epoch)


def test_a_change_of_somebody_else_does_not_hinder() -> None:
    cache = SessionCache()
    before = cache.epoch
    cache.drop(key(2))
    assert cache.put(entry(1), epoch=before)


def test_a_broken_channel_empties_it_and_hinders_every_load_under_way() -> None:
    cache = SessionCache()
    before = cache.epoch
    cache.put(entry(), epoch=before)
    cache.clear()
    assert cache.get(b"cookie-1") is None
    assert not cache.put(entry(), epoch=before)


def test_forgetting_old_changes_hinders_loads_instead_of_trusting_them() -> None:
    cache = SessionCache()
    before = cache.epoch
    for number in range(10, 10 + 5000):
        cache.drop(key(number))
    assert not cache.put(entry(), epoch=before)


def test_it_is_bounded_and_the_oldest_goes_first() -> None:
    cache = SessionCache(limit=2)
    for number in (1, 2, 3):
        cache.put(entry(number), epoch=0)
    assert cache.get(b"cookie-1") is None
    assert cache.of_key(key(1)) is None
    assert cache.get(b"cookie-3") is not None


def test_a_session_under_a_second_cookie_value_replaces_the_first() -> None:
    cache = SessionCache()
    cache.put(entry(), epoch=0)
    other = entry()
    other.cookie = b"another"
    cache.put(other, epoch=0)
    assert cache.get(b"cookie-1") is None
    assert len(cache.entries) == 1


def test_seen_tells_each_sighting_once() -> None:
    cache = SessionCache()
    one = entry(seen_at=SIGNED_IN_AT)
    cache.put(one, epoch=0)
    assert cache.seen() == {}
    one.seen_at = SIGNED_IN_AT + 20
    assert cache.seen() == {key(): SIGNED_IN_AT + 20}
    assert cache.seen() == {}


def test_the_request_that_brought_a_session_here_is_use_too() -> None:
    """Somebody whose every request meets a cold cache would else end as idle, though they come daily."""
    cache = SessionCache()
    cache.put(entry(seen_at=SIGNED_IN_AT + 300), epoch=0)
    assert cache.seen() == {key(): SIGNED_IN_AT + 300}


def test_early_renewals_are_for_sessions_in_use() -> None:
    cache = SessionCache()
    cache.put(entry(1, early_at=50.0, seen_at=45.0), epoch=0)
    cache.put(entry(2, early_at=50.0, seen_at=5.0), epoch=0)
    cache.put(entry(3, early_at=60.0, seen_at=45.0), epoch=0)
    assert cache.in_use_and_early(55.0, seen_since=40.0) == (key(1),)


def test_what_nobody_uses_is_let_go() -> None:
    cache = SessionCache()
    cache.put(entry(1, seen_at=5.0), epoch=0)
    cache.put(entry(2, seen_at=50.0), epoch=0)
    cache.prune(40.0)
    assert cache.get(b"cookie-1") is None
    assert cache.get(b"cookie-2") is not None

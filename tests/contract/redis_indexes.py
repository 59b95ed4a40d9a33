"""Whether all that points to an entry or a binding on Redis says what the record itself says: no more, and no less."""

from collections import defaultdict
from typing import Any

from proxy.provisioning.model import EntryState, Vouched
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.entry_steps import Kept
from proxy.storage.redis.entry_text import binding_from_text, kept_from_text
from proxy.storage.redis.keys import subject_of, subject_text
from proxy.storage.redis.outbox_keys import OutboxKeys, member, ordered, subject_in_order

Scores = dict[str, float]


async def wrong_indexes(engine: RedisEngine) -> list[str]:
    """What does not fit, in words; empty when all is well. To be asked while nobody writes."""
    keys = OutboxKeys(prefix=engine.keys.prefix)
    kept = await _entries(engine, keys)
    return [
        *await _wrong_states(engine, keys, kept),
        *await _wrong_queues(engine, keys, kept),
        *await _wrong_pointers(engine, keys, kept),
        *await _wrong_silence(engine, keys, kept),
        *await _wrong_bindings(engine, keys),
    ]


async def _scores(engine: RedisEngine, key: str) -> Scores:
    (flat,) = await engine.ask(("ZRANGE", key, 0, -1, "WITHSCORES"))
    return {name.decode(): float(score) for name, score in zip(flat[::2], flat[1::2], strict=True)}


async def _entries(engine: RedisEngine, keys: OutboxKeys) -> list[Kept]:
    found = []
    for name, score in (await _scores(engine, keys.entries)).items():
        (text,) = await engine.ask(("GET", keys.entry(int(name))))
        kept = kept_from_text(text)
        assert member(kept.entry.id) == name == member(int(score))
        found.append(kept)
    return found


def _unlike(what: str, found: Any, expected: Any) -> list[str]:
    return [] if found == expected else [f"{what}: {found}, not {expected}"]


async def _wrong_states(engine: RedisEngine, keys: OutboxKeys, kept: list[Kept]) -> list[str]:
    wrong: list[str] = []
    for state in EntryState:
        expected = {member(one.entry.id): one.entry.since for one in kept if one.entry.state is state}
        wrong += _unlike(f"state {state}", await _scores(engine, keys.state(state)), expected)
    return wrong


async def _wrong_queues(engine: RedisEngine, keys: OutboxKeys, kept: list[Kept]) -> list[str]:
    """Each open entry stands in one queue of its kind, once; the times in `later` may be those of a claim."""
    wrong: list[str] = []
    for bulk in (0, 1):
        expected = {member(one.entry.id): one for one in kept if one.is_bulk == bool(bulk) and _is_open(one)}
        later, waiting = await _scores(engine, keys.later(bulk)), await _scores(engine, keys.waiting(bulk))
        wrong += _unlike(f"queue {bulk}", sorted([*later, *waiting]), sorted(expected))
        since = {name: one.entry.since for name, one in expected.items() if name in waiting}
        wrong += _unlike(f"waiting {bulk}", waiting, since)
        wrong += [
            f"{name} is asked too late"
            for name, at in later.items()
            if await _too_late(engine, keys, expected[name], at)
        ]
    return wrong


def _is_open(kept: Kept) -> bool:
    return kept.entry.state is EntryState.OPEN


async def _too_late(engine: RedisEngine, keys: OutboxKeys, kept: Kept, at: float) -> bool:
    (claim,) = await engine.ask(("HGET", keys.claim(kept.entry.id), "until"))
    return at > max(kept.entry.next_attempt_at, float(claim or 0))


async def _wrong_pointers(engine: RedisEngine, keys: OutboxKeys, kept: list[Kept]) -> list[str]:
    wrong: list[str] = []
    for one in kept:
        index = (
            keys.owned(one.entry.account_id) if one.entry.account_id else keys.asking(one.asking or _nobody())
        )
        (found,) = await engine.ask(("GET", index))
        wrong += _unlike(index, found, str(one.entry.id).encode())
    return wrong


def _nobody() -> Any:
    raise AssertionError("an entry is an account's or a subject's")


async def _wrong_silence(engine: RedisEngine, keys: OutboxKeys, kept: list[Kept]) -> list[str]:
    expected: dict[str, Scores] = defaultdict(dict)
    for one in kept:
        for said in one.entry.statements:
            if said.not_stated_since is not None and isinstance(said.says, Vouched):
                name = f"{member(one.entry.id)}:{subject_text(said.subject)}"
                expected[said.source][name] = said.not_stated_since
    (idps,) = await engine.ask(("SMEMBERS", keys.silent_idps))
    found = {idp.decode(): await _scores(engine, keys.silent(idp.decode())) for idp in idps}
    return _unlike("silence", {idp: silent for idp, silent in found.items() if silent}, dict(expected))


async def _wrong_bindings(engine: RedisEngine, keys: OutboxKeys) -> list[str]:
    (names,) = await engine.ask(("ZRANGE", keys.bindings, 0, -1))
    subjects = [subject_in_order(name) for name in names]
    texts = [(await engine.ask(("GET", keys.binding(one))))[0] for one in subjects]
    bindings = [binding_from_text(one, text) for one, text in zip(subjects, texts, strict=True)]
    (flat,) = await engine.ask(("HGETALL", keys.unblocked))
    unblocked = {
        subject_of(name): account.decode() for name, account in zip(flat[::2], flat[1::2], strict=True)
    }
    wrong = _unlike(
        "unblocked", unblocked, {one.subject: one.account_id for one in bindings if not one.is_blocked}
    )
    wrong += _unlike("order", names, sorted(map(ordered, subjects)))
    active = {subject_of(name.encode()) for name in await _scores(engine, keys.active)}
    wrong += _unlike("active", active, {*subjects})
    for account in {one.account_id for one in bindings}:
        (bound,) = await engine.ask(("SMEMBERS", keys.bound(account)))
        expected = {one.subject for one in bindings if one.account_id == account}
        wrong += _unlike(f"bound to {account}", {*map(subject_of, bound)}, expected)
    return wrong

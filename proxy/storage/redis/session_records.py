"""Sessions as hashes, and everything that is written together with one: steps of a unit of work.

What is said about a session is in `sealed`; the other fields and the sorted sets are copies for looking it up, but for when it
was last seen, where the sorted set `seen` is the truth: `touch` raises it many times between two saves.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from proxy.identity import IdpId, Subject
from proxy.session.codec import (
    NONCE_BYTES,
    KeyRing,
    open_session,
    reseal_session,
    seal_session,
    sealing_key_id,
    sid_hash,
)
from proxy.session.model import AccountState, Session, SessionKey
from proxy.session.store import Lease
from proxy.storage.redis.change_feed import announce
from proxy.storage.redis.keys import Keys
from proxy.storage.redis.work import Work

_FIELDS: Final = ("version", "holder", "fence", "about", "sealed")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whose session it is: what names the sets it is in. Kept in the open, for sessions whose seal does not open.

    `sid` is the hash of the IdP's own session, if it named one.
    """

    subject: Subject
    idp: IdpId
    sid: str | None

    @classmethod
    def of(cls, session: Session) -> "About":
        sid = None if session.idp_session is None else sid_hash(session.idp_session)
        return cls(subject=session.subject, idp=session.idp, sid=sid)

    @classmethod
    def parse(cls, text: bytes) -> "About":
        issuer, subject, idp, sid = json.loads(text)
        return cls(subject=Subject(issuer=issuer, subject=subject), idp=IdpId(idp), sid=sid)

    def text(self) -> str:
        return json.dumps([self.subject.issuer, self.subject.subject, self.idp, self.sid])

    def sets(self, keys: Keys) -> tuple[str, ...]:
        """The sets that name the session."""
        sids = () if self.sid is None else (keys.sid(self.idp, self.sid),)
        return keys.person(self.subject), keys.idp(self.idp), *sids


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One session's hash, as a unit of work read it."""

    key: SessionKey
    version: int
    holder: str | None
    fence: int
    about: About
    sealed: bytes

    def is_under(self, lease: Lease) -> bool:
        return (self.key, self.holder, self.fence) == (lease.key, lease.holder, lease.fence)


async def read_held(work: Work, keys: Keys, sessions: Iterable[SessionKey]) -> list[Held]:
    """Those of the sessions that are there; guarded, absence too."""
    asked = [*sessions]
    replies = await work.read(*(("HMGET", keys.session(key), *_FIELDS) for key in asked)) if asked else []
    return [_held(key, values) for key, values in zip(asked, replies, strict=True) if values[0] is not None]


async def insert_session(work: Work, keys: Keys, ring: KeyRing, session: Session) -> None:
    """Insert; again with the same session does nothing, so that a write of unknown outcome can be repeated."""
    if await read_held(work, keys, (session.key,)):
        return
    about = About.of(session)
    work.do("HSET", keys.session(session.key), "about", about.text())
    work.do("ZADD", keys.created, session.created_at, session.key)
    _join(work, about.sets(keys), session.key)
    _write(work, keys, ring, session)


async def update_session(work: Work, keys: Keys, ring: KeyRing, session: Session, lease: Lease) -> bool:
    """Write the next version under the lease. False, and nothing written, when the lease, the session or the race was lost."""
    found = await read_held(work, keys, (session.key,))
    if not found or not found[0].is_under(lease):
        return False
    (held,) = found
    if held.version == session.version:
        return _is_written(ring, held, session)
    if held.version != session.version - 1:
        return False
    _rewrite(work, keys, ring, held, session)
    return True


async def delete_sessions(work: Work, keys: Keys, sessions: Iterable[SessionKey]) -> tuple[SessionKey, ...]:
    """Remove and announce; returns those that were there."""
    ended = forget(work, keys, await read_held(work, keys, dict.fromkeys(sessions)))
    announce(work, keys, ended, has_ended=True)
    return ended


async def delete_sessions_of_sid(
    work: Work, keys: Keys, idp: IdpId, sid: str, subject: Subject | None
) -> tuple[SessionKey, ...]:
    """End the sessions that belong to one session at the IdP, of this person where one is named; returns those."""
    held = await read_held(work, keys, await keys_in(work, keys.sid(idp, sid_hash(sid))))
    ended = forget(work, keys, [one for one in held if subject in (None, one.about.subject)])
    announce(work, keys, ended, has_ended=True)
    return ended


def forget(work: Work, keys: Keys, sessions: Sequence[Held]) -> tuple[SessionKey, ...]:
    """Remove, and tell nobody."""
    for held in sessions:
        work.do("DEL", keys.session(held.key))
        for index in (keys.seen, keys.created, keys.due, keys.sealed):
            work.do("ZREM", index, held.key)
        for name in held.about.sets(keys):
            work.do("SREM", name, held.key)
    return tuple(held.key for held in sessions)


async def write_account(
    work: Work, keys: Keys, ring: KeyRing, subject: Subject, account: AccountState
) -> None:
    """Give all the person's sessions this account state; those that have it already are left alone."""
    changed = []
    for held in await read_held(work, keys, await keys_in(work, keys.person(subject))):
        session = open_session(ring, held.key, held.sealed)
        if session is not None and session.account != account:
            _rewrite(work, keys, ring, held, replace(session, account=account, version=session.version + 1))
            changed.append(held.key)
    announce(work, keys, changed, has_ended=False)


async def keys_in(work: Work, name: str) -> list[SessionKey]:
    """The sessions that a set names; guarded: none may begin or end meanwhile."""
    return [SessionKey(one) for one in sorted(await work.members(name))]


async def seal_again(work: Work, keys: Keys, ring: KeyRing, sessions: Iterable[SessionKey]) -> int:
    """Seal under the ring's first key what another of its keys seals; how many. No new version: nothing is said anew."""
    count = 0
    for held in await read_held(work, keys, sessions):
        is_older = sealing_key_id(held.sealed) != ring.keys[0].id
        sealed = is_older and reseal_session(ring, held.key, held.sealed, os.urandom(NONCE_BYTES))
        if sealed:
            _write_sealed(work, keys, held.key, sealed)
            count += 1
    return count


def key_score(key_id: bytes) -> int:
    """A sealing key's id as a score of the sorted set `sealed`."""
    return int.from_bytes(key_id, "big")


def _held(key: SessionKey, values: Sequence[bytes]) -> Held:
    version, holder, fence, about, sealed = values
    return Held(
        key=key,
        version=int(version),
        holder=holder.decode() if holder else None,
        fence=int(fence or 0),
        about=About.parse(about),
        sealed=sealed,
    )


def _is_written(ring: KeyRing, held: Held, session: Session) -> bool:
    """Whether exactly this is there already: the repetition of a save whose answer was lost."""
    there = open_session(ring, held.key, held.sealed)
    return there is not None and replace(there, last_seen_at=session.last_seen_at) == session


def _rewrite(work: Work, keys: Keys, ring: KeyRing, held: Held, session: Session) -> None:
    about = About.of(session)
    if about != held.about:
        work.do("HSET", keys.session(session.key), "about", about.text())
        for name in set(held.about.sets(keys)).difference(about.sets(keys)):
            work.do("SREM", name, session.key)
        _join(work, about.sets(keys), session.key)
    _write(work, keys, ring, session)


def _join(work: Work, names: Iterable[str], key: SessionKey) -> None:
    for name in names:
        work.do("SADD", name, key)


def _write(work: Work, keys: Keys, ring: KeyRing, session: Session) -> None:
    """What every save writes."""
    attempt = "" if session.next_attempt_at is None else repr(session.next_attempt_at)
    _write_sealed(work, keys, session.key, seal_session(ring, session, os.urandom(NONCE_BYTES)))
    work.do("HSET", keys.session(session.key), "version", session.version, "attempt", attempt)
    work.do("ZADD", keys.seen, "GT", session.last_seen_at, session.key)
    work.do("ZADD", keys.due, session.due_at, session.key)


def _write_sealed(work: Work, keys: Keys, key: SessionKey, sealed: bytes) -> None:
    work.do("HSET", keys.session(key), "sealed", sealed)
    work.do("ZADD", keys.sealed, key_score(sealing_key_id(sealed)), key)

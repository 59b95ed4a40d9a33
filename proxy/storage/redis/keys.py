"""The names of all keys. Every key of one installation carries one hash tag, `{PREFIX}:…`, so that one script may touch any of
them on a Cluster too (docs/decisions/090).

| key | type | holds |
|---|---|---|
| session:KEY | hash | sealed, version, about (whose it is, for the indexes), attempt (cool-off); lease: holder, until, fence |
| seen · created · due | sorted sets | session keys by last use, by begin, by when they are due |
| sealed | sorted set | session keys by the id of the key that seals them |
| person:SUBJECT · idp:IDP · sid:IDP:HASH | sets | session keys of one person, of one IdP, of one session at the IdP |
| changes · changes:noticed | sorted sets | the feed by number; up to which number it reached at a time |
| attempts | sorted set | redeemed sign-in attempts by until when they are remembered |
| suspicion · suspicion:fires | hash, sorted set | running timers and when they fire |
| suspicion:starts:IDP · freezes | sorted sets | when timers started; IdPs by until when theirs are frozen |
| active | sorted set | bound people by when they were last active |

What stands in a sorted set or a set about a session is written together with the session and never without it.
"""

import hashlib
import json
from dataclasses import dataclass

from proxy.identity import IdpId, Subject
from proxy.session.model import SessionKey


def subject_text(subject: Subject) -> str:
    """A person as the member of a set: a JSON array of issuer and subject, which reads back as nothing else."""
    return json.dumps([subject.issuer, subject.subject], separators=(",", ":"))


def subject_of(text: bytes | str) -> Subject:
    """The person that `subject_text` wrote."""
    issuer, subject = json.loads(text)
    return Subject(issuer=issuer, subject=subject)


def _digest(*parts: str) -> str:
    """A name of fixed length for what somebody else may write as long as they like."""
    return hashlib.sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Makes the names of one installation."""

    prefix: str

    def name(self, *parts: str) -> str:
        """`{PREFIX}:one:two`."""
        return ":".join(("{" + self.prefix + "}", *parts))

    def session(self, key: SessionKey) -> str:
        return self.name("session", key)

    def person(self, subject: Subject) -> str:
        """The set of a person's sessions."""
        return self.name("person", _digest(subject.issuer, subject.subject))

    def idp(self, idp: IdpId) -> str:
        """The set of one IdP's sessions."""
        return self.name("idp", idp)

    def sid(self, idp: IdpId, sid_hash: str) -> str:
        """The set of sessions that belong to one session at the IdP (`codec.sid_hash`)."""
        return self.name("sid", idp, sid_hash)

    @property
    def seen(self) -> str:
        return self.name("seen")

    @property
    def created(self) -> str:
        return self.name("created")

    @property
    def due(self) -> str:
        return self.name("due")

    @property
    def sealed(self) -> str:
        return self.name("sealed")

    @property
    def changes(self) -> str:
        return self.name("changes")

    @property
    def changes_noticed(self) -> str:
        return self.name("changes", "noticed")

    @property
    def attempts(self) -> str:
        return self.name("attempts")

    @property
    def suspicions(self) -> str:
        return self.name("suspicion")

    @property
    def fires(self) -> str:
        return self.name("suspicion", "fires")

    def starts(self, idp: IdpId) -> str:
        return self.name("suspicion", "starts", idp)

    @property
    def freezes(self) -> str:
        return self.name("freezes")

    @property
    def active(self) -> str:
        """Bound people (`subject_text`) by when they were last active; sessions in use raise it, bindings make and end it."""
        return self.name("active")

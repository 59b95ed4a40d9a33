"""Sealed records: what the store keeps of a session, readable only with the key ring.

A sealed record is

    version (1 byte) · key id (4) · nonce (12) · AES-256-GCM ciphertext and tag (NIST SP 800-38D)

The associated data are the version, the key id, the purpose and the record's own key: a record that was altered, moved to
another key of the store or given to another purpose does not open. The first key of the ring seals, all open.
Nonces are random: one key may seal 2^32 records (SP 800-38D §8.3).

Within the seal a session is JSON with a version of its own; one that a later program wrote is no session to us.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy.identity import NOT_STATED, GroupName, Groups, Identity, IdpId, Subject
from proxy.reasons import Reason
from proxy.session.model import (
    AccountRefused,
    AccountState,
    Authentication,
    Device,
    Pending,
    Ready,
    Session,
    SessionKey,
    Spent,
    Tokens,
)

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
SESSION_PURPOSE: Final = "session"

_SEAL_VERSION: Final = b"\x01"
_ID_BYTES: Final = 4
_HEAD_BYTES: Final = len(_SEAL_VERSION) + _ID_BYTES
_SESSION_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey:
    """One AES-256 key. `id` is derived from it: the key file holds nothing but keys."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError("a sealing key is 32 bytes")

    @property
    def id(self) -> bytes:
        return hashlib.sha256(b"muster key id" + self.secret).digest()[:_ID_BYTES]


@dataclass(slots=True, kw_only=True)
class KeyRing:
    """The first key seals, all open. Never empty.

    One ring is shared by everybody who seals, so that a rotation reaches them all: `adopt` is a single assignment, and whoever
    reads `keys` once has the ring of before or of after, on any thread.
    """

    keys: tuple[SealingKey, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise ValueError("a key ring holds at least one key")

    def adopt(self, newer: "KeyRing") -> None:
        """Go by these keys from now on."""
        self.keys = newer.keys

    def by_id(self, key_id: bytes) -> SealingKey | None:
        return next((key for key in self.keys if key.id == key_id), None)


def seal(ring: KeyRing, purpose: str, aad: bytes, plaintext: bytes, entropy: bytes) -> bytes:
    """The sealed record. `aad` is the record's key in its store; `entropy` is 12 random bytes, never used twice."""
    if len(entropy) != NONCE_BYTES:
        raise ValueError("a nonce is 12 random bytes")
    key = ring.keys[0]
    head = _SEAL_VERSION + key.id
    return head + entropy + AESGCM(key.secret).encrypt(entropy, plaintext, _associated(head, purpose, aad))


def open_sealed(ring: KeyRing, purpose: str, aad: bytes, sealed: bytes) -> bytes | None:
    """What was sealed for this purpose and record; None for anything else, an unknown key included."""
    head, nonce, rest = _parts(sealed)
    key = ring.by_id(head[len(_SEAL_VERSION) :])
    if key is None or not head.startswith(_SEAL_VERSION) or len(nonce) != NONCE_BYTES:
        return None
    try:
        return AESGCM(key.secret).decrypt(nonce, rest, _associated(head, purpose, aad))
    except (InvalidTag, ValueError):
        return None


def sealing_key_id(sealed: bytes) -> bytes:
    """The id of the key that a record names."""
    return sealed[len(_SEAL_VERSION) : _HEAD_BYTES]


def seal_session(ring: KeyRing, session: Session, entropy: bytes) -> bytes:
    """The session as the store keeps it."""
    return seal(ring, SESSION_PURPOSE, session.key.encode(), session_to_bytes(session), entropy)


def open_session(ring: KeyRing, key: SessionKey, sealed: bytes) -> Session | None:
    """The session sealed under this key of the store, or None."""
    plaintext = open_sealed(ring, SESSION_PURPOSE, key.encode(), sealed)
    return None if plaintext is None else session_from_bytes(plaintext)


def reseal_session(ring: KeyRing, key: SessionKey, sealed: bytes, entropy: bytes) -> bytes | None:
    """The same record under the ring's first key; None for what does not open. What is said within is not read."""
    plaintext = open_sealed(ring, SESSION_PURPOSE, key.encode(), sealed)
    return None if plaintext is None else seal(ring, SESSION_PURPOSE, key.encode(), plaintext, entropy)


def sid_hash(sid: str) -> str:
    """How a store names the IdP's session: whoever reads a copy of the store cannot end anybody's session with it."""
    return hashlib.sha256(sid.encode("utf-8", "surrogatepass")).hexdigest()


def session_to_bytes(session: Session) -> bytes:
    """Versioned JSON; `session_from_bytes` gives the same record back."""
    return json.dumps(_session_to_json(session), separators=(",", ":")).encode()


def session_from_bytes(plaintext: bytes) -> Session | None:
    """The session, or None for another version or anything that is not a session."""
    try:
        document = json.loads(plaintext)
        return _session_from_json(document) if document["v"] == _SESSION_VERSION else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def identity_to_json(identity: Identity) -> dict[str, Any]:
    """A JSON object; groups that were not stated are null, groups known to be none an empty list."""
    return {
        "subject": _subject_to_json(identity.subject),
        "idp": identity.idp,
        "email": identity.email,
        "is_email_verified": identity.is_email_verified,
        "name": identity.name,
        "username": identity.username,
        "groups": groups_to_json(identity.groups),
        "stated_at": identity.stated_at,
        "hosted_domain": identity.hosted_domain,
        "directory_id": identity.directory_id,
    }


def identity_from_json(document: dict[str, Any]) -> Identity:
    """The identity. Raises KeyError, TypeError or ValueError for what `identity_to_json` does not write.

    Records from before `directory_id` have none, and open.
    """
    return Identity(
        subject=_subject_from_json(document["subject"]),
        idp=IdpId(document["idp"]),
        email=document["email"],
        is_email_verified=document["is_email_verified"],
        name=document["name"],
        username=document["username"],
        groups=groups_from_json(document["groups"]),
        stated_at=document["stated_at"],
        hosted_domain=document["hosted_domain"],
        directory_id=document.get("directory_id"),
    )


def groups_to_json(groups: Groups) -> list[str] | None:
    return None if groups is NOT_STATED else sorted(groups)


def groups_from_json(names: list[str] | None) -> Groups:
    return NOT_STATED if names is None else frozenset(GroupName(name) for name in names)


def _parts(sealed: bytes) -> tuple[bytes, bytes, bytes]:
    nonce_end = _HEAD_BYTES + NONCE_BYTES
    return sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:nonce_end], sealed[nonce_end:]


def _associated(head: bytes, purpose: str, aad: bytes) -> bytes:
    """The purpose's length comes first: no two pairs of purpose and record key read the same."""
    name = purpose.encode()
    return head + len(name).to_bytes(4, "big") + name + aad


def _subject_to_json(subject: Subject) -> list[str]:
    return [subject.issuer, subject.subject]


def _subject_from_json(pair: list[str]) -> Subject:
    issuer, subject = pair
    return Subject(issuer=issuer, subject=subject)


def _tokens_to_json(tokens: Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "id_token": tokens.id_token,
        "access_expires_at": tokens.access_expires_at,
        "refresh_expires_at": tokens.refresh_expires_at,
    }


def _account_to_json(account: AccountState) -> dict[str, Any]:
    match account:
        case Ready(login=login, account_id=account_id):
            return {"is": "ready", "login": login, "account_id": account_id}
        case Pending(reason=reason):
            return {"is": "pending", "reason": reason.value}
        case AccountRefused(reason=reason):
            return {"is": "refused", "reason": reason.value}


def _account_from_json(document: dict[str, Any]) -> AccountState:
    match document["is"]:
        case "ready":
            return Ready(login=document["login"], account_id=document["account_id"])
        case "pending":
            return Pending(reason=Reason(document["reason"]))
        case "refused":
            return AccountRefused(reason=Reason(document["reason"]))
        case other:
            raise ValueError(f"no account state {other!r}")


def _spent_to_json(spent: Spent | None) -> dict[str, Any] | None:
    return None if spent is None else {"token_hash": spent.token_hash, "at": spent.at}


def _device_to_json(device: Device) -> dict[str, Any]:
    return {"peer": device.peer, "user_agent": device.user_agent}


def _authentication_to_json(authentication: Authentication) -> dict[str, Any]:
    return {"acr": authentication.acr, "amr": list(authentication.amr), "at": authentication.at}


def _authentication_from_json(document: dict[str, Any]) -> Authentication:
    """Records from before it have none, and open."""
    return Authentication(acr=document.get("acr"), amr=tuple(document.get("amr", ())), at=document.get("at"))


def _session_to_json(session: Session) -> dict[str, Any]:
    return {
        "v": _SESSION_VERSION,
        "key": session.key,
        "subject": _subject_to_json(session.subject),
        "idp": session.idp,
        "identity": identity_to_json(session.identity),
        "account": _account_to_json(session.account),
        "tokens": _tokens_to_json(session.tokens),
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
        "refreshed_at": session.refreshed_at,
        "due_at": session.due_at,
        "next_attempt_at": session.next_attempt_at,
        "trouble": session.trouble and session.trouble.value,
        "spent": _spent_to_json(session.spent),
        "idp_session": session.idp_session,
        "device": _device_to_json(session.device),
        "authentication": _authentication_to_json(session.authentication),
        "version": session.version,
    }


def _session_from_json(document: dict[str, Any]) -> Session:
    trouble, spent = document["trouble"], document["spent"]
    return Session(
        key=SessionKey(document["key"]),
        subject=_subject_from_json(document["subject"]),
        idp=IdpId(document["idp"]),
        identity=identity_from_json(document["identity"]),
        account=_account_from_json(document["account"]),
        tokens=Tokens(**document["tokens"]),
        created_at=document["created_at"],
        last_seen_at=document["last_seen_at"],
        refreshed_at=document["refreshed_at"],
        due_at=document["due_at"],
        next_attempt_at=document["next_attempt_at"],
        trouble=None if trouble is None else Reason(trouble),
        spent=None if spent is None else Spent(**spent),
        idp_session=document["idp_session"],
        device=Device(**document.get("device", {})),
        authentication=_authentication_from_json(document.get("authentication", {})),
        version=document["version"],
    )

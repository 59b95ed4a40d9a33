"""Sealing: what opens, and all that must not."""

import json
from dataclasses import replace

import pytest

from proxy.identity import NOT_STATED, GroupName, Identity, IdpId, Subject
from proxy.reasons import Reason
from proxy.session.codec import (
    KeyRing,
    SealingKey,
    identity_from_json,
    identity_to_json,
    open_sealed,
    open_session,
    reseal_session,
    seal,
    seal_session,
    sealing_key_id,
    session_from_bytes,
    session_to_bytes,
    sid_hash,
)
from proxy.session.model import AccountRefused, Pending, Ready, Session, SessionKey, Spent, Tokens

OLD = SealingKey(secret=b"o" * 32)
NEW = SealingKey(secret=b"n" * 32)
RING = KeyRing(keys=(NEW, OLD))
NONCE = bytes(12)
FROZEN = "01006164ff0000000000000000000000003af55a88f2aacf69bde7afa2859e35b0e5be7032dc"
SUBJECT = Subject(issuer="https://idp.example.com", subject="ada")
IDENTITY = Identity(
    subject=SUBJECT,
    idp=IdpId("corp"),
    email="ada@example.com",
    is_email_verified=True,
    name="Ada Lovelace",
    username="ada",
    groups=frozenset({GroupName("engineers"), GroupName("écriture")}),
    stated_at=1_760_000_000.25,
    hosted_domain="example.com",
)
SESSION = Session(
    key=SessionKey("ab" * 32),
    subject=SUBJECT,
    idp=IdpId("corp"),
    identity=IDENTITY,
    account=Ready(login="ada", account_id="7"),
    tokens=Tokens(
        access_token="the-access-token", refresh_token="the-refresh-token", id_token="the-id-token"
    ),
    created_at=1.0,
    last_seen_at=2.0,
    refreshed_at=3.0,
    due_at=4.0,
    next_attempt_at=5.0,
    trouble=Reason.IDP_TROUBLE,
    spent=Spent(token_hash="cd" * 32, at=6.0),
    idp_session="sid",
    version=9,
)


def test_what_was_sealed_opens() -> None:
    assert (
        open_sealed(RING, "attempt", b"state", seal(RING, "attempt", b"state", b"secret", NONCE)) == b"secret"
    )


def test_a_sealed_record_is_version_key_id_nonce_ciphertext_and_tag() -> None:
    sealed = seal(RING, "attempt", b"state", b"secret", b"123456789012")
    assert sealed[:1] == b"\x01"
    assert sealed[1:5] == NEW.id == sealing_key_id(sealed)
    assert sealed[5:17] == b"123456789012"
    assert len(sealed) == 17 + len(b"secret") + 16


def test_the_record_format_is_frozen() -> None:
    """A store that was written once must open for ever; this record was sealed when the format was made."""
    sealed = bytes.fromhex(FROZEN)
    assert seal(KeyRing(keys=(OLD,)), "session", b"key", b"plain", NONCE) == sealed
    assert open_sealed(RING, "session", b"key", sealed) == b"plain"


def test_the_first_key_seals_and_all_open() -> None:
    before = seal(KeyRing(keys=(OLD,)), "p", b"", b"secret", NONCE)
    after = seal(RING, "p", b"", b"secret", NONCE)
    assert open_sealed(RING, "p", b"", before) == b"secret"
    assert open_sealed(KeyRing(keys=(NEW,)), "p", b"", after) == b"secret"


def test_a_key_that_left_the_ring_opens_nothing() -> None:
    sealed = seal(KeyRing(keys=(OLD,)), "p", b"", b"secret", NONCE)
    assert open_sealed(KeyRing(keys=(NEW,)), "p", b"", sealed) is None


@pytest.mark.parametrize(
    ("purpose", "aad"), [("other", b"key"), ("purpose", b"other"), ("purposek", b"ey"), ("", b"purposekey")]
)
def test_a_record_moved_to_another_key_or_purpose_does_not_open(purpose: str, aad: bytes) -> None:
    sealed = seal(RING, "purpose", b"key", b"secret", NONCE)
    assert open_sealed(RING, purpose, aad, sealed) is None


def test_every_altered_byte_is_refused() -> None:
    sealed = seal(RING, "p", b"k", b"secret", NONCE)
    for at in range(len(sealed)):
        altered = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        assert open_sealed(RING, "p", b"k", altered) is None


def test_every_shortened_or_lengthened_record_is_refused() -> None:
    sealed = seal(RING, "p", b"k", b"secret", NONCE)
    for end in range(len(sealed)):
        assert open_sealed(RING, "p", b"k", sealed[:end]) is None
    assert open_sealed(RING, "p", b"k", sealed + b"\x00") is None


def test_a_record_of_another_version_is_refused() -> None:
    sealed = seal(RING, "p", b"k", b"secret", NONCE)
    assert open_sealed(RING, "p", b"k", b"\x02" + sealed[1:]) is None


@pytest.mark.parametrize("entropy", [b"", bytes(11), bytes(13)])
def test_a_nonce_is_twelve_bytes(entropy: bytes) -> None:
    with pytest.raises(ValueError, match="12 random bytes"):
        seal(RING, "p", b"", b"", entropy)


@pytest.mark.parametrize("secret", [b"", bytes(16), bytes(31), bytes(33)])
def test_a_key_is_32_bytes(secret: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SealingKey(secret=secret)


def test_a_ring_is_never_empty() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        KeyRing(keys=())


def test_keys_do_not_show() -> None:
    assert "ooo" not in repr(RING)
    assert "nnn" not in repr(NEW)


def test_keys_have_ids_of_their_own_that_do_not_give_them_away() -> None:
    assert NEW.id != OLD.id
    assert NEW.id not in NEW.secret
    assert RING.by_id(OLD.id) == OLD
    assert RING.by_id(b"none") is None


@pytest.mark.parametrize(
    "session",
    [
        SESSION,
        replace(SESSION, account=Pending(reason=Reason.CREATION_LIMIT)),
        replace(SESSION, account=AccountRefused(reason=Reason.NO_SEAT)),
        replace(SESSION, account=Ready(login="ada")),
        replace(SESSION, tokens=Tokens(access_expires_at=1.5, refresh_expires_at=2.5)),
        replace(SESSION, identity=replace(IDENTITY, groups=NOT_STATED, email=None, name=None, username=None)),
        replace(SESSION, identity=replace(IDENTITY, groups=frozenset(), hosted_domain=None)),
        replace(SESSION, next_attempt_at=None, trouble=None, spent=None, idp_session=None),
    ],
)
def test_a_session_comes_back_as_it_was(session: Session) -> None:
    assert session_from_bytes(session_to_bytes(session)) == session
    assert open_session(RING, session.key, seal_session(RING, session, NONCE)) == session


def test_not_stated_comes_back_as_itself_and_not_as_the_empty_set() -> None:
    silent = replace(IDENTITY, groups=NOT_STATED)
    assert identity_from_json(identity_to_json(silent)).groups is NOT_STATED
    nobody = replace(IDENTITY, groups=frozenset())
    assert identity_from_json(identity_to_json(nobody)).groups == frozenset()


def test_a_session_sealed_for_another_key_does_not_open() -> None:
    sealed = seal_session(RING, SESSION, NONCE)
    assert open_session(RING, SessionKey("cd" * 32), sealed) is None


def test_a_record_sealed_anew_opens_with_the_first_key_alone_and_says_the_same() -> None:
    sealed = seal_session(KeyRing(keys=(OLD,)), SESSION, NONCE)
    anew = reseal_session(RING, SESSION.key, sealed, b"x" * 12)
    assert anew is not None
    assert sealing_key_id(anew) == NEW.id
    assert open_session(KeyRing(keys=(NEW,)), SESSION.key, anew) == SESSION


def test_a_ring_that_adopts_another_is_that_ring_for_everybody_who_has_it() -> None:
    ring = KeyRing(keys=(OLD,))
    sealed = seal_session(ring, SESSION, NONCE)
    ring.adopt(RING)
    assert open_session(ring, SESSION.key, sealed) == SESSION
    assert sealing_key_id(seal_session(ring, SESSION, NONCE)) == NEW.id
    ring.adopt(KeyRing(keys=(NEW,)))
    assert open_session(ring, SESSION.key, sealed) is None


def test_what_does_not_open_is_not_sealed_anew() -> None:
    sealed = seal_session(KeyRing(keys=(OLD,)), SESSION, NONCE)
    assert reseal_session(KeyRing(keys=(NEW,)), SESSION.key, sealed, NONCE) is None
    assert reseal_session(RING, SessionKey("cd" * 32), sealed, NONCE) is None
    assert reseal_session(RING, SESSION.key, sealed[:-1], NONCE) is None


@pytest.mark.parametrize("sid", ["", "a", "A", "a ", "é", "\ud800", "a" * 10_000])
def test_an_idps_session_is_named_by_a_hash_that_no_other_has(sid: str) -> None:
    assert len(sid_hash(sid)) == 64
    assert sid_hash(sid) != sid_hash(sid + "x")


def test_no_token_stands_in_a_sealed_session() -> None:
    sealed = seal_session(RING, SESSION, NONCE)
    assert b"the-" not in sealed
    assert b"ada" not in sealed


def document(**changes: object) -> bytes:
    return json.dumps({**json.loads(session_to_bytes(SESSION)), **changes}).encode()


def test_a_session_of_another_version_is_no_session() -> None:
    assert session_from_bytes(document()) == SESSION
    assert session_from_bytes(document(v=2)) is None


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b"{}",
        b'{"v": 1}',
        b"\xff\xfe",
        document(account={"is": "admin"}),
        document(account=None),
        document(trouble="a reason of tomorrow"),
        document(tokens={"surprise": 1}),
        document(spent={"at": 1.0}),
        document(subject=["one"]),
        document(identity=[]),
    ],
)
def test_whatever_is_not_a_session_is_none(plaintext: bytes) -> None:
    assert session_from_bytes(plaintext) is None


def test_a_record_from_before_directory_ids_opens_without_one() -> None:
    document = identity_to_json(IDENTITY)
    assert document.pop("directory_id") is None
    assert identity_from_json(document) == IDENTITY
    known = replace(IDENTITY, directory_id="oid-1")
    assert identity_from_json(identity_to_json(known)) == known

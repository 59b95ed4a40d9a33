"""The codec round-trips and refuses every altered byte."""

import json

from hypothesis import assume, example, given
from hypothesis import strategies as st

from proxy.identity import NOT_STATED, GroupName, Identity, IdpId, Subject
from proxy.reasons import Reason
from proxy.session.codec import (
    KeyRing,
    SealingKey,
    identity_from_json,
    identity_to_json,
    open_sealed,
    open_session,
    seal,
    seal_session,
    session_from_bytes,
    session_to_bytes,
)
from proxy.session.model import (
    AccountRefused,
    Authentication,
    Device,
    Pending,
    Ready,
    Session,
    SessionKey,
    Spent,
    Tokens,
)

TIMES = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(max_size=20)
MAYBE_TEXT = st.none() | TEXT
MAYBE_TIME = st.none() | TIMES
NONCES = st.binary(min_size=12, max_size=12)
KEYS = st.binary(min_size=32, max_size=32).map(lambda secret: SealingKey(secret=secret))
RINGS = st.lists(KEYS, min_size=1, max_size=4, unique=True).map(lambda keys: KeyRing(keys=tuple(keys)))
SUBJECTS = st.builds(Subject, issuer=TEXT, subject=TEXT)
GROUPS = st.just(NOT_STATED) | st.frozensets(TEXT.map(GroupName), max_size=5)
IDENTITIES = st.builds(
    Identity,
    subject=SUBJECTS,
    idp=TEXT.map(IdpId),
    email=MAYBE_TEXT,
    is_email_verified=st.booleans(),
    name=MAYBE_TEXT,
    username=MAYBE_TEXT,
    groups=GROUPS,
    stated_at=TIMES,
    hosted_domain=MAYBE_TEXT,
    directory_id=MAYBE_TEXT,
)
REASONS = st.sampled_from(Reason)
SESSIONS = st.builds(
    Session,
    key=st.text("0123456789abcdef", min_size=64, max_size=64).map(SessionKey),
    subject=SUBJECTS,
    idp=TEXT.map(IdpId),
    identity=IDENTITIES,
    account=st.one_of(
        st.builds(Ready, login=TEXT, account_id=MAYBE_TEXT),
        st.builds(Pending, reason=REASONS),
        st.builds(AccountRefused, reason=REASONS),
    ),
    tokens=st.builds(
        Tokens,
        access_token=MAYBE_TEXT,
        refresh_token=MAYBE_TEXT,
        id_token=MAYBE_TEXT,
        access_expires_at=MAYBE_TIME,
        refresh_expires_at=MAYBE_TIME,
    ),
    created_at=TIMES,
    last_seen_at=TIMES,
    refreshed_at=TIMES,
    due_at=TIMES,
    next_attempt_at=MAYBE_TIME,
    trouble=st.none() | REASONS,
    spent=st.none() | st.builds(Spent, token_hash=TEXT, at=TIMES),
    idp_session=MAYBE_TEXT,
    device=st.builds(Device, peer=st.text(), user_agent=st.text()),
    authentication=st.builds(
        Authentication, acr=MAYBE_TEXT, amr=st.lists(st.text()).map(tuple), at=MAYBE_TIME
    ),
    version=st.integers(1, 2**63 - 1),
)


@given(SESSIONS, RINGS, NONCES)
def test_a_session_comes_back_exactly(session: Session, ring: KeyRing, nonce: bytes) -> None:
    assert open_session(ring, session.key, seal_session(ring, session, nonce)) == session


@given(IDENTITIES)
def test_an_identity_comes_back_through_json_text_with_its_three_values_of_groups(identity: Identity) -> None:
    back = identity_from_json(json.loads(json.dumps(identity_to_json(identity))))
    assert back == identity
    assert (back.groups is NOT_STATED) == (identity.groups is NOT_STATED)


@given(RINGS, TEXT, st.binary(max_size=40), st.binary(max_size=200), NONCES)
@example(KeyRing(keys=(SealingKey(secret=bytes(32)),)), "", b"", b"", bytes(12))
def test_whatever_is_sealed_opens_for_its_purpose_and_record(
    ring: KeyRing, purpose: str, aad: bytes, plaintext: bytes, nonce: bytes
) -> None:
    sealed = seal(ring, purpose, aad, plaintext, nonce)
    assert open_sealed(ring, purpose, aad, sealed) == plaintext
    reordered = KeyRing(keys=ring.keys[::-1])
    assert open_sealed(reordered, purpose, aad, sealed) == plaintext


@given(RINGS, st.tuples(TEXT, st.binary(max_size=9)), st.tuples(TEXT, st.binary(max_size=9)), NONCES)
def test_nothing_opens_for_another_purpose_or_record(
    ring: KeyRing, mine: tuple[str, bytes], theirs: tuple[str, bytes], nonce: bytes
) -> None:
    assume(mine != theirs)
    assert open_sealed(ring, *theirs, seal(ring, *mine, b"secret", nonce)) is None


@given(RINGS, st.binary(max_size=60), NONCES, st.data())
def test_every_altered_byte_is_refused(
    ring: KeyRing, plaintext: bytes, nonce: bytes, data: st.DataObject
) -> None:
    sealed = bytearray(seal(ring, "p", b"k", plaintext, nonce))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    assert open_sealed(ring, "p", b"k", bytes(sealed)) is None


@given(RINGS, KEYS, NONCES)
def test_a_ring_without_the_key_opens_nothing(ring: KeyRing, stranger: SealingKey, nonce: bytes) -> None:
    assume(stranger not in ring.keys)
    assert open_sealed(ring, "p", b"k", seal(KeyRing(keys=(stranger,)), "p", b"k", b"secret", nonce)) is None


@given(RINGS, st.binary(max_size=100))
def test_any_bytes_open_to_nothing(ring: KeyRing, sealed: bytes) -> None:
    assert open_sealed(ring, "p", b"k", sealed) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(SESSIONS, st.data())
def test_a_session_with_any_one_field_replaced_is_read_or_none(session: Session, data: st.DataObject) -> None:
    document = json.loads(session_to_bytes(session))
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(JSON)
    read = session_from_bytes(json.dumps(document).encode())
    assert read is None or isinstance(read, Session)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_session_or_none(plaintext: bytes) -> None:
    assert session_from_bytes(plaintext) is None

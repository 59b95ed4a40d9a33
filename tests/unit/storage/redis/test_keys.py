"""Names of keys: one hash tag for all, and no two things under one name."""

from redis.crc import key_slot

from proxy.identity import IdpId, Subject
from proxy.session.model import SessionKey
from proxy.storage.redis.keys import Keys, subject_of, subject_text

KEYS = Keys(prefix="acme")
ADA = Subject(issuer="https://idp.example.com", subject="ada")


def test_every_name_is_in_the_slot_of_the_prefix() -> None:
    names = [
        KEYS.session(SessionKey("ab{c}")), KEYS.person(ADA), KEYS.idp(IdpId("corp")), KEYS.sid(IdpId("corp"), "hash"),
        KEYS.seen, KEYS.created, KEYS.due, KEYS.sealed, KEYS.changes, KEYS.changes_noticed, KEYS.attempts,
        KEYS.suspicions, KEYS.fires, KEYS.starts(IdpId("corp")), KEYS.freezes, KEYS.active,
    ]  # fmt: skip
    assert len(set(names)) == len(names)
    assert {key_slot(name.encode()) for name in names} == {key_slot(b"acme")}
    assert all(name.startswith("{acme}:") for name in names)


def test_two_people_never_share_a_name() -> None:
    assert KEYS.person(Subject(issuer="a", subject="b\0c")) != KEYS.person(
        Subject(issuer="a\0b", subject="c")
    )


def test_a_person_as_text_reads_back() -> None:
    odd = Subject(issuer='https://x/"]', subject="ä\n")
    assert subject_of(subject_text(odd)) == odd
    assert subject_of(subject_text(odd).encode()) == odd

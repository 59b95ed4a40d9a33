"""Names of the outbox's keys: all in one slot, none for two things, and members that sort as they must."""

import inspect

from redis.crc import key_slot

from proxy.groups.rules import AppGroupName
from proxy.identity import IdpId, Subject
from proxy.provisioning.model import AccountId, EntryState
from proxy.storage.redis.outbox_keys import OutboxKeys, member, ordered, subject_in_order
from tests.contract.records import subject

KEYS = OutboxKeys(prefix="one")
ODD = "{other}:entry"


def every_key() -> list[str]:
    """One of each kind, with names that somebody else chose as badly as they could."""
    plain = [
        str(value)
        for name, value in inspect.getmembers(OutboxKeys, lambda one: isinstance(one, property))
        for value in [getattr(KEYS, name)]
    ]
    return [
        *plain,
        KEYS.entry(7),
        KEYS.claim(7),
        KEYS.asking(Subject(issuer=ODD, subject=ODD)),
        KEYS.owned(AccountId(ODD)),
        KEYS.coming(KEYS.owned(AccountId(ODD))),
        *(KEYS.state(state) for state in EntryState),
        *(key(bulk) for key in (KEYS.later, KEYS.waiting) for bulk in (0, 1)),
        KEYS.silent(IdpId("corp")),
        KEYS.binding(Subject(issuer=ODD, subject=ODD)),
        KEYS.bound(AccountId(ODD)),
        KEYS.member_of(AccountId(ODD)),
        KEYS.group(AppGroupName(ODD)),
        KEYS.counted(ODD),
        KEYS.lease(ODD),
    ]


def test_every_key_of_an_installation_is_in_one_slot() -> None:
    assert {key_slot(key.encode()) for key in every_key()} == {key_slot(b"{one}")}


def test_no_name_is_given_twice() -> None:
    assert len(set(every_key())) == len(every_key())


def test_an_entry_is_found_with_its_account_or_else_with_whoever_asks() -> None:
    assert KEYS.entry_index(subject(), None) == KEYS.asking(subject())
    assert KEYS.entry_index(subject(), AccountId("7")) == KEYS.owned(AccountId("7"))


def test_ids_sort_as_numbers_do() -> None:
    ids = [1, 2, 10, 999, 1000, 10**12]
    assert sorted(map(member, ids)) == [*map(member, ids)]
    assert [int(member(one)) for one in ids] == ids


def test_subjects_sort_by_issuer_and_then_by_subject() -> None:
    people = [
        Subject(issuer=issuer, subject=name)
        for issuer in ("https://a", "https://a.b", "https://a/b", "https://é")
        for name in ("", "1", "a b", "ß")
    ]
    assert sorted(map(ordered, people)) == [*map(ordered, people)]
    assert [subject_in_order(ordered(one)) for one in people] == people

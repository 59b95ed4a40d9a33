"""The audit trail, kept: only added to, found by person, account, time and event, and held within its limits."""

from typing import Any

from proxy.identity import Subject
from proxy.storage.audit import AuditQuery
from tests.contract.engines import Store

ADA = Subject(issuer="https://idp.example", subject="ada")
BOB = Subject(issuer="https://idp.example", subject="bob")


def record(event: str, who: Subject | None = None, **facts: Any) -> dict[str, Any]:
    person = {"issuer": who.issuer, "subject": who.subject} if who else {}
    return {"event": event, **person, **facts}


async def events(store: Store, **query: Any) -> list[str]:
    return [str(one["event"]) for _, one in await store.audit.read(AuditQuery(**query))]


async def test_records_come_back_as_written_in_order(store: Store) -> None:
    written = [
        (10.5, record("sign_in", ADA, groups=["ops", "Ärzte"])),
        (11.0, record("join", ADA, account="7")),
    ]
    await store.audit.append(written)
    await store.audit.append([(9.0, record("rule"))])
    assert await store.audit.read(AuditQuery()) == (*written, (9.0, record("rule")))
    assert await store.audit.count() == 3


async def test_people_are_found_by_subject_or_account(store: Store) -> None:
    await store.audit.append(
        [
            (1.0, record("sign_in", ADA, account="ready")),
            (2.0, record("join", BOB, account="8")),
            (3.0, record("archive", None, account="7")),
            (4.0, record("app_call")),
        ]
    )
    assert await events(store, subjects=frozenset({ADA})) == ["sign_in"]
    assert await events(store, accounts=frozenset({"7"})) == ["archive"]
    assert await events(store, subjects=frozenset({ADA, BOB}), accounts=frozenset({"7"})) == [
        "sign_in",
        "join",
        "archive",
    ]
    assert await events(store, accounts=frozenset({"ready"})) == [], "an account's state is no account"


async def test_time_event_and_limit_narrow_the_answer(store: Store) -> None:
    await store.audit.append([(float(n), record("join" if n % 2 else "leave")) for n in range(10)])
    assert await events(store, since=7.0) == ["join", "leave", "join"]
    assert await events(store, event="leave", since=5.0) == ["leave", "leave"]
    newest = await store.audit.read(AuditQuery(limit=2))
    assert [at for at, _ in newest] == [8.0, 9.0], "the newest, and still the oldest of them first"


async def test_other_processes_find_what_was_written_and_only_within_the_limit(
    store: Store, other: Store
) -> None:
    await store.audit.append([(float(n), record("join", ADA if n % 2 else BOB)) for n in range(100)])
    newest = await other.audit.read(AuditQuery(subjects=frozenset({ADA}), limit=3))
    assert [at for at, _ in newest] == [95.0, 97.0, 99.0]
    assert await other.audit.read(AuditQuery(limit=0)) == ()


async def test_nothing_to_append_writes_nothing(store: Store) -> None:
    await store.audit.append([])
    assert await store.audit.count() == 0
    assert await store.audit.trim(before=100.0, rows=1) == 0


async def test_what_is_too_old_goes(store: Store) -> None:
    await store.audit.append([(float(n), record("join")) for n in range(10)])
    assert await store.audit.trim(before=4.0, rows=100) == 4
    assert next(at for at, _ in await store.audit.read(AuditQuery())) == 4.0


async def test_beyond_the_limit_the_oldest_go(store: Store) -> None:
    await store.audit.append([(float(n), record("join")) for n in range(10)])
    assert await store.audit.trim(before=0.0, rows=3) == 7
    assert [at for at, _ in await store.audit.read(AuditQuery())] == [7.0, 8.0, 9.0]
    assert await store.audit.trim(before=0.0, rows=3) == 0


async def test_trimming_takes_no_more_than_a_share_at_a_time(store: Store) -> None:
    await store.audit.append([(float(n), record("join")) for n in range(10)])
    assert await store.audit.trim(before=100.0, rows=1000, at_most=4) == 4
    assert await store.audit.trim(before=100.0, rows=1000, at_most=4) == 4
    assert await store.audit.trim(before=100.0, rows=1000, at_most=4) == 2
    assert await store.audit.trim(before=100.0, rows=1) == 0

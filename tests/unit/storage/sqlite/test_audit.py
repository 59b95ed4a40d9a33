"""The audit trail on SQLite: only added to, found by person, account, time and event, and kept within its limits."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import Unavailable
from proxy.identity import Subject
from proxy.storage.sqlite import audit as audit_module
from proxy.storage.sqlite.audit import AuditQuery, SqliteAudit
from proxy.storage.sqlite.engine import SqliteEngine

ADA = Subject(issuer="https://idp.example", subject="ada")
BOB = Subject(issuer="https://idp.example", subject="bob")


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(path, timeout=5)
    yield engine
    await engine.close()


@pytest.fixture
def trail(engine: SqliteEngine) -> SqliteAudit:
    return SqliteAudit(engine)


def record(event: str, who: Subject | None = None, **facts: Any) -> dict[str, Any]:
    person = {"issuer": who.issuer, "subject": who.subject} if who else {}
    return {"event": event, **person, **facts}


async def events(trail: SqliteAudit, **query: Any) -> list[str]:
    return [str(one["event"]) for _, one in await trail.read(AuditQuery(**query))]


async def test_records_come_back_as_written_in_order(trail: SqliteAudit) -> None:
    written = [
        (10.5, record("sign_in", ADA, groups=["ops", "Ärzte"])),
        (11.0, record("join", ADA, account="7")),
    ]
    await trail.append(written)
    await trail.append([(9.0, record("rule"))])
    assert await trail.read(AuditQuery()) == (*written, (9.0, record("rule")))
    assert await trail.count() == 3


async def test_people_are_found_by_subject_or_account(trail: SqliteAudit) -> None:
    await trail.append(
        [
            (1.0, record("sign_in", ADA, account="ready")),
            (2.0, record("join", BOB, account="8")),
            (3.0, record("archive", None, account="7")),
            (4.0, record("app_call")),
        ]
    )
    assert await events(trail, subjects=frozenset({ADA})) == ["sign_in"]
    assert await events(trail, accounts=frozenset({"7"})) == ["archive"]
    assert await events(trail, subjects=frozenset({ADA, BOB}), accounts=frozenset({"7"})) == [
        "sign_in",
        "join",
        "archive",
    ]
    assert await events(trail, accounts=frozenset({"ready"})) == [], "an account's state is no account"


async def test_time_event_and_limit_narrow_the_answer(trail: SqliteAudit) -> None:
    await trail.append([(float(n), record("join" if n % 2 else "leave")) for n in range(10)])
    assert await events(trail, since=7.0) == ["join", "leave", "join"]
    assert await events(trail, event="leave", since=5.0) == ["leave", "leave"]
    newest = await trail.read(AuditQuery(limit=2))
    assert [at for at, _ in newest] == [8.0, 9.0], "the newest, and still the oldest of them first"


async def test_what_is_too_old_goes(trail: SqliteAudit) -> None:
    await trail.append([(float(n), record("join")) for n in range(10)])
    assert await trail.trim(before=4.0, rows=100) == 4
    assert next(at for at, _ in await trail.read(AuditQuery())) == 4.0


async def test_beyond_the_limit_the_oldest_go(trail: SqliteAudit) -> None:
    await trail.append([(float(n), record("join")) for n in range(10)])
    assert await trail.trim(before=0.0, rows=3) == 7
    assert [at for at, _ in await trail.read(AuditQuery())] == [7.0, 8.0, 9.0]
    assert await trail.trim(before=0.0, rows=3) == 0


async def test_trimming_takes_no_more_than_a_share_at_a_time(
    trail: SqliteAudit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "MOST_AT_ONCE", 4)
    await trail.append([(float(n), record("join")) for n in range(10)])
    assert await trail.trim(before=100.0, rows=1000) == 4
    assert await trail.trim(before=100.0, rows=1000) == 4
    assert await trail.trim(before=100.0, rows=1000) == 2
    assert await trail.trim(before=100.0, rows=1) == 0


async def test_a_name_is_data_and_no_sql(trail: SqliteAudit) -> None:
    await trail.append([(1.0, record("join", ADA))])
    odd = Subject(issuer="x", subject="' OR 1=1 --")
    assert await events(trail, subjects=frozenset({odd})) == []
    assert await events(trail, event="' OR 1=1 --") == []


async def test_a_closed_store_says_so(engine: SqliteEngine, trail: SqliteAudit) -> None:
    await engine.close()
    with pytest.raises(Unavailable):
        await trail.append([(1.0, record("join"))])

"""The audit trail on SQLite: what is asked is data, and a closed file says so. Its meaning: `tests/contract/test_audit.py`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.errors import Unavailable
from proxy.identity import Subject
from proxy.storage.audit import AuditQuery
from proxy.storage.sqlite.audit import SqliteAudit
from proxy.storage.sqlite.engine import SqliteEngine


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(path, timeout=5)
    yield engine
    await engine.close()


@pytest.fixture
def trail(engine: SqliteEngine) -> SqliteAudit:
    return SqliteAudit(engine)


async def test_a_name_is_data_and_no_sql(trail: SqliteAudit) -> None:
    await trail.append([(1.0, {"event": "join", "issuer": "x", "subject": "ada"})])
    odd = Subject(issuer="x", subject="' OR 1=1 --")
    assert await trail.read(AuditQuery(subjects=frozenset({odd}))) == ()
    assert await trail.read(AuditQuery(event="' OR 1=1 --")) == ()


async def test_a_closed_store_says_so(engine: SqliteEngine, trail: SqliteAudit) -> None:
    await engine.close()
    with pytest.raises(Unavailable):
        await trail.append([(1.0, {"event": "join"})])

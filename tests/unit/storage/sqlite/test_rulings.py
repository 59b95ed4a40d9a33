"""`Rulings` on SQLite; what it promises stands in `tests/contract/test_rulings.py`."""

from pathlib import Path

import pytest

from proxy.errors import Unavailable
from proxy.groups.stored import Origin
from proxy.storage.sqlite.engine import SqliteEngine
from proxy.storage.sqlite.rulings import SqliteRulings


async def test_a_closed_store_says_so(path: Path) -> None:
    engine = SqliteEngine(path, timeout=1)
    rulings = SqliteRulings(engine)
    await rulings.deny("ada@example.com", Origin(by="cli", at=1.0))
    await engine.close()
    with pytest.raises(Unavailable, match="closed"):
        await rulings.version()

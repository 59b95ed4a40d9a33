"""Random stories of the outbox: Redis answers as SQLite does, call by call, and its indexes stay exact."""

from pathlib import Path

import pytest

from tests.contract.engines import RedisAt, SqliteOnDisk, Store
from tests.contract.redis_indexes import wrong_indexes
from tests.contract.stories import Story

STEPS = 120


@pytest.mark.parametrize("engine", ["redis", "valkey"], indirect=True)
@pytest.mark.parametrize("seed", range(4))
async def test_the_same_story_has_the_same_end(
    engine: RedisAt, store: Store, tmp_path: Path, seed: int
) -> None:
    folder = tmp_path / "reference"
    folder.mkdir()
    reference, raw = SqliteOnDisk(folder).open(), engine.raw()
    story = Story(reference, store, seed)
    try:
        for _ in range(STEPS):
            await story.go_on()
        assert await wrong_indexes(raw) == []
    finally:
        await raw.close()
        await reference.close()

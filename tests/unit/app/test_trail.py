"""The audit trail: taken at once, written in batches, and nothing missing silently."""

from collections.abc import Sequence
from typing import Any

import pytest

from proxy.app import trail as trail_module
from proxy.app.trail import Trail, TrailRules
from proxy.errors import Unavailable


class Store:
    """Keeps what is appended; is away when told so."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[float, dict[str, Any]]]] = []
        self.trims: list[tuple[float, int]] = []
        self.is_down = False

    async def append(self, records: Sequence[tuple[float, dict[str, Any]]]) -> None:
        if self.is_down:
            raise Unavailable("the store is away")
        self.batches.append(list(records))

    async def trim(self, *, before: float, rows: int) -> int:
        self.trims.append((before, rows))
        return 0

    @property
    def events(self) -> list[str]:
        return [record["event"] for batch in self.batches for _, record in batch]


class Scene:
    def __init__(self) -> None:
        self.store = Store()
        self.now = 1000.0
        self.lost = 0
        self.trail = Trail(
            self.store, TrailRules(keep=600.0, rows=50), clock=lambda: self.now, lost=self.lose
        )

    def lose(self, count: int) -> None:
        self.lost += count

    def add(self, *names: str) -> None:
        for name in names:
            self.trail.add({"event": name})


async def test_records_are_written_in_order_with_the_time_they_were_taken() -> None:
    scene = Scene()
    scene.add("one")
    scene.now += 5
    scene.add("two")
    await scene.trail.flush()
    assert scene.store.batches == [[(1000.0, {"event": "one"}), (1005.0, {"event": "two"})]]
    await scene.trail.flush()
    assert len(scene.store.batches) == 1, "nothing is written twice, and nothing at all when nothing waits"


async def test_a_long_queue_is_written_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_module, "BATCH", 2)
    scene = Scene()
    scene.add("a", "b", "c", "d", "e")
    await scene.trail.flush()
    assert [len(batch) for batch in scene.store.batches] == [2, 2, 1]
    assert scene.store.events == ["a", "b", "c", "d", "e"]


async def test_an_outage_is_waited_out() -> None:
    scene = Scene()
    scene.store.is_down = True
    scene.add("a")
    with pytest.raises(Unavailable):
        await scene.trail.flush()
    scene.add("b")
    scene.store.is_down = False
    await scene.trail.flush()
    assert scene.store.events == ["a", "b"]
    assert scene.lost == 0


async def test_what_finds_no_room_is_counted_and_the_count_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trail_module, "MOST_WAITING", 2)
    scene = Scene()
    scene.add("a", "b", "c", "d")
    assert scene.lost == 2
    await scene.trail.flush()
    assert scene.store.events == ["a", "b", "audit_lost"]
    assert scene.store.batches[-1][0][1]["count"] == 2
    scene.add("e")
    await scene.trail.flush()
    assert scene.store.events[-1] == "e"


async def test_no_secret_gets_into_it() -> None:
    scene = Scene()
    scene.trail.add({"event": "x", "refresh_token": "s3cret", "detail": "Bearer abcdefghij"})
    await scene.trail.flush()
    assert "s3cret" not in str(scene.store.batches)
    assert "abcdefghij" not in str(scene.store.batches)


async def test_limits_are_handed_to_the_store() -> None:
    scene = Scene()
    await scene.trail.trim()
    assert scene.store.trims == [(400.0, 50)]

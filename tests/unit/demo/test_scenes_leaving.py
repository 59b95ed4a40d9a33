from pathlib import Path

import pytest

from proxy.demo import scenes_leaving
from proxy.demo.cast import Cast, NotSo, read
from tests.fakes.stand_in import played


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes_leaving, "APPLIED_WITHIN", 0.7)


async def arrived(cast: Cast) -> None:
    """Alice has her account and her groups."""
    read(await cast.sign_in("alice"))


async def test_the_second_half_of_the_story_is_so_where_it_is(tmp_path: Path) -> None:
    async with played(tmp_path) as cast:
        await arrived(cast)
        told = [
            *await scenes_leaving.suspended(cast),
            *await scenes_leaving.enabled_again(cast),
            *await scenes_leaving.crowds(cast),
            *await scenes_leaving.crash(cast),
        ]
    assert "archived, not deleted" in told[1]
    assert "restored" in told[2]
    assert "one account" in told[3]
    assert "one refresh" in told[4]
    assert "by one call" in told[6]


@pytest.mark.parametrize("fault", ["keeps_sessions", "never_archives"])
async def test_somebody_who_stays_though_suspended_is_noticed(tmp_path: Path, fault: str) -> None:
    async with played(tmp_path, **{fault: True}) as cast:
        await arrived(cast)
        with pytest.raises(NotSo):
            await scenes_leaving.suspended(cast)


async def test_a_second_account_for_somebody_who_comes_back_is_noticed(tmp_path: Path) -> None:
    async with played(tmp_path, restores_as_new=True) as cast:
        await arrived(cast)
        await scenes_leaving.suspended(cast)
        with pytest.raises(NotSo, match="she got account"):
            await scenes_leaving.enabled_again(cast)


@pytest.mark.parametrize("fault", ["creates_twice", "refreshes_each"])
async def test_a_crowd_that_costs_too_much_is_noticed(tmp_path: Path, fault: str) -> None:
    async with played(tmp_path, **{fault: True}) as cast:
        with pytest.raises(NotSo):
            await scenes_leaving.crowds(cast)


@pytest.mark.parametrize("fault", ["never_applies", "applies_twice"])
async def test_a_statement_lost_or_doubled_by_a_crash_is_noticed(tmp_path: Path, fault: str) -> None:
    async with played(tmp_path, **{fault: True}) as cast:
        await arrived(cast)
        with pytest.raises(NotSo):
            await scenes_leaving.crash(cast)

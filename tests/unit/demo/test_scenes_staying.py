from pathlib import Path

import pytest

from proxy.demo import scenes_staying
from proxy.demo.cast import NotSo, read
from tests.fakes.stand_in import played


async def test_the_first_half_of_the_story_is_so_where_it_is(tmp_path: Path) -> None:
    async with played(tmp_path) as cast:
        told = [
            *await scenes_staying.first_visit(cast),
            *await scenes_staying.groups_follow(cast),
            *await scenes_staying.silence_takes_nothing(cast),
        ]
    assert len(told) == 9
    assert "Developers" in told[1]
    assert "alice, carol, zoe" in told[5]


@pytest.mark.parametrize("fault", ["creates_late", "creates_twice", "admits_anybody"])
async def test_a_first_visit_that_goes_wrong_is_noticed(tmp_path: Path, fault: str) -> None:
    async with played(tmp_path, **{fault: True}) as cast:
        with pytest.raises(NotSo):
            await scenes_staying.first_visit(cast)


@pytest.mark.parametrize("fault", ["keeps_old_groups", "touches_unlinked"])
async def test_groups_that_do_not_follow_are_noticed(tmp_path: Path, fault: str) -> None:
    async with played(tmp_path, **{fault: True}) as cast:
        read(await cast.sign_in("alice"))
        with pytest.raises(NotSo):
            await scenes_staying.groups_follow(cast)


@pytest.mark.parametrize(
    "fault", ["forgets_when_silent", "fails_in_outage", "raises_no_alarm", "logs_nothing"]
)
async def test_whatever_silence_takes_away_is_noticed(tmp_path: Path, fault: str) -> None:
    async with played(tmp_path, **{fault: True}) as cast:
        await scenes_staying.first_visit(cast)
        await scenes_staying.groups_follow(cast)
        with pytest.raises(NotSo):
            await scenes_staying.silence_takes_nothing(cast)

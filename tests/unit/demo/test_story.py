from pathlib import Path

from aiohttp import ClientConnectionError

from proxy.demo.cast import Cast, NotSo
from proxy.demo.story import STEPS, Step, tell
from tests.fakes.stand_in import played


async def _so(_: Cast) -> list[str]:
    return ["seen"]


async def _not_so(_: Cast) -> list[str]:
    raise NotSo("something else was seen")


async def _never(_: Cast) -> list[str]:
    raise AssertionError


async def test_a_line_per_step_and_per_thing_seen(tmp_path: Path) -> None:
    said: list[str] = []
    async with played(tmp_path) as cast:
        code = await tell(cast.stage, said.append, (Step(title="One", play=_so), Step(title="Two", play=_so)))
    assert code == 0
    assert said[1:] == [
        "1. One: so",
        "     seen",
        "2. Two: so",
        "     seen",
        "The story is so, from beginning to end.",
    ]


async def test_it_stops_at_the_first_step_that_is_not_so(tmp_path: Path) -> None:
    said: list[str] = []
    steps = (Step(title="One", play=_not_so), Step(title="Two", play=_never))
    async with played(tmp_path) as cast:
        assert await tell(cast.stage, said.append, steps) == 1
    assert said[1:] == ["1. One: NOT SO – something else was seen"]


async def test_a_program_that_dies_on_the_way_is_not_so(tmp_path: Path) -> None:
    async def cut(_: Cast) -> list[str]:
        raise ClientConnectionError("reset")

    said: list[str] = []
    async with played(tmp_path) as cast:
        assert await tell(cast.stage, said.append, (Step(title="One", play=cut),)) == 1
    assert "reset" in said[1]
    assert "the last line" in said[-1]


def test_the_story_has_its_seven_steps() -> None:
    assert len(STEPS) == 7

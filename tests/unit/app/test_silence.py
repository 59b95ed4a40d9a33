"""An IdP that stops stating groups is seen after a day, and told of once a day."""

from proxy.app.silence import A_DAY, Silence
from proxy.identity import NOT_STATED
from tests.fakes.outbox import MemoryStore
from tests.fakes.provisioning import GOOGLE, NOW, OKTA, known, vouched
from tests.unit.app.test_rounds import Told

NAME = "muster_groups_not_stated_over_24h"


class Scene:
    def __init__(self) -> None:
        self.now = NOW
        self.store = MemoryStore()
        self.told = Told()
        self.silence = Silence(outbox=self.store, telemetry=self.told.telemetry, clock=lambda: self.now)

    async def note(self, name: str, *groups: str, idp: str = "okta", at: float = NOW) -> None:
        said = known(*groups) if groups else NOT_STATED
        await self.store.note(vouched(name, said, at=at, idp=GOOGLE if idp == "google" else OKTA), at)

    def warnings(self) -> list[object]:
        return [(one["idp"], one["people"]) for one in self.told.records() if one["event"] == "groups"]


async def test_a_day_of_silence_is_a_figure_and_a_warning_for_its_idp() -> None:
    scene = Scene()
    await scene.note("ada")
    await scene.note("bob")
    await scene.note("kim", idp="google", at=NOW + 3600)
    scene.now = NOW + A_DAY - 1
    await scene.silence.look()
    assert scene.warnings() == []
    scene.now = NOW + A_DAY
    await scene.silence.look()
    assert scene.told.figure(NAME, idp="okta") == 2
    assert scene.told.figure(NAME, idp="google") is None
    assert scene.warnings() == [("okta", 2)]


async def test_the_warning_comes_once_a_day_and_the_figure_every_time() -> None:
    scene = Scene()
    await scene.note("ada")
    for hours in (24, 25, 47):
        scene.now = NOW + 3600 * hours
        await scene.silence.look()
    assert scene.warnings() == [("okta", 1)]
    scene.now = NOW + 48 * 3600
    await scene.silence.look()
    assert scene.warnings() == [("okta", 1), ("okta", 1)]


async def test_groups_that_are_stated_again_end_it() -> None:
    scene = Scene()
    await scene.note("ada")
    scene.now = NOW + A_DAY
    await scene.silence.look()
    await scene.note("ada", "eng", at=NOW + A_DAY)
    await scene.silence.look()
    assert scene.told.figure(NAME, idp="okta") == 0

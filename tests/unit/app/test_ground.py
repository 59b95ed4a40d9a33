"""The ground: keys and store are the owner's, and a half-laid one is closed again."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from proxy.app import rules
from proxy.app.ground import lay_ground
from proxy.errors import SettingsError, Unavailable
from proxy.telemetry.telemetry import Telemetry
from tests.fakes.configurations import settings_of


async def test_keys_and_store_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, app=None, headers={"user_claim": "sub"})
    async with AsyncExitStack() as stack:
        await lay_ground(settings, Telemetry(rules.telemetry_rules(settings)), stack)
        modes = {file.name: file.stat().st_mode & 0o777 for file in settings.files}
    assert modes == {"muster.db": 0o600, "muster.keys": 0o600}


async def test_its_store_is_closed_with_the_stack(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, app=None, headers={"user_claim": "sub"})
    async with AsyncExitStack() as stack:
        ground = await lay_ground(settings, Telemetry(rules.telemetry_rules(settings)), stack)
        assert await ground.store.count_unreadable() == 0
    with pytest.raises(Unavailable):
        await ground.store.count_unreadable()


async def test_a_broken_key_file_is_a_mistake_before_any_store_is_made(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, app=None, headers={"user_claim": "sub"})
    (tmp_path / "muster.keys").write_text("not a key\n")
    async with AsyncExitStack() as stack:
        with pytest.raises(SettingsError, match=r"muster\.keys"):
            await lay_ground(settings, Telemetry(rules.telemetry_rules(settings)), stack)
    assert not (tmp_path / "muster.db").exists()

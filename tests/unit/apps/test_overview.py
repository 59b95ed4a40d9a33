"""The page about all presets."""

from pathlib import Path

from proxy.apps.overview import PAGE, overview
from proxy.apps.preset_file import load_preset, preset_names

ROOT = Path(__file__).parents[3]


def test_the_page_is_what_the_presets_say() -> None:
    """Otherwise: `python -m proxy.apps.overview`"""
    assert (ROOT / PAGE).read_text("utf-8") == overview()


def test_every_preset_but_the_demonstrations_has_its_place_and_standing() -> None:
    page = overview()
    for name in set(preset_names()) - {"demo"}:
        preset = load_preset(name, Path())
        assert f"## {name}\n" in page
        assert f"{preset.version}, {preset.status}" in page


def test_an_app_that_can_only_delete_is_told() -> None:
    section = overview().split("## jupyterhub")[1].split("## ")[0]
    assert "- archive accounts: no; JupyterHub can only delete; the gate refuses whoever left" in section

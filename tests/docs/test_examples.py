"""Every example is served as it stands, with its preset, once its secret files are there."""

import re
from pathlib import Path

import pytest

from proxy.cli.preset import chosen_preset
from proxy.settings.load import load
from proxy.settings.model import Settings

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "config" / "examples").glob("*.yaml"))


def served(example: Path, folder: Path) -> Settings:
    """The settings of a copy of the example in `folder`."""
    text = example.read_text("utf-8")
    for name in re.findall(r"\{file: ([^}]+)\}", text):
        (folder / name).write_text("secret")
        (folder / name).chmod(0o600)
    copy = folder / "muster.yaml"
    copy.write_text(text, encoding="utf-8")
    settings = load(copy, {})
    chosen_preset(settings, copy)
    return settings


def test_there_is_one_for_every_idp_we_know() -> None:
    names = {example.stem for example in EXAMPLES}
    assert names >= {"keycloak", "entra", "okta", "google", "auth0", "authentik", "redmine", "several-idps"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_served_without_a_warning(example: Path, tmp_path: Path) -> None:
    assert served(example, tmp_path).warnings == ()


@pytest.mark.parametrize("name", ["keycloak", "entra", "okta", "google", "auth0"])
def test_an_idp_with_a_kind_is_of_that_kind(name: str, tmp_path: Path) -> None:
    assert served(ROOT / "config" / "examples" / f"{name}.yaml", tmp_path).idps[0].kind == name

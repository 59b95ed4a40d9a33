"""What is generated from the settings is up to date in the tree."""

from pathlib import Path

from proxy.settings.generate import outdated

ROOT = Path(__file__).parents[2]


def test_generated_files_say_what_the_settings_say() -> None:
    assert outdated(ROOT) == (), "run `make generated`"

"""Generated files follow from the settings."""

import json
from pathlib import Path

import pytest

from proxy.settings.generate import generated, main, outdated, render_schema


def test_written_once_nothing_is_out_of_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert outdated(tmp_path) == ("config/reference.yaml", "config/schema.json", "docs/settings.md")
    assert main([], tmp_path) == 0
    assert capsys.readouterr().out.count("wrote") == 3
    assert outdated(tmp_path) == ()
    assert main(["--check"], tmp_path) == 0


def test_a_touched_file_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([], tmp_path)
    (tmp_path / "docs/settings.md").write_text("mine")
    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err == "docs/settings.md is out of date: run `make generated`\n"
    assert (tmp_path / "docs/settings.md").read_text() == "mine", "a check writes nothing"


def test_the_schema_is_json_and_closed() -> None:
    schema = json.loads(render_schema())
    assert schema["additionalProperties"] is False
    assert schema["$schema"].endswith("2020-12/schema")


def test_nothing_generated_names_a_path_of_this_machine() -> None:
    for path, text in generated().items():
        assert str(Path.cwd()) not in text, path
        assert "PosixPath" not in text, path

"""Every end of a command is an exit code and a sentence."""

import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.cli.main import guarded, main
from proxy.errors import Problem, SettingsError, Unavailable

ROOT = Path(__file__).parents[3]


def ends(error: BaseException) -> Callable[[Namespace], int]:
    def run(args: Namespace) -> int:
        raise error

    return run


def test_a_command_that_works_ends_with_its_own_code() -> None:
    assert guarded(lambda args: 0, Namespace()) == 0
    assert guarded(lambda args: 1, Namespace()) == 1


def test_mistakes_are_printed_one_a_line_with_their_file(capsys: pytest.CaptureFixture[str]) -> None:
    problems = (Problem(path="listen", line=3, message="no"), Problem(path="", line=None, message="nor that"))
    assert guarded(ends(SettingsError(problems, source="a.yaml")), Namespace()) == 2
    assert capsys.readouterr().err == "a.yaml: line 3: listen: no\na.yaml: nor that\n"


def test_a_mistake_without_a_file_is_printed_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(ends(SettingsError((Problem(path="store", line=None, message="gone"),))), Namespace()) == 2
    assert capsys.readouterr().err == "muster: store: gone\n"


def test_a_store_that_does_not_answer_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(ends(Unavailable("the store did not answer within 2 s")), Namespace()) == 1
    assert capsys.readouterr().err == "muster: the store did not answer within 2 s\n"


def test_ctrl_c_is_no_error() -> None:
    assert guarded(ends(KeyboardInterrupt()), Namespace()) == 130


def test_a_bug_shows_an_id_and_no_trace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MUSTER_DEBUG", raising=False)
    assert guarded(ends(ValueError("secret=hunter2")), Namespace()) == 1
    shown = capsys.readouterr().err
    assert "Please report it" in shown
    assert "Traceback" not in shown
    assert "hunter2" not in shown


def test_a_bug_shows_where_it_happened_when_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_DEBUG", "1")
    assert guarded(ends(ValueError("here")), Namespace()) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_missing_configuration_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(tmp_path / "gone.yaml")]) == 2
    assert "cannot be read: No such file or directory" in capsys.readouterr().err


def test_the_module_is_the_command(config: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "proxy", "check", "-c", str(config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{config}: no mistake found\n", "")


def test_a_reader_that_goes_away_is_no_bug(config: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "proxy", "check", "-c", str(config), "--app"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait(timeout=30) == 1

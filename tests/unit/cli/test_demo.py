"""`muster demo` has options of its own; that it runs is shown end to end."""

import pytest

from proxy.cli.main import main


def test_its_help_is_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--help"])
    assert caught.value.code == 0
    assert "--story" in capsys.readouterr().out


def test_an_unknown_option_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--nonsense"])
    assert caught.value.code == 2
    assert "muster demo" in capsys.readouterr().err

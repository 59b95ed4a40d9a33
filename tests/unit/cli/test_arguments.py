"""What can be typed."""

from pathlib import Path

import pytest

from proxy.cli.arguments import build_parser

_COMMANDS = (
    "serve",
    "check",
    "doctor",
    "explain",
    "plan",
    "groups",
    "members",
    "sessions",
    "provisioning",
    "held",
    "parked",
    "audit",
    "demo",
)


@pytest.mark.parametrize(
    "line",
    [
        "serve -c a.yaml",
        "serve --config a.yaml",
        "check -c a.yaml --app",
        "doctor -c a.yaml",
        "doctor -c a.yaml --json",
        "explain -c a.yaml --claims b.json --idp corp --app-groups A,B --json",
        "held list -c a.yaml",
        "held release link:Developers -c a.yaml",
        "held drop idp:corp -c a.yaml",
        "parked list -c a.yaml",
        "parked retry -c a.yaml",
        "parked retry 7 -c a.yaml",
        "held list --json -c a.yaml",
        "explain -c a.yaml --session ada --json",
        "plan -c a.yaml",
        "plan ada --json -c a.yaml",
        "groups list -c a.yaml --json",
        "groups link Developers engineers,ops platform --observe --idp corp -c a.yaml",
        "groups unlink Developers -c a.yaml",
        "groups observe Developers -c a.yaml",
        "groups deactivate Developers -c a.yaml",
        "groups activate Developers -c a.yaml",
        "members list -c a.yaml",
        "members show ada -c a.yaml",
        "members archive ada --wait 5 -c a.yaml",
        "members restore ada -c a.yaml",
        "members deny ada@example.com -c a.yaml",
        "members undeny ada@example.com -c a.yaml",
        "sessions list -c a.yaml",
        "sessions end ada -c a.yaml",
        "provisioning on -c a.yaml",
        "provisioning off -c a.yaml",
        "provisioning status --json -c a.yaml",
        "audit --who ada --since 24h --event join --limit 5 --json -c a.yaml",
    ],
)
def test_a_command_is_understood(line: str) -> None:
    words = line.split()
    args = build_parser().parse_args(words)
    assert args.command == words[0]
    assert args.config == Path("a.yaml")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "serve",
        "srve -c a",
        "check",
        "explain -c a",
        "held -c a",
        "held release -c a",
        "parked retry x -c a",
        "serve -c a extra",
        "explain -c a --claims b --session c",
        "groups link Developers -c a",
        "groups -c a",
        "members archive -c a",
        "members show ada --wait 5 -c a",
        "provisioning -c a",
        "audit --limit many -c a",
    ],
)
def test_what_is_not_understood_exits_with_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(line.split())
    assert caught.value.code == 2
    assert "usage: muster" in capsys.readouterr().err


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("muster ")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--help"])
    text = capsys.readouterr().out
    assert [name for name in _COMMANDS if f"\n    {name}" not in text] == []

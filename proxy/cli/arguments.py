"""What can be typed: every command with its arguments and one line of help. Nothing heavy is imported here."""

from argparse import ArgumentParser, _SubParsersAction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, TypeAlias

DISTRIBUTION: Final = "muster-proxy"

Commands: TypeAlias = "_SubParsersAction[ArgumentParser]"


def build_parser() -> ArgumentParser:
    """The parser of the whole command line; the chosen command stands in `args.command`."""
    parser = ArgumentParser(
        prog="muster",
        description="A reverse proxy that signs people in and keeps the app's accounts and groups as the IdP says.",
    )
    parser.add_argument("--version", action="version", version=f"muster {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _serve(commands)
    _check(commands)
    _explain(commands)
    _held(commands)
    _parked(commands)
    _demo(commands)
    return parser


def _version() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "(not installed)"


def _command(commands: Commands, name: str, what: str) -> ArgumentParser:
    return commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")


def _with_configuration(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-c", "--config", type=Path, required=True, metavar="FILE", help="the configuration (YAML)"
    )


def _serve(commands: Commands) -> None:
    parser = _command(commands, "serve", "run the proxy until it is told to stop (SIGTERM or Ctrl-C)")
    _with_configuration(parser)


def _check(commands: Commands) -> None:
    parser = _command(
        commands, "check", "read a configuration and name every mistake with its line; exit 2 if there is one"
    )
    _with_configuration(parser)
    parser.add_argument(
        "--app", action="store_true", help="print what the app's admin API can do, by its preset"
    )


def _explain(commands: Commands) -> None:
    parser = _command(commands, "explain", "show what follows from a person's claims, and why; asks nobody")
    _with_configuration(parser)
    parser.add_argument(
        "--claims", type=Path, required=True, metavar="FILE", help="the claims of an ID token (JSON)"
    )
    parser.add_argument("--idp", metavar="ID", help="which IdP says so (needed when several are configured)")
    parser.add_argument(
        "--app-groups",
        metavar="A,B",
        help="the groups that exist in the app (default: those the configuration names)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _held(commands: Commands) -> None:
    parser = _command(commands, "held", "show or release what the guard against mass changes holds")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _with_configuration(_command(actions, "list", "show latched scopes and the people who wait"))
    release = _command(
        actions, "release", "let a scope's changes go on; they are planned again from the truth"
    )
    release.add_argument("scope", metavar="SCOPE", help="idp:ID or link:APP GROUP, as listed")
    _with_configuration(release)
    drop = _command(
        actions, "drop", "leave a scope's people in the app as they are, until their IdP says something new"
    )
    drop.add_argument("scope", metavar="SCOPE", help="idp:ID or link:APP GROUP, as listed")
    _with_configuration(drop)


def _parked(commands: Commands) -> None:
    parser = _command(commands, "parked", "show or retry what the app refused")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _with_configuration(_command(actions, "list", "show parked entries with their reasons"))
    retry = _command(actions, "retry", "try parked entries again")
    retry.add_argument(
        "entry", nargs="?", type=int, metavar="ENTRY", help="the entry's number (default: all)"
    )
    _with_configuration(retry)


def _demo(commands: Commands) -> None:
    parser = _command(commands, "demo", "run a small IdP and a small app with Muster in front of it")
    parser.add_argument("rest", nargs="...", metavar="OPTIONS", help="see: muster demo --help")

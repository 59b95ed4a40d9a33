"""What can be typed: every command with its arguments and one line of help. Nothing heavy is imported here."""

from argparse import ArgumentParser, _SubParsersAction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, TypeAlias

DISTRIBUTION: Final = "muster-proxy"

_WHO: Final = (
    "a login in the app, an account id, an e-mail address, or 'ISSUER SUBJECT'; "
    "account:ID, login:NAME, email:ADDRESS or sub:ID say which is meant"
)

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
    _doctor(commands)
    _explain(commands)
    _plan(commands)
    _groups(commands)
    _sweep(commands)
    _members(commands)
    _sessions(commands)
    _keys(commands)
    _provisioning(commands)
    _held(commands)
    _parked(commands)
    _audit(commands)
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


def _with_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _action(actions: Commands, name: str, what: str, *, has_who: bool = False) -> ArgumentParser:
    """One action of a command that looks into the store."""
    parser = _command(actions, name, what)
    if has_who:
        parser.add_argument("who", metavar="WHO", help=_WHO)
    _with_configuration(parser)
    _with_json(parser)
    return parser


def _actions(commands: Commands, name: str, what: str) -> Commands:
    return _command(commands, name, what).add_subparsers(dest="action", metavar="ACTION", required=True)


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
    _with_json(parser)


def _doctor(commands: Commands) -> None:
    parser = _command(
        commands,
        "doctor",
        "look at files, IdPs, the app and the public address, and say what to do; changes nothing; exit 1 if anything failed",
    )
    _with_configuration(parser)
    _with_json(parser)


def _explain(commands: Commands) -> None:
    parser = _command(commands, "explain", "show what follows from a person's claims, and why; asks nobody")
    _with_configuration(parser)
    about = parser.add_mutually_exclusive_group(required=True)
    about.add_argument("--claims", type=Path, metavar="FILE", help="the claims of an ID token (JSON)")
    about.add_argument("--session", metavar="WHO", help=f"somebody who is signed in, or a member: {_WHO}")
    parser.add_argument("--idp", metavar="ID", help="which IdP says so (needed when several are configured)")
    parser.add_argument(
        "--app-groups",
        metavar="A,B",
        help="the groups that exist in the app (default: those the configuration names)",
    )
    _with_json(parser)


def _plan(commands: Commands) -> None:
    parser = _command(
        commands,
        "plan",
        "show what would change in the app now; reads the app, changes nothing; exit 3 if there is something to do",
    )
    parser.add_argument("who", nargs="?", metavar="WHO", help=f"{_WHO} (default: every bound member)")
    _with_configuration(parser)
    _with_json(parser)


def _groups(commands: Commands) -> None:
    actions = _actions(commands, "groups", "show or change which IdP groups mean which app groups")
    _action(actions, "list", "show every link and where it comes from")
    for name, what in (
        ("link", "tie an app group to IdP groups; its members are the people of any of them"),
        ("create", "make a group in the app and tie it to IdP groups; one that is there is never taken over"),
    ):
        _with_link(_action(actions, name, what))
    for name, what in (
        ("unlink", "take a link out; the group's members stay as they are"),
        ("observe", "keep a link, but only say what it would change"),
        ("deactivate", "keep a link, but leave its group alone"),
        ("activate", "have a link followed again"),
    ):
        _action(actions, name, what).add_argument("app_group", metavar="APP_GROUP", help="the app's group")
    push = _action(
        actions, "push", "look at a whole linked group now and put right what differs; exit 3 if anything did"
    )
    push.add_argument("app_group", metavar="APP_GROUP", help="the app's group")
    _with_dry_run(push)


def _with_link(parser: ArgumentParser) -> None:
    parser.add_argument("app_group", metavar="APP_GROUP", help="the app's group")
    parser.add_argument(
        "idp_groups",
        nargs="+",
        metavar="IDP_GROUP",
        help="IdP groups; several are taken as they are, a single string is split at its commas",
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="a single IDP_GROUP is one name, commas and all (such as an LDAP DN)",
    )
    parser.add_argument("--observe", action="store_true", help="only say what would change")
    parser.add_argument(
        "--idp", action="append", metavar="ID", help="count statements of this IdP only (may be repeated)"
    )


def _sweep(commands: Commands) -> None:
    parser = _command(
        commands,
        "sweep",
        "look at every linked group and everybody in it now, and ask about people who were not active for long; "
        "exit 3 if anything differed or is held",
    )
    _with_configuration(parser)
    _with_json(parser)
    _with_dry_run(parser)


def _with_dry_run(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only say what would change")


def _members(commands: Commands) -> None:
    actions = _actions(
        commands, "members", "show people with their accounts, or take somebody out or back by hand"
    )
    _action(actions, "list", "show everybody")
    _action(actions, "show", "show all that is known of one person", has_who=True)
    for name, what in (
        (
            "archive",
            "end somebody's sessions and archive their account; the next sign-in would bring them back",
        ),
        ("restore", "take an archiving by hand back"),
        (
            "deny",
            "keep somebody out for good: sessions end, the account is archived, no sign-in brings them back",
        ),
    ):
        _with_wait(_action(actions, name, what, has_who=True))
    _action(actions, "undeny", "let somebody sign in again", has_who=True)


def _with_wait(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="how long to wait for the app to agree (default: 20; 0 = not at all)",
    )


def _sessions(commands: Commands) -> None:
    actions = _actions(commands, "sessions", "show who is signed in, or end somebody's sessions")
    _narrowed(_action(actions, "list", "show every session, or those of one person or IdP"))
    _action(actions, "show", "show all about one session, but no secret").add_argument(
        "session", metavar="SESSION", help="its id, as listed"
    )
    end = _action(actions, "end", "end sessions of one person, or of one IdP; people may sign in again")
    end.add_argument("who", nargs="?", metavar="WHO", help=_WHO)
    end.add_argument("--session", metavar="SESSION", help="one session only, by its id as listed")
    _narrowed(end)


def _narrowed(parser: ArgumentParser) -> None:
    parser.add_argument("--person", metavar="WHO", help=_WHO)
    parser.add_argument("--idp", metavar="ID", help="sessions that this IdP led to")
    parser.add_argument(
        "--sid", metavar="SID", help="with --idp: those of one session there, by its id there"
    )


def _keys(commands: Commands) -> None:
    actions = _actions(
        commands, "keys", "show or rotate the keys that seal sessions; a running server follows"
    )
    _action(actions, "list", "show every key by its id, and how many sessions are sealed under it")
    _action(actions, "add", "put a new key last: it opens, and seals nothing yet").add_argument(
        "--first", action="store_true", help="put it first at once; for one replica with one key file only"
    )
    _action(actions, "promote", "put a key first: from now on it seals").add_argument(
        "key", metavar="KEY", help="its id, as listed"
    )
    retire = _action(actions, "retire", "take a key out of the file, once nothing is sealed under it")
    retire.add_argument("key", metavar="KEY", help="its id, as listed")
    retire.add_argument(
        "--now", action="store_true", help="also if sign-ins that are under way would have to begin again"
    )
    _action(
        actions, "reseal", "seal every session under the first key now; a running server does it by itself"
    )


def _provisioning(commands: Commands) -> None:
    actions = _actions(commands, "provisioning", "say whether anybody is created or restored")
    _action(actions, "on", "create and restore accounts again")
    _action(actions, "off", "create and restore nobody; members pass, group changes and archiving go on")
    _action(actions, "status", "show how it stands")


def _held(commands: Commands) -> None:
    actions = _actions(commands, "held", "show or release what the guard against mass changes holds")
    _action(actions, "list", "show latched scopes and the people who wait").add_argument(
        "--dropped", action="store_true", help="show the people who were dropped, and are left as they are"
    )
    for name, what in (
        ("release", "let a scope's changes go on; they are planned again from the truth"),
        ("drop", "leave a scope's people in the app as they are, until their IdP says something new"),
    ):
        _action(actions, name, what).add_argument(
            "scope", metavar="SCOPE", help="idp:ID or link:APP GROUP, as listed"
        )


def _parked(commands: Commands) -> None:
    actions = _actions(commands, "parked", "show or retry what the app refused")
    _action(actions, "list", "show parked entries with their reasons")
    _action(actions, "retry", "try parked entries again").add_argument(
        "entry", nargs="?", type=int, metavar="ENTRY", help="the entry's number (default: all)"
    )


def _audit(commands: Commands) -> None:
    parser = _command(commands, "audit", "show what was decided and done, and why")
    parser.add_argument("--who", metavar="WHO", help=_WHO)
    parser.add_argument("--since", metavar="TIME", help="24h, 7d, or an ISO date or time (UTC)")
    parser.add_argument("--event", metavar="EVENT", help="one event only, such as archive")
    parser.add_argument("--limit", type=int, default=1000, metavar="N", help="the newest N (default: 1000)")
    _with_configuration(parser)
    _with_json(parser)


def _demo(commands: Commands) -> None:
    parser = _command(commands, "demo", "run a small IdP and a small app with Muster in front of it")
    parser.add_argument("rest", nargs="...", metavar="OPTIONS", help="see: muster demo --help")

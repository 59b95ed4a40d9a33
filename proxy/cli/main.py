"""From a command line to an exit code, with a sentence for everything that may go wrong.

| exit | means |
|------|-------|
| 0    | done |
| 1    | a bug, a partner that does not answer while running, or a failed check of `doctor` |
| 2    | a mistake of the operator's: the command line, the configuration, a file, a store that cannot be opened |
| 3    | `plan`, `sweep`, `groups push`: something would change, was changed or is held |
| 130  | Ctrl-C |
"""

import os
import secrets
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module

from proxy.cli.arguments import build_parser
from proxy.errors import SettingsError, Unavailable
from proxy.settings.overrides import environment, is_debugging


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code and raises nothing but SystemExit of the argument parser."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = _demo(arguments) or build_parser().parse_args(arguments)
    return guarded(_runner(args.command), args)


def _demo(arguments: list[str]) -> Namespace | None:
    """The demonstration's options are its own, --help too."""
    return Namespace(command="demo", rest=arguments[1:]) if arguments[:1] == ["demo"] else None


def _runner(command: str) -> Callable[[Namespace], int]:
    def run(args: Namespace) -> int:
        code: int = import_module(f"proxy.cli.{command}").run(args)
        return code

    return run


def guarded(run: Callable[[Namespace], int], args: Namespace) -> int:
    try:
        code = run(args)
        sys.stdout.flush()
    except SettingsError as error:
        return _refuse(error)
    except Unavailable as error:
        print(f"muster: {error.reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:
        return _bug(error)
    return code


def _refuse(error: SettingsError) -> int:
    for problem in error.problems:
        print(f"{error.source}: {problem}" if error.source else f"muster: {problem}", file=sys.stderr)
    return 2


def _bug(error: Exception) -> int:
    incident = secrets.token_hex(6)
    if is_debugging(environment()):
        traceback.print_exception(error)
    print(
        f"muster: something went wrong that should not ({type(error).__name__}, {incident}). Please report it; "
        "MUSTER_DEBUG=1 shows where it happened.",
        file=sys.stderr,
    )
    return 1


def _reader_gone() -> int:
    """Whoever read our output closed it (`muster … | head`); Python must not try to flush it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1

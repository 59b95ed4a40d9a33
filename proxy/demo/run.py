"""`muster demo`: an IdP, an app and Muster on this machine, and a list of things to try; `--story` tries them by itself."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine, Sequence
from functools import partial

from proxy.demo.child import ChildDied
from proxy.demo.people import PEOPLE
from proxy.demo.stage import Stage, free_port, port_or_free, running
from proxy.demo.story import tell

USUAL_PORT = 8080
STORY_EVERY = 3.0
DEMO_EVERY = 10.0
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C (0), or until the story is told (0), is not so (1) or is interrupted (130)."""
    asked = _arguments(sys.argv[1:] if argv is None else argv)
    try:
        return asyncio.run(stoppable(_story(asked) if asked.story else _demo(asked)))
    except ChildDied as death:
        print(f"muster demo: {death}", file=sys.stderr)
        return 1


async def stoppable(work: Coroutine[None, None, int]) -> int:
    """The work's exit code. The first signal cancels it; further ones do not disturb its tidying up: no child stays behind."""
    task = asyncio.ensure_future(work)
    signals = [task.cancel]

    def stop() -> None:
        if signals:
            signals.pop()()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        return INTERRUPTED


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="muster demo",
        description="A small IdP, a small app, and Muster in front of it. For demonstration only: the IdP has no passwords.",
    )
    parser.add_argument(
        "--story", action="store_true", help="play the whole story unattended; exit 1 if it is not so"
    )
    parser.add_argument(
        "--port", type=int, default=None, help=f"where to listen (default: {USUAL_PORT}, or a free port)"
    )
    parser.add_argument(
        "--every", type=float, default=None, metavar="SECONDS", help="how often the IdP is asked again"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the folder with configuration, store and log"
    )
    return parser.parse_args(list(argv))


async def _story(asked: argparse.Namespace) -> int:
    port = asked.port or free_port()
    async with running(port=port, every=asked.every or STORY_EVERY, is_kept=asked.keep) as stage:
        code = await tell(stage, partial(print, flush=True))
        if asked.keep:
            print(f"Configuration, store and log: {stage.folder}")
        return code


async def _demo(asked: argparse.Namespace) -> int:
    port = asked.port or port_or_free(USUAL_PORT)
    async with running(port=port, every=asked.every or DEMO_EVERY, is_kept=asked.keep) as stage:
        print(introduction(stage), flush=True)
        return await _until_stopped(stage)


async def _until_stopped(stage: Stage) -> int:
    """0 when it is told to stop; 1 when Muster ended by itself."""
    try:
        await stage.muster.ended()
    except asyncio.CancelledError:
        print("Stopping.", flush=True)
        return 0
    print(f"muster serve ended:\n{stage.muster.tail()}", file=sys.stderr)
    return 1


def introduction(stage: Stage) -> str:
    """What is where, who there is, and what to try."""
    people = "\n".join(
        f"  {person.name:<14} {person.email:<24} {', '.join(person.groups) or 'no groups'}"
        for person in PEOPLE
    )
    return f"""\
Muster stands in front of a small app. Open

    {stage.url()}

and choose a person. (Another browser profile is another person; {stage.at.public_url}
needs a browser that knows *.localhost: Chromium, Edge, Firefox.)

People at the IdP
{people}

Try
  * Sign in as Alice: her account and her group Developers are made before her first page.
    {stage.url("/admin")} shows the app's accounts and groups.
  * Carol has an account there already, with the same address: it becomes hers.
  * Mallory's address is not in a domain that may join.
  * Change groups, leave the claim out, suspend somebody, stop the IdP, rotate the secret:
    {stage.at.issuer}/control – Muster asks again every {stage.every:g} seconds.
  * Your own sign-in: {stage.url("/_muster/profile")}
  * Metrics: http://{stage.at.ops}/metrics

Configuration, store and log: {stage.folder}
Press Ctrl-C to stop.
"""

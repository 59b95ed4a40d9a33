"""`muster serve`: the proxy, until it is told to stop."""

import asyncio
import gc
import os
from argparse import Namespace
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

from proxy.app.crew import Crew
from proxy.app.passed import passed_sockets
from proxy.app.serve import serve
from proxy.app.worker import Seat, attend
from proxy.cli.configuration import configured
from proxy.cli.preset import chosen_preset
from proxy.settings.model import Settings
from proxy.settings.overrides import environment
from proxy.settings.passed import passed_descriptors


def run(args: Namespace) -> int:
    """Serve; returns when everything was drained. Raises SettingsError before anything listens."""

    def reread() -> Settings:
        settings = configured(args)
        chosen_preset(settings, args.config)
        return settings

    def work(seat: Seat) -> int:
        # A worker is a command of its own: its mistakes and bugs become sentences there.
        from proxy.cli.main import guarded  # noqa: PLC0415 -- main imports this module

        return guarded(lambda _: _run(attend(seat)), args)

    settings = reread()
    passed = passed_sockets(passed_descriptors(environment(), os.getpid()))
    with _what_is_there_stays():
        if settings.workers == 1:
            return _run(serve(settings, reread, passed))
        return Crew(settings, reread, work, passed).run()


@contextmanager
def _what_is_there_stays() -> Iterator[None]:
    """Inside, no collection of garbage walks what was imported before: it stays as long as the process does.

    It is 100,000 objects, and walking them holds the loop for tens of milliseconds. Workers fork inside: a walk writes into every
    object, which would end the sharing of its page (gc.freeze in Python's library reference).
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _run(program: Coroutine[Any, Any, None]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(program)
    return 0

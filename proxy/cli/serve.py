"""`muster serve`: the proxy, until it is told to stop."""

import asyncio
from argparse import Namespace

import uvloop

from proxy.app.serve import serve
from proxy.cli.configuration import configured
from proxy.cli.preset import chosen_preset


def run(args: Namespace) -> int:
    """Serve; returns when everything was drained. Raises SettingsError before anything listens."""
    settings = configured(args)
    chosen_preset(settings, args.config)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))
    return 0

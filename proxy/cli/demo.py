"""`muster demo`: hands over to the demonstration."""

from argparse import Namespace

from proxy.demo.run import main as run_demo


def run(args: Namespace) -> int:
    """The demonstration's own exit code."""
    return run_demo(args.rest)

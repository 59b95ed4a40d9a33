"""The edge is tested on the loop it runs on."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop, as `muster serve` uses it."""
    return {"uvloop": uvloop.new_event_loop}

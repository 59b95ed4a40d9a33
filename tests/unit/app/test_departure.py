"""An end that is told, and told again: sooner, never later."""

import asyncio
import math
import os
import signal
from collections.abc import Iterator

import pytest

from proxy.app.departure import Departure, Stop


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_whoever_is_replaced_has_all_the_time_that_there_is() -> None:
    departure = Departure.replaced()
    assert (departure.is_replaced, departure.quiet_until) == (True, math.inf)


def test_whoever_was_replaced_may_be_told_that_nobody_comes_after() -> None:
    departure = Departure.replaced()
    departure.last(7.0)
    assert (departure.is_replaced, departure.quiet_until) == (False, 7.0)


@pytest.mark.usefixtures("handlers")
async def test_sigterm_asks_however_often_and_sigint_hurries() -> None:
    stop = Stop()
    stop.hear()
    try:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(stop.asked.wait(), 20)
        await asyncio.sleep(0)
        assert not stop.hurried.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(stop.hurried.wait(), 20)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)

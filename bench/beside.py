"""A loop in a thread of this process, for small servers that are neither measured nor in the way."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, TypeVar

T = TypeVar("T")

LONGEST_SECONDS: Final = 60.0


@contextlib.contextmanager
def beside() -> Iterator[Callable[[Coroutine[Any, Any, T]], T]]:
    """Runs coroutines there, each to its end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(LONGEST_SECONDS)

    try:
        yield run
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

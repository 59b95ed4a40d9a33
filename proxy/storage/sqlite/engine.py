"""Calls into SQLite from coroutines: reads on one thread, writes on another, each bounded by a time-out."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from proxy.errors import Unavailable
from proxy.storage.sqlite.opening import open_connections
from proxy.storage.sqlite.thread import ConnectionThread

Result = TypeVar("Result")

DEFAULT_TIMEOUT: Final = 5.0


class SqliteEngine:
    """The database file. A transaction is one plain function of a connection, handed to `read` or `write`."""

    def __init__(self, path: Path, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Opens the file. `timeout` in seconds bounds every call. Raises SettingsError."""
        writing, reading = open_connections(path, timeout=timeout)
        self._path = path
        self._file = _identity(path)
        self._timeout = timeout
        self._writer = ConnectionThread(writing, name="sqlite-writer", begin="BEGIN IMMEDIATE")
        self._reader = ConnectionThread(reading, name="sqlite-reader", begin="BEGIN")

    async def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """What the function returns, on one snapshot. Raises Unavailable."""
        return await self._bounded(self._reader, query)

    async def write(self, transaction: Callable[[sqlite3.Connection], Result]) -> Result:
        """What the function returns, once it is durable. Raises Unavailable: then it was not done, or nobody knows."""
        return await self._bounded(self._writer, transaction)

    async def close(self) -> None:
        """Finish what waits and close the file; a thread that hangs on its disk is left behind after the time-out.

        The writer closes last: only a connection that may write can fold the write-ahead log back into the one file.
        """
        for thread in (self._reader, self._writer):
            thread.close()
            await asyncio.wait([asyncio.wrap_future(thread.stopped)], timeout=self._timeout)

    async def _bounded(self, thread: ConnectionThread, job: Callable[[sqlite3.Connection], Result]) -> Result:
        """The job's result. A job that has not begun when the time is up never runs."""
        try:
            async with asyncio.timeout(self._timeout):
                result: Result = await asyncio.wrap_future(
                    thread.submit(lambda one: self._on_our_file(job, one))
                )
                return result
        except TimeoutError as error:
            raise Unavailable(f"the store did not answer within {self._timeout:g} s") from error

    def _on_our_file(
        self, job: Callable[[sqlite3.Connection], Result], connection: sqlite3.Connection
    ) -> Result:
        """What is written into a file that nobody finds again is lost: that is an outage, not a success."""
        if _identity(self._path) != self._file:
            raise Unavailable(
                f"the store {self._path} was moved, deleted or replaced; restart with the right file"
            )
        return job(connection)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino

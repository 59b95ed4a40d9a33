"""One thread that owns one connection and runs what is handed to it, each job inside one transaction.

Rules:
1. A job is a plain function of the connection. Nothing is awaited between BEGIN and COMMIT, and no other thread touches
   the connection: two transactions cannot mix.
2. Jobs that wait together share one COMMIT (one fsync), each in a savepoint of its own: one that fails takes back only
   its own writes. Nobody is told of success before the COMMIT.
3. A job whose caller gave up is not run. Giving up after the job has begun leaves the outcome unknown, as with any
   store; repeating a write is harmless everywhere.
4. The queue is bounded: behind a disk that hangs, callers are refused at once instead of being kept in memory.
"""

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from proxy.errors import Unavailable
from proxy.storage.sqlite.faults import unavailable

Job: TypeAlias = Callable[[sqlite3.Connection], Any]

MAX_WAITING: Final = 4096
MAX_TOGETHER: Final = 64


@dataclass(slots=True)
class _Waiting:
    """A job and who waits for it; `result` is held back until the COMMIT."""

    job: Job
    future: "Future[Any]" = field(default_factory=Future)
    result: Any = None


class ConnectionThread:
    """Runs jobs on its connection. `begin` is the statement that opens a transaction."""

    def __init__(self, connection: sqlite3.Connection, *, name: str, begin: str) -> None:
        self._connection = connection
        self._begin = begin
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._is_closed = False
        self._is_last_batch = False
        self.stopped: Future[None] = Future()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, job: Job) -> "Future[Any]":
        """The job's outcome to come: its return value, `Unavailable`, or what it raised."""
        if self._is_closed:
            raise Unavailable("the store is closed")
        if self._waiting.qsize() >= MAX_WAITING:
            raise Unavailable("the store does not keep up")
        waiting = _Waiting(job)
        self._waiting.put(waiting)
        return waiting.future

    def close(self) -> None:
        """Refuse further jobs and stop after those that wait; `stopped` says when the connection is closed."""
        if not self._is_closed:
            self._is_closed = True
            self._waiting.put(None)

    def _run(self) -> None:
        while not self._is_last_batch:
            if batch := self._next_batch():
                self._carry_out(batch)
        self._connection.close()
        self.stopped.set_result(None)

    def _next_batch(self) -> list[_Waiting]:
        """What waits now, at least one job unless the end was reached."""
        batch: list[_Waiting] = []
        waiting = self._waiting.get()
        while waiting is not None:
            batch.append(waiting)
            if len(batch) == MAX_TOGETHER or self._waiting.empty():
                return batch
            waiting = self._waiting.get()
        self._is_last_batch = True
        return batch

    def _carry_out(self, batch: list[_Waiting]) -> None:
        """One transaction. Whoever gave up while the lock was waited for is left out."""
        try:
            self._connection.execute(self._begin)
            begun = [one for one in batch if one.future.set_running_or_notify_cancel() and self._run_one(one)]
            self._connection.execute("COMMIT")
        except Exception as error:
            self._roll_back()
            _fail(batch, unavailable(error) if isinstance(error, sqlite3.Error) else error)
            return
        for waiting in begun:
            waiting.future.set_result(waiting.result)

    def _run_one(self, waiting: _Waiting) -> bool:
        """Whether the job succeeded; if not, its writes are gone and its caller knows. Raises when SQLite gave all up."""
        self._connection.execute("SAVEPOINT job")
        try:
            waiting.result = waiting.job(self._connection)
        except Exception as error:
            if not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            waiting.future.set_exception(unavailable(error) if isinstance(error, sqlite3.Error) else error)
            return False
        self._connection.execute("RELEASE job")
        return True

    def _roll_back(self) -> None:
        """A connection that cannot even do this is beyond use, and every further job will say so."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.rollback()


def _fail(batch: list[_Waiting], error: Exception) -> None:
    """Tell everybody who was not told yet."""
    for waiting in batch:
        if not waiting.future.done() and (
            waiting.future.running() or waiting.future.set_running_or_notify_cancel()
        ):
            waiting.future.set_exception(error)

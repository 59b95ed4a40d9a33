"""One thread, one connection: jobs that share a commit, fail alone, and are not run for callers who left."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import Unavailable
from proxy.storage.sqlite import thread as module
from proxy.storage.sqlite.opening import open_connections
from proxy.storage.sqlite.thread import ConnectionThread, Job


def insert(scope: str) -> Job:
    return lambda connection: connection.execute("INSERT INTO latches VALUES (?, 1)", (scope,)).rowcount


@pytest.fixture
def thread(path: Path) -> Iterator[ConnectionThread]:
    writing, reading = open_connections(path, timeout=0.2)
    reading.close()
    runner = ConnectionThread(writing, name="test-writer", begin="BEGIN IMMEDIATE")
    yield runner
    runner.close()
    runner.stopped.result(10)


@pytest.fixture
def gate(thread: ConnectionThread) -> Iterator[Callable[[], None]]:
    """Holds the thread back, so that what is submitted meanwhile waits together."""
    opened = threading.Event()
    entered = threading.Event()

    def hold(connection: sqlite3.Connection) -> None:
        entered.set()
        opened.wait(10)

    thread.submit(hold)
    assert entered.wait(10)
    yield opened.set
    opened.set()


def scopes(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {scope for (scope,) in connection.execute("SELECT scope FROM latches")}


def test_a_job_returns_its_value_once_it_is_durable(thread: ConnectionThread, path: Path) -> None:
    assert thread.submit(insert("a")).result(10) == 1
    assert scopes(path) == {"a"}


def test_jobs_that_wait_together_share_one_transaction(
    thread: ConnectionThread, gate: Callable[[], None], path: Path
) -> None:
    seen: list[set[str]] = []
    futures: list[Future[Any]] = [thread.submit(insert(f"s{number}")) for number in range(5)]
    futures.append(thread.submit(lambda _: seen.append(scopes(path))))
    gate()
    for future in futures:
        future.result(10)
    assert seen == [set()]
    assert scopes(path) == {f"s{number}" for number in range(5)}


def test_a_job_that_fails_takes_only_its_own_writes_back(
    thread: ConnectionThread, gate: Callable[[], None], path: Path
) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        insert("broken")(connection)
        raise KeyError("a bug")

    before, bug, after = (
        thread.submit(insert("before")),
        thread.submit(broken),
        thread.submit(insert("after")),
    )
    gate()
    assert before.result(10) == after.result(10) == 1
    with pytest.raises(KeyError, match="a bug"):
        bug.result(10)
    assert scopes(path) == {"before", "after"}


def test_an_error_of_sqlite_is_unavailable_and_the_thread_goes_on(
    thread: ConnectionThread, path: Path
) -> None:
    with pytest.raises(Unavailable):
        thread.submit(lambda connection: connection.execute("SELECT * FROM nowhere")).result(10)
    assert thread.submit(insert("a")).result(10) == 1


def test_a_job_whose_caller_left_is_not_run(
    thread: ConnectionThread, gate: Callable[[], None], path: Path
) -> None:
    left, stayed = thread.submit(insert("left")), thread.submit(insert("stayed"))
    assert left.cancel()
    gate()
    stayed.result(10)
    assert scopes(path) == {"stayed"}


def test_a_caller_who_leaves_while_the_lock_is_waited_for_is_left_out(
    thread: ConnectionThread, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        left = thread.submit(insert("left"))
        assert left.cancel()
    assert thread.submit(insert("later")).result(10) == 1
    assert scopes(path) == {"later"}


def test_a_lock_that_does_not_go_away_fails_all_who_waited(
    thread: ConnectionThread, gate: Callable[[], None], path: Path
) -> None:
    futures = [thread.submit(insert(f"s{number}")) for number in range(3)]
    cancelled = thread.submit(insert("left"))
    cancelled.cancel()
    gate()
    with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as other:
        other.execute("BEGIN IMMEDIATE")
        locked = thread.submit(insert("locked"))
        with pytest.raises(Unavailable, match="locked"):
            locked.result(10)
    assert [future.result(10) for future in futures] == [1, 1, 1]
    assert "locked" not in scopes(path)


def test_when_sqlite_gives_the_whole_transaction_up_nobody_is_told_of_success(
    thread: ConnectionThread, gate: Callable[[], None], path: Path
) -> None:
    def abort(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT OR ROLLBACK INTO latches VALUES ('first', 2)")

    first, aborted, after = (
        thread.submit(insert("first")),
        thread.submit(abort),
        thread.submit(insert("after")),
    )
    gate()
    for future in (first, aborted, after):
        with pytest.raises(Unavailable):
            future.result(10)
    assert scopes(path) == set()
    assert thread.submit(insert("again")).result(10) == 1


def test_a_full_queue_refuses_at_once(
    thread: ConnectionThread, gate: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    waiting = [thread.submit(insert("a")), thread.submit(insert("b"))]
    with pytest.raises(Unavailable, match="keep up"):
        thread.submit(insert("c"))
    gate()
    assert [future.result(10) for future in waiting] == [1, 1]


def test_more_jobs_than_fit_into_one_transaction_are_all_run(
    thread: ConnectionThread, gate: Callable[[], None], path: Path
) -> None:
    futures = [thread.submit(insert(f"s{number}")) for number in range(3 * module.MAX_TOGETHER + 1)]
    gate()
    assert all(future.result(10) == 1 for future in futures)


def test_closing_finishes_what_waits_and_refuses_what_comes(
    thread: ConnectionThread, gate: Callable[[], None], path: Path
) -> None:
    waiting = thread.submit(insert("a"))
    thread.close()
    thread.close()
    with pytest.raises(Unavailable, match="closed"):
        thread.submit(insert("b"))
    gate()
    assert waiting.result(10) == 1
    thread.stopped.result(10)
    assert scopes(path) == {"a"}

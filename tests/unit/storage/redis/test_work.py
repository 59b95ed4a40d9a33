"""A unit of work remembers what it read and collects what it writes."""

from collections.abc import Sequence

from proxy.storage.redis.connecting import Command, Reply
from proxy.storage.redis.work import Work


def work_on(*replies: Reply) -> Work:
    """A unit whose questions are answered in order."""
    waiting = list(replies)

    async def ask(commands: Sequence[Command]) -> list[Reply]:
        return [waiting.pop(0) for _ in commands]

    return Work(ask)


async def test_what_was_read_is_guarded_with_its_reply() -> None:
    work = work_on(b"1", [b"x", None], {b"m"} and [b"m"])
    assert await work.get("a") == b"1"
    assert await work.fields("h", "one", "two") == [b"x", None]
    assert await work.members("s") == frozenset({"m"})
    assert work.guards == [
        (("GET", "a"), [b"1"]),
        (("HMGET", "h", "one", "two"), [b"x", None]),
        (("SMEMBERS", "s"), [b"m"]),
    ]


async def test_a_hint_is_not_guarded() -> None:
    work = work_on([b"a"])
    assert await work.peek(("ZRANGE", "due", 0, 1)) == [[b"a"]]
    assert work.guards == []
    assert await work.peek() == []


async def test_a_missing_value_is_guarded_as_missing() -> None:
    work = work_on(None)
    assert await work.get("a") is None
    assert work.guards == [(("GET", "a"), [None])]


async def test_writes_keep_their_order() -> None:
    work = work_on()
    work.do("DEL", "a")
    work.do_all([("SET", "b", 1)])
    assert work.writes == [("DEL", "a"), ("SET", "b", 1)]


async def test_one_reading_fits_itself_and_two_must_be_compared() -> None:
    work = work_on(b"1", b"2", b"3")
    await work.read(("GET", "a"), ("GET", "b"))
    assert not work.needs_commit
    await work.get("c")
    assert work.needs_commit


async def test_what_is_to_be_written_must_be_committed() -> None:
    work = work_on()
    assert not work.needs_commit
    work.do("DEL", "a")
    assert work.needs_commit

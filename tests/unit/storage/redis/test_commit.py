"""How a unit of work is handed to the script."""

from collections.abc import Sequence

from proxy.storage.redis.commit import DIGEST, SCRIPT, by_digest, in_full
from proxy.storage.redis.connecting import Command, Reply
from proxy.storage.redis.work import Work


async def _nothing(_: Sequence[Command]) -> list[Reply]:
    return []


def work() -> Work:
    made = Work(_nothing)
    made.guards = [(("GET", "a"), [None]), (("HMGET", "h", "x", "y"), [b"=1", 7])]
    made.writes = [("SET", "b", b"v"), ("DEL", "a")]
    return made


def test_keys_come_first_and_each_word_is_counted() -> None:
    assert by_digest(work()) == (
        "EVALSHA", DIGEST, 4, "a", "h", "b", "a",
        2, 1, "GET", 1, b"-", 3, "HMGET", "x", "y", 2, b"==1", b"=7",
        2, "SET", b"v", 1, "DEL",
    )  # fmt: skip


def test_in_full_differs_by_the_script_alone() -> None:
    assert in_full(work())[2:] == by_digest(work())[2:]
    assert in_full(work())[:2] == ("EVAL", SCRIPT)

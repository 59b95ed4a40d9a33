"""The audit trail as a stream: what is written, where the look begins and ends, and how much goes at once."""

from typing import Any

import pytest

from proxy.identity import Subject
from proxy.storage.audit import AuditQuery
from proxy.storage.redis.audit import SCANNED_AT_ONCE, SKEW_SECONDS, RedisAudit
from proxy.storage.redis.connecting import Command, Reply
from proxy.storage.redis.keys import subject_text
from proxy.storage.redis.outbox_keys import OutboxKeys
from tests.contract.records import NOW
from tests.fakes.redis_memory import MemoryRedis

ADA = Subject(issuer="https://idp.example", subject="ada")


class Told(MemoryRedis):
    """Gives the replies it was told, and keeps every command."""

    def __init__(self) -> None:
        super().__init__()
        self.replies: list[Reply] = []
        self.heard: list[Command] = []

    def do(self, command: Command) -> Reply:
        self.heard.append(command)
        return self.replies.pop(0) if self.replies else None


@pytest.fixture
def memory() -> Told:
    return Told()


def stored(number: int, at: float) -> Any:
    return [b"%d-0" % number, [b"at", repr(at).encode(), b"event", b"join"]]


async def test_a_record_is_written_with_what_it_is_found_by(memory: Told, keys: OutboxKeys) -> None:
    record = {"event": "join", "issuer": ADA.issuer, "subject": ADA.subject, "account": "7"}
    await RedisAudit(memory).append([(1.5, record), (2.0, {"event": "rule"})])
    first, second = memory.heard
    assert first[:7] == ("XADD", keys.audit, "*", "at", 1.5, "event", "join")
    assert first[9:] == ("who", subject_text(ADA), "account", "7")
    assert second[3:] == ("at", 2.0, "event", "rule", "record", '{"event":"rule"}')


async def test_a_look_goes_on_from_where_the_last_one_ended_until_there_is_enough(memory: Told) -> None:
    memory.replies = [[b"9-0", [b"3.0", b'{"event":"c"}']], [b"4-0", [b"2.0", b'{"event":"b"}']]]
    found = await RedisAudit(memory).read(AuditQuery(limit=2))
    assert [record["event"] for _, record in found] == ["b", "c"], "the oldest first"
    newest = [command[4] for command in memory.heard]
    assert newest == ["+", "(9-0"]
    wanted = [command[9] for command in memory.heard]
    assert wanted == [2, 1]


async def test_a_look_ends_where_the_trail_does(memory: Told) -> None:
    memory.replies = [[b"9-0", [b"3.0", b"{}"]], [b"", []]]
    assert len(await RedisAudit(memory).read(AuditQuery(limit=5))) == 1
    assert len(memory.heard) == 2


async def test_a_look_names_people_and_accounts_so_that_neither_is_taken_for_the_other(memory: Told) -> None:
    memory.replies = [[b"", []]]
    await RedisAudit(memory).read(
        AuditQuery(subjects=frozenset({ADA}), accounts=frozenset({"7"}), event="join")
    )
    (command,) = memory.heard
    assert command[6:] == (SCANNED_AT_ONCE, 0.0, "join", 1000, f"who{subject_text(ADA)}", "account7")


async def test_a_look_since_then_does_not_go_back_to_the_beginning(memory: Told) -> None:
    for since, oldest in ((0.0, "-"), (SKEW_SECONDS, "-"), (NOW, str(int((NOW - SKEW_SECONDS) * 1000)))):
        memory.heard.clear()
        memory.replies = [[b"", []]]
        await RedisAudit(memory).read(AuditQuery(since=since))
        assert memory.heard[0][5] == oldest


async def test_nothing_goes_while_the_oldest_is_young_and_there_is_room(memory: Told) -> None:
    memory.replies = [3, [stored(1, NOW)]]
    assert await RedisAudit(memory).trim(before=NOW, rows=3) == 0
    assert len(memory.heard) == 2


async def test_what_goes_is_named_by_the_oldest_that_stays(memory: Told, keys: OutboxKeys) -> None:
    records = [stored(number, NOW + number) for number in range(4)]
    memory.replies = [4, records[:1], records]
    assert await RedisAudit(memory).trim(before=NOW + 2, rows=100) == 2
    assert memory.heard[-1] == ("XTRIM", keys.audit, "MINID", "=", b"2-0")


async def test_one_that_is_out_of_order_waits_for_what_was_written_before_it(memory: Told) -> None:
    records = [stored(0, NOW), stored(1, NOW + 9), stored(2, NOW)]
    memory.replies = [3, records[:1], records]
    assert await RedisAudit(memory).trim(before=NOW + 5, rows=100) == 1


async def test_the_last_records_go_by_name(memory: Told, keys: OutboxKeys) -> None:
    records = [stored(0, NOW), stored(1, NOW)]
    memory.replies = [2, records[:1], records]
    assert await RedisAudit(memory).trim(before=NOW + 5, rows=100) == 2
    assert memory.heard[-1] == ("XDEL", keys.audit, b"0-0", b"1-0")

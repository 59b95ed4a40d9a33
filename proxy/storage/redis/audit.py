"""`AuditTrail` on Redis: a stream, in the order of writing; looked through on the server, some records at a time.

Records carry their own time, the stream's ids the server's at writing. The oldest written go first; a record that is older
than the one written before it goes with that.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from proxy.identity import Subject
from proxy.storage.audit import MOST_AT_ONCE, AuditQuery, Dated, marks_of, record_to_text
from proxy.storage.redis.connecting import Argument
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.keys import subject_text
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.work import Work

SCANNED_AT_ONCE: Final = 1000
"""Records that one call looks through: nobody else is served by the server meanwhile."""

SKEW_SECONDS: Final = 86_400.0
"""A record is written after it happened; clocks, and a store that was away, may differ by so much."""

_LOOK: Final = """
local whom, since, event, want = {}, tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
for i = 7, #ARGV do whom[ARGV[i]] = true end
local records = redis.call('XREVRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
local found, last = {}, ''
for _, one in ipairs(records) do
  if #found / 2 >= want then break end
  last = one[1]
  local at, record, named = one[2][2], one[2][6], #ARGV < 7
  for i = 7, #one[2], 2 do named = named or whom[one[2][i] .. one[2][i + 1]] end
  if named and tonumber(at) >= since and (event == '' or event == one[2][4]) then
    found[#found + 1] = at
    found[#found + 1] = record
  end
end
return {last, found}
"""
"""KEYS: the stream. ARGV: newest and oldest id, how many to look through; since, event, how many to find, and who."""


class RedisAudit:
    """Records as they were written, found by walking back from the newest."""

    def __init__(self, engine: RedisEngine) -> None:
        self._engine = engine
        self._key = OutboxKeys(prefix=engine.keys.prefix).audit

    async def append(self, records: Sequence[Dated]) -> None:
        rows = [_row(at, record) for at, record in records]

        async def unit(work: Work) -> None:
            for row in rows:
                work.do("XADD", self._key, "*", *row)

        await self._engine.write(unit)

    async def read(self, query: AuditQuery) -> tuple[Dated, ...]:
        found: list[Dated] = []
        newest, oldest = "+", _oldest_id(query)
        while newest and len(found) < query.limit:
            newest, some = await self._look(query, newest, oldest, query.limit - len(found))
            found += some
        return tuple(reversed(found))

    async def count(self) -> int:
        (count,) = await self._engine.ask(("XLEN", self._key))
        return int(count)

    async def trim(self, *, before: float, rows: int, at_most: int = MOST_AT_ONCE) -> int:
        """Two who trim at once take out the same: what is named is the oldest record that stays."""
        count, oldest = await self._engine.ask(
            ("XLEN", self._key), ("XRANGE", self._key, "-", "+", "COUNT", 1)
        )
        beyond = min(max(0, int(count) - rows), at_most)
        if not beyond and not (oldest and _time(oldest[0]) < before):
            return 0
        (records,) = await self._engine.ask(("XRANGE", self._key, "-", "+", "COUNT", at_most + 1))
        going = max(beyond, _leading_older(records[:at_most], before))
        await self._cut(records, going)
        return going

    async def _cut(self, records: Sequence[Any], going: int) -> None:
        """Take out the first so many; `records` are the oldest, and one more than may go."""

        async def unit(work: Work) -> None:
            if going < len(records):
                work.do("XTRIM", self._key, "MINID", "=", records[going][0])
            else:
                work.do("XDEL", self._key, *(one[0] for one in records))

        await self._engine.write(unit)

    async def _look(self, query: AuditQuery, newest: str, oldest: str, want: int) -> tuple[str, list[Dated]]:
        """Where to look on, empty at the end, and what was found; the newest first."""
        whom = [
            *(f"who{subject_text(one)}" for one in query.subjects),
            *(f"account{one}" for one in query.accounts),
        ]
        (reply,) = await self._engine.ask(
            (
                "EVAL",
                _LOOK,
                1,
                self._key,
                newest,
                oldest,
                SCANNED_AT_ONCE,
                query.since,
                query.event or "",
                want,
                *whom,
            )
        )
        last, flat = reply[0].decode(), reply[1]
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return last and f"({last}", [(float(at), json.loads(record)) for at, record in pairs]


def _row(at: float, record: dict[str, Any]) -> list[Argument]:
    """The fields of one record; the script of `read` knows their order."""
    marks = marks_of(record)
    row: list[Argument] = ["at", at, "event", marks.event, "record", record_to_text(record)]
    if marks.issuer is not None and marks.subject is not None:
        row += ["who", subject_text(Subject(issuer=marks.issuer, subject=marks.subject))]
    if marks.account is not None:
        row += ["account", marks.account]
    return row


def _oldest_id(query: AuditQuery) -> str:
    """No record since then has an older id."""
    milliseconds = int((query.since - SKEW_SECONDS) * 1000)
    return str(milliseconds) if milliseconds > 0 else "-"


def _time(record: Any) -> float:
    return float(record[1][1])


def _leading_older(records: Sequence[Any], before: float) -> int:
    """How many of the oldest records are from before; the first that is not ends them."""
    return next((index for index, one in enumerate(records) if _time(one) >= before), len(records))

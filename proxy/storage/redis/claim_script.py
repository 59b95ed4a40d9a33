"""The script that takes a claim: the one that waits longest and may be tried, found without looking at everybody.

Entries that may be tried `later` are moved to those `waiting` once their time has come; the first that is waiting and not in
somebody's hands is claimed. Being claimed it may be tried again later: when the claim runs out. Statements come before bulk work.
Sent twice, it claims twice: the first claim runs out by itself.

KEYS: open, later:0, waiting:0, later:1, waiting:1. The script makes the keys of entry and claim itself: same hash tag, same slot.
ARGV: now, until, holder, what entry keys begin with, what claim keys begin with, and the entry's id or nothing.
Reply: the record and the claim's token, or nothing.
"""

from typing import Final

from proxy.provisioning.model import EntryState
from proxy.provisioning.outbox import Claim
from proxy.storage.redis.connecting import Command, Reply
from proxy.storage.redis.entry_text import kept_from_text
from proxy.storage.redis.outbox_keys import BULK, PLAIN, OutboxKeys, member

MOST_MOVED: Final = 1000
"""Entries moved from `later` at once: one claim must not hold the server up."""

_SCRIPT: Final = """
local now, till, holder = ARGV[1], ARGV[2], ARGV[3]

local function held_until(id)
  local claim = redis.call('HMGET', ARGV[5] .. id, 'holder', 'until')
  if claim[1] and tonumber(claim[2]) > tonumber(now) then return claim[2] end
  return false
end

local function take(id, later)
  redis.call('ZADD', KEYS[later], till, id)
  redis.call('HSET', ARGV[5] .. id, 'holder', holder, 'until', till)
  return {redis.call('GET', ARGV[4] .. id), redis.call('HINCRBY', ARGV[5] .. id, 'token', 1)}
end

local function take_named(id)
  if not redis.call('ZSCORE', KEYS[1], id) or held_until(id) then return false end
  local later = (redis.call('ZSCORE', KEYS[4], id) or redis.call('ZSCORE', KEYS[5], id)) and 4 or 2
  redis.call('ZREM', KEYS[later + 1], id)
  return take(id, later)
end

local function take_first(later)
  local waiting = later + 1
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[later], '-inf', now, 'LIMIT', 0, MOST)) do
    local since = redis.call('ZSCORE', KEYS[1], id)
    redis.call('ZREM', KEYS[later], id)
    if since then redis.call('ZADD', KEYS[waiting], since, id) end
  end
  while true do
    local id = redis.call('ZRANGE', KEYS[waiting], 0, 0)[1]
    if not id then return false end
    redis.call('ZREM', KEYS[waiting], id)
    local held = held_until(id)
    if held then
      redis.call('ZADD', KEYS[later], held, id)
    elseif redis.call('ZSCORE', KEYS[1], id) then
      return take(id, later)
    end
  end
end

if ARGV[6] ~= '' then return take_named(ARGV[6]) end
return take_first(2) or take_first(4)
""".replace("MOST", str(MOST_MOVED))


def claiming(keys: OutboxKeys, *, holder: str, now: float, until: float, entry_id: int | None) -> Command:
    """The command that takes a claim."""
    queues = (keys.later(PLAIN), keys.waiting(PLAIN), keys.later(BULK), keys.waiting(BULK))
    named = "" if entry_id is None else member(entry_id)
    return (
        "EVAL",
        _SCRIPT,
        1 + len(queues),
        keys.state(EntryState.OPEN),
        *queues,
        now,
        until,
        holder,
        keys.name("entry", ""),
        keys.name("claim", ""),
        named,
    )


def claimed(reply: Reply, *, holder: str, until: float) -> Claim | None:
    """What the server granted."""
    if reply is None:
        return None
    text, token = reply
    return Claim(entry=kept_from_text(text).entry, holder=holder, token=int(token), until=until)

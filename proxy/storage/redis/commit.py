"""The one script: compares everything that was read with what is there now, and then does all writes, or none.

KEYS: one for each guard, then one for each write.
ARGV: the number of guards; for each the count and words of its command without the key, then the count and values of the reply;
after the guards, for each write the count and words of its command without the key.

A value is written `=value`, one that is not there `-`. `ANNOUNCE` is a write of our own: it appends to a feed (a sorted set)
with the numbers that follow the last one; its arguments are what each entry says (see `change_feed.py`).
"""

import hashlib
from typing import Final

from proxy.storage.redis.connecting import Argument, Command, Reply
from proxy.storage.redis.work import Work

SCRIPT: Final = """
local at, key = 0, 0
local function take() at = at + 1 return ARGV[at] end
local function some() local list = {} for i = 1, tonumber(take()) do list[i] = take() end return list end
local function mark(value) if value == false then return '-' end return '=' .. value end

local function pairs_of(list)
  local map = {}
  for i = 1, #list, 2 do map[list[i]] = list[i + 1] end
  return map
end

local function set_of(list)
  local map = {}
  for i = 1, #list do map[list[i]] = true end
  return map
end

local function still(name, found, expected)
  if type(found) ~= 'table' then found = {found} end
  if #found ~= #expected then return false end
  for i = 1, #found do found[i] = mark(found[i]) end
  local unordered = name == 'SMEMBERS' and set_of or name == 'HGETALL' and pairs_of
  if unordered then
    found, expected = unordered(found), unordered(expected)
    for one, value in pairs(expected) do if found[one] ~= value then return false end end
    return true
  end
  for i = 1, #found do if found[i] ~= expected[i] then return false end end
  return true
end

for _ = 1, tonumber(take()) do
  key = key + 1
  local command, expected = some(), some()
  if not still(command[1], redis.call(command[1], KEYS[key], unpack(command, 2)), expected) then return 0 end
end

while key < #KEYS do
  key = key + 1
  local command = some()
  if command[1] == 'ANNOUNCE' then
    local last = redis.call('ZRANGE', KEYS[key], -1, -1, 'WITHSCORES')
    local number = tonumber(last[2] or 0)
    for i = 2, #command do
      number = number + 1
      redis.call('ZADD', KEYS[key], number, string.format('%.0f:', number) .. command[i])
    end
  else
    redis.call(command[1], KEYS[key], unpack(command, 2))
  end
end
return 1
"""

DIGEST: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


def by_digest(work: Work) -> Command:
    """The call of a script that the server is thought to hold."""
    return ("EVALSHA", DIGEST, *_arguments(work))


def in_full(work: Work) -> Command:
    """The call for a server that does not hold it: one that was restarted, or took over."""
    return ("EVAL", SCRIPT, *_arguments(work))


def _arguments(work: Work) -> list[Argument]:
    keys = [command[1] for command, _ in work.guards] + [command[1] for command in work.writes]
    words: list[Argument] = [len(work.guards)]
    for command, reply in work.guards:
        words += [*_counted(command), len(reply), *map(_marked, reply)]
    for command in work.writes:
        words += _counted(command)
    return [len(keys), *keys, *words]


def _counted(command: Command) -> list[Argument]:
    """The command without its key, after the number of its words."""
    return [len(command) - 1, command[0], *command[2:]]


def _marked(value: Reply) -> bytes:
    if value is None:
        return b"-"
    return b"=" + (value if isinstance(value, bytes) else str(value).encode())

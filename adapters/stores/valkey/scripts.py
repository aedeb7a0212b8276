"""What the server runs; each script is atomic.

Every one takes the key of an entry (PUT those of several), or of a claim, and then: the seconds
that things are kept, how many entries there may be and how many bytes, and what stands above it.
"""

from __future__ import annotations

from adapters.stores.valkey.parts import FULL, PRELUDE, RECORDS, RESPONSES, WRITES


def _script(*parts: str) -> str:
    return "".join((PRELUDE, *parts))


# New responses, one for each key: places, status, final, data, base, how many items, their ids.
PUT = _script(
    WRITES,
    RESPONSES,
    """
local at = 4
for _, each in ipairs(KEYS) do
  key = each
  local turn = next_turn()
  forget(key)
  at = write_response(at, turn, 0)
end
""",
)

# A response under way: as one of PUT, then records. Returns the data that stood final already,
# or ''.
ADVANCE = _script(
    WRITES,
    RESPONSES,
    RECORDS,
    f"""
local kept = call('HMGET', key, 'final', 'more')
if not kept[1] then
  return false
end
if kept[1] == '1' then
  return call('HGET', key, 'data')
end
local records = 10 + tonumber(ARGV[9])
local more = tonumber(kept[2]) + records_bytes(records)
if tonumber(ARGV[8]) + more > limit then
  {FULL}
end
local turn = next_turn()
drop_items(key)
add_records(records)
write_response(4, turn, more)
return ''
""",
)

# Records. Returns the status.
APPEND_RECORDS = _script(
    WRITES,
    RECORDS,
    f"""
local kept = call('HMGET', key, 'status', 'final', 'base', 'more')
if not kept[1] or kept[2] == '1' then
  return kept[1]
end
local more = tonumber(kept[4]) + records_bytes(4)
if tonumber(kept[3]) + more > limit then
  {FULL}
end
local turn = next_turn()
add_records(4)
written(turn, more)
return kept[1]
""",
)

# The number of the first one wanted. Returns the status and the records.
READ_RECORDS = _script("""
local status = call('HGET', key, 'status')
return status and {status, call('LRANGE', key .. '*records', ARGV[4], -1)}
""")

# Forgets an entry; returns whether there was one.
DELETE = _script(
    WRITES,
    """
if call('EXISTS', key) == 0 then
  return 0
end
forget(key)
return 1
""",
)

# How the keys of places begin, and items' ids. Returns the found ones, each by its id, its
# entry and itself, which is empty where it is a part of a response; then those responses, each
# by its entry and its data.
FIND = _script("""
local places = ARGV[4]
local found, bodies, seen = {}, {}, {}
for at = 5, #ARGV do
  local field, best, latest = 'i:' .. ARGV[at], nil, -1
  for _, entry in ipairs(call('SMEMBERS', places .. ARGV[at])) do
    local turn = tonumber(call('HGET', entry, 'turn') or -1)
    -- An entry may have ended and come again without the item.
    if turn > latest and call('HEXISTS', entry, field) == 1 then
      best, latest = entry, turn
    end
  end
  if best then
    local item = call('HGET', best, field)
    found[#found + 1] = {ARGV[at], best, item}
    if item == '' and not seen[best] then
      seen[best] = true
      bodies[#bodies + 1] = {best, call('HGET', best, 'data')}
    end
  end
end
return {found, bodies}
""")

# A conversation: places, data, base.
PUT_CONVERSATION = _script(
    WRITES,
    f"""
local more = number('more')
if tonumber(ARGV[6]) + more > limit then
  {FULL}
end
local turn = next_turn()
call('HSET', key, 'places', ARGV[4], 'data', ARGV[5], 'base', ARGV[6])
written(turn, more)
""",
)

# Items by id and data. Returns whether there is such a conversation.
APPEND_ITEMS = _script(
    WRITES,
    f"""
local kept = call('HMGET', key, 'places', 'base', 'more', 'next')
if not kept[1] then
  return 0
end
local more, place = tonumber(kept[3]), tonumber(kept[4] or 0)
local items = {{}}
for at = 4, #ARGV, 2 do
  local before = call('HGET', key, 'i:' .. ARGV[at])
  local own = place
  if before then
    own = string.match(before, '^%d+')
    more = more - (#before - #own - 1 + ROW)
  else
    place = place + 1
  end
  more = more + #ARGV[at + 1] + ROW
  items[#items + 1] = {{ARGV[at], own .. ':' .. ARGV[at + 1]}}
end
if tonumber(kept[2]) + more > limit then
  {FULL}
end
local turn = next_turn()
for _, item in ipairs(items) do
  call('HSET', key, 'i:' .. item[1], item[2])
  index(kept[1], item[1])
end
call('HSET', key, 'next', place)
written(turn, more)
return 1
""",
)

# An item's id. Returns 1, 0 where there is no such item, -1 where there is no conversation.
DELETE_ITEM = _script(
    WRITES,
    """
local kept = call('HMGET', key, 'places', 'more', 'i:' .. ARGV[4])
if not kept[1] then
  return -1
end
if not kept[3] then
  return 0
end
local turn = next_turn()
local size = #kept[3] - #string.match(kept[3], '^%d+') - 1 + ROW
call('HDEL', key, 'i:' .. ARGV[4])
call('SREM', kept[1] .. ARGV[4], key)
written(turn, tonumber(kept[2]) - size)
return 1
""",
)

# A value and its time. Returns the value that stands.
CLAIM = _script("""
local kept = call('GET', key)
if not kept then
  call('SET', key, ARGV[4], 'EX', ARGV[5])
end
return kept or ARGV[4]
""")

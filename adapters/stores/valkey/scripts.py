"""What the server runs; each script is atomic.

An entry is a response or a conversation: one hash, whose end is that of its time. Beside it are
the list of its records, a set of entries for each item's id (its places), and over all entries
their order (``ages``) and their sizes (``room``). What is left of an entry whose time is over
ends by itself, or is swept by later writes: entries end in the order of their last writes.

Everything carries one tag, so that a cluster keeps it on one node.
"""

from __future__ import annotations

# About what an entry and what hangs on it take beyond their data.
ENTRY_BYTES = 512
ROW_BYTES = 160

TAG = "{responses}:"

# Fields of an entry: places (how the keys of its items' places begin), status, final (1 or 0),
# data, base and more (its bytes: its own and its items' places, and those that hang on it),
# turn (that of its last write), and one for each item, `i:` and its id. Of a response those are
# empty. Of a conversation they are the item's place, a colon and the item.
_PRELUDE = f"""
local call = redis.call
local AGES, ROOM = '{TAG}ages', '{TAG}room'
local ROW, SWEEP = {ROW_BYTES}, 32
local key = KEYS[1]
local ttl, most, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
"""

# A server without memory refuses the first command that needs some, and runs those before it:
# a script that writes begins with `next_turn`, so that it is refused before it changed anything.
_WRITES = """
local function next_turn()
  return call('HINCRBY', ROOM, 'turn', 1)
end

local function number(field)
  return tonumber(call('HGET', key, field) or 0)
end

local function item_ids(entry)
  local ids = {}
  for _, field in ipairs(call('HKEYS', entry)) do
    if string.sub(field, 1, 2) == 'i:' then
      ids[#ids + 1] = string.sub(field, 3)
    end
  end
  return ids
end

local function index(places, id)
  call('SADD', places .. id, key)
  call('EXPIRE', places .. id, 2 * ttl)
end

local function drop_items(entry)
  local places = call('HGET', entry, 'places')
  for _, id in ipairs(item_ids(entry)) do
    call('SREM', places .. id, entry)
    call('HDEL', entry, 'i:' .. id)
  end
end

local function forget(entry)
  drop_items(entry)
  call('HINCRBY', ROOM, 'bytes', 0 - (call('HGET', ROOM, 'size:' .. entry) or 0))
  call('HDEL', ROOM, 'size:' .. entry)
  call('ZREM', AGES, entry)
  call('DEL', entry, entry .. '*records', entry .. '*fresh')
end

local function sweep()
  for _ = 1, SWEEP do
    local oldest = call('ZRANGE', AGES, 0, 0)[1]
    if not oldest then
      return
    end
    local size = tonumber(call('HGET', ROOM, 'bytes') or 0)
    local crowded = call('ZCARD', AGES) > most or size > limit
    if not crowded and call('EXISTS', oldest) == 1 then
      return
    end
    forget(oldest)
  end
end

-- The places of items end later than what they lead to: they are given twice its time, and
-- again where half of that is over. A key that ends in between tells so.
local function freshen()
  if call('SET', key .. '*fresh', '', 'NX', 'EX', ttl) then
    local places = call('HGET', key, 'places')
    for _, id in ipairs(item_ids(key)) do
      call('EXPIRE', places .. id, 2 * ttl)
    end
  end
end

local function written(turn, more)
  local size = number('base') + more
  local before = tonumber(call('HGET', ROOM, 'size:' .. key) or 0)
  call('HSET', key, 'turn', turn, 'more', more)
  call('EXPIRE', key, ttl)
  -- Later, so that no entry is there without its records.
  call('EXPIRE', key .. '*records', ttl + 60)
  freshen()
  call('ZADD', AGES, turn, key)
  call('HSET', ROOM, 'size:' .. key, size)
  call('HINCRBY', ROOM, 'bytes', size - before)
  call('EXPIRE', AGES, 2 * ttl)
  call('EXPIRE', ROOM, 2 * ttl)
  sweep()
end
"""

_RESPONSES = """
local places, status, final, data, base, ids = unpack(ARGV, 4, 9)
base, ids = tonumber(base), tonumber(ids)

local function write_response(turn, more)
  call('HSET', key, 'places', places, 'status', status, 'final', final, 'data', data)
  call('HSET', key, 'base', base)
  call('SET', key .. '*fresh', '', 'EX', ttl)
  for at = 10, 9 + ids do
    call('HSET', key, 'i:' .. ARGV[at], '')
    index(places, ARGV[at])
  end
  written(turn, more)
end
"""

_RECORDS = """
local function records_bytes(first)
  local size = 0
  for at = first, #ARGV do
    size = size + #ARGV[at] + ROW
  end
  return size
end

local function add_records(first)
  for at = first, #ARGV do
    call('RPUSH', key .. '*records', ARGV[at])
  end
end
"""

_FULL = "return redis.error_reply('FULL larger than all room')"


def _script(*parts: str) -> str:
    return "".join((_PRELUDE, *parts))


# A new response: places, status, final, data, base, how many items, their ids.
PUT = _script(
    _WRITES,
    _RESPONSES,
    """
local turn = next_turn()
forget(key)
write_response(turn, 0)
""",
)

# A response under way: as PUT, then records. Returns the data that stood final already, or ''.
ADVANCE = _script(
    _WRITES,
    _RESPONSES,
    _RECORDS,
    f"""
local kept = call('HMGET', key, 'final', 'more')
if not kept[1] then
  return false
end
if kept[1] == '1' then
  return call('HGET', key, 'data')
end
local more = tonumber(kept[2]) + records_bytes(10 + ids)
if base + more > limit then
  {_FULL}
end
local turn = next_turn()
drop_items(key)
add_records(10 + ids)
write_response(turn, more)
return ''
""",
)

# Records. Returns the status.
APPEND_RECORDS = _script(
    _WRITES,
    _RECORDS,
    f"""
local kept = call('HMGET', key, 'status', 'final', 'base', 'more')
if not kept[1] or kept[2] == '1' then
  return kept[1]
end
local more = tonumber(kept[4]) + records_bytes(4)
if tonumber(kept[3]) + more > limit then
  {_FULL}
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
    _WRITES,
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
    _WRITES,
    f"""
local more = number('more')
if tonumber(ARGV[6]) + more > limit then
  {_FULL}
end
local turn = next_turn()
call('HSET', key, 'places', ARGV[4], 'data', ARGV[5], 'base', ARGV[6])
written(turn, more)
""",
)

# Items by id and data. Returns whether there is such a conversation.
APPEND_ITEMS = _script(
    _WRITES,
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
  {_FULL}
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
    _WRITES,
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

"""What the scripts have in common, and how the server holds what is kept.

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
PRELUDE = f"""
local call = redis.call
local AGES, ROOM = '{TAG}ages', '{TAG}room'
local ROW, SWEEP = {ROW_BYTES}, 32
local key = KEYS[1]
local ttl, most, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
"""

# A server without memory refuses the first command that needs some, and runs those before it:
# a script that writes begins with `next_turn`, so that it is refused before it changed anything.
WRITES = """
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

RESPONSES = """
-- Of what is given from ARGV[first] on; returns where that ends.
local function write_response(first, turn, more)
  local places, status, final, data, base, ids = unpack(ARGV, first, first + 5)
  call('HSET', key, 'places', places, 'status', status, 'final', final, 'data', data)
  call('HSET', key, 'base', base)
  call('SET', key .. '*fresh', '', 'EX', ttl)
  local last = first + 5 + tonumber(ids)
  for at = first + 6, last do
    call('HSET', key, 'i:' .. ARGV[at], '')
    index(places, ARGV[at])
  end
  written(turn, more)
  return last + 1
end
"""

RECORDS = """
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

# What a script ends with where a value is larger than all room.
FULL = "return redis.error_reply('FULL larger than all room')"

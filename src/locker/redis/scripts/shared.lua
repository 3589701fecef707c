local call = redis.call
local K, Q, V, R, S = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local time = call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)

local function whole(number)
  return string.format('%.0f', number)
end

-- What the key is: its type, and its value if that is a string.
local function look()
  local kind = call('TYPE', K).ok
  if kind == 'string' then
    return kind, call('GET', K)
  end
  return kind, ''
end

-- The token and the id in a value of ours.
local function owner(value)
  local token, id = string.match(value, '^genlock:(%d+):(%x+)$')
  return token or '', id or ''
end

local function first()
  return call('ZRANGE', Q, 0, 0)[1]
end

local function lives(id)
  local till = call('ZSCORE', V, id)
  return till and tonumber(till) > now
end

local function forget(id)
  call('ZREM', Q, id)
  call('ZREM', V, id)
  call('HDEL', R, id, '!' .. id, '~' .. id)
end

-- Who stands first and is not heard of any more makes room, but not the one who asks.
local function drop_dead(asking)
  local id = first()
  while id and id ~= asking and not lives(id) do
    forget(id)
    id = first()
  end
end

-- What is beside the key goes by itself, long after the last who wrote to it.
local function keep(key, ttl)
  local time = math.max(10 * ttl, 3600000)
  if call('PTTL', key) < time then
    call('PEXPIRE', key, whole(time))
  end
end

local function keep_all(ttl)
  for i = 2, 4 do
    keep(KEYS[i], ttl)
  end
end

local function next_ticket()
  local last = tonumber(call('HGET', R, '#') or '0')
  local ticket = whole(math.max(last + 1, micros))
  call('HSET', R, '#', ticket)
  return ticket
end

-- The time to live and the record of one, as they are kept.
local function kept(id)
  local text = call('HGET', R, id) or ''
  local ttl, record = string.match(text, '^(%d+)|(.*)$')
  return tonumber(ttl or '0'), record or ''
end

-- The mode of one who waits, and whether it waits as the latest. It is kept where it is another than what
-- genlocks had that knew of none; 'o' is who waits no more, since a later one came.
local function mode_of(id)
  local mode, latest = string.match(call('HGET', R, '~' .. id) or 'x', '^(%w-)(l?)$')
  return mode, latest == 'l'
end

-- Tells one, and how many heard it. Who may not tell anybody has told it nevertheless.
local function tell(id, word)
  local heard = redis.pcall('PUBLISH', string.sub(R, 1, -2) .. id, word)
  if type(heard) == 'table' then
    return 1
  end
  return heard
end


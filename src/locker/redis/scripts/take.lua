-- How: 'try' takes the lock if it is free; 'wait' stands in the queue for it otherwise; 'stay' renews
-- what is there, and takes the lock in its turn. Each may be carried out any number of times.
local id, ttl, how, record = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]

drop_dead(id)
local kind, value = look()
local token, holder = owner(value)
if holder == id then
  redis.call('PEXPIRE', K, whole(ttl))
  keep(ttl)
  return {'held', token, redis.call('HGET', R, '!' .. id) or ''}
end

local ticket = redis.call('ZSCORE', Q, id)
if how == 'stay' and not ticket then
  return {'gone'}
end
local head = first()
if kind == 'none' and (not head or head == id) then
  ticket = ticket or next_ticket()
  give(id, ticket, ttl)
  if how ~= 'stay' then
    redis.call('HSET', R, id, whole(ttl) .. '|' .. record)
  end
  settle(id)
  keep(ttl)
  return {'held', ticket, ''}
end

local _, of_holder = kept(holder)
if how == 'try' and not ticket then
  return {'busy', kind, value, of_holder}
end
if not ticket then
  ticket = next_ticket()
  redis.call('ZADD', Q, ticket, id)
  redis.call('HSET', R, id, whole(ttl) .. '|' .. record)
end
redis.call('ZADD', V, whole(now + ttl), id)
keep(ttl)

-- When it could be its turn, if nobody says anything until then.
local rank = redis.call('ZRANK', Q, id)
local pause = redis.call('PTTL', K)
if rank > 0 then
  local before = redis.call('ZRANGE', Q, rank - 1, rank - 1)[1]
  local till = tonumber(redis.call('ZSCORE', V, before) or '0') - now
  if pause ~= -1 and till > pause then
    pause = till
  end
end
return {'waiting', ticket, rank, pause, kind, value, of_holder}

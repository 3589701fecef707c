-- How: 'try' takes the lock if it is free; 'wait' stands in the queue for it otherwise; 'stay' renews
-- what is there, and takes the lock in its turn. Each may be carried out any number of times.
local id, ttl, how, record = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local mode, latest = ARGV[5], ARGV[6] == 'latest'

drop_dead(id)
local kind, value, living = holders()
local token, holder = owner(value)

local function held(ticket, index, mark)
  keep_all(ttl)
  return {'held', ticket, mark or call('HGET', R, '!' .. id) or '', index}
end

if holder == id and mode == 'x' then
  call('PEXPIRE', K, whole(ttl))
  return held(token, '')
elseif holder == id then
  -- A genlock that knows of no modes has given it away: to this one alone.
  local index = give(id, token, ttl, mode, living)
  settle(id, mode)
  serve(living)
  return held(token, index)
end
for _, one in ipairs(living) do
  if one.id == id then
    seat(one, ttl)
    bind(living)
    return held(one.ticket, one.index)
  end
end

local ticket = call('ZSCORE', Q, id)
if latest and not ticket and mode_of(id) == 'o' then
  return {'superseded'}
elseif how == 'stay' and not ticket then
  return {'gone'}
end

-- The number of another who is one of N, and is there before this one.
local function other_limit()
  local all = modes(living)
  for _, other in ipairs(call('ZRANGE', Q, 0, -1)) do
    all[#all + 1] = lives(other) and mode_of(other) or 'x'
  end
  for _, other in ipairs(all) do
    if tonumber(other) and other ~= mode then
      return other
    end
  end
end

local other = tonumber(mode) and not ticket and other_limit()
if other then
  return {'other', other}
end

-- Those who wait as the latest, and are not any more.
if latest and how == 'wait' and not ticket then
  local gone = false
  for _, older in ipairs(call('ZRANGE', Q, 0, -1)) do
    local _, too = mode_of(older)
    if too then
      forget(older)
      call('HSET', R, '~' .. older, 'o')
      tell(older, 'superseded')
      gone = true
    end
  end
  if gone then
    pass_on()
    kind, value, living = holders()
  end
end

local head = first()
local is_open = kind == 'none' or value == SET
if is_open and (not head or head == id) and may_hold(mode, modes(living)) then
  ticket = ticket or next_ticket()
  local index = give(id, ticket, ttl, mode, living)
  if how ~= 'stay' then
    call('HSET', R, id, whole(ttl) .. '|' .. record)
  end
  settle(id, mode)
  if mode ~= 'x' then
    serve(living)
  end
  return held(ticket, index, '')
end

-- Of several the first stands for all.
if living[1] then
  holder, value = living[1].id, 'genlock:' .. living[1].ticket .. ':' .. living[1].id
end
local _, of_holder = kept(holder)
if how == 'try' and not ticket then
  return {'busy', kind, value, of_holder}
end
if not ticket then
  ticket = next_ticket()
  call('ZADD', Q, ticket, id)
  call('HSET', R, id, whole(ttl) .. '|' .. record)
  local kept_mode = mode .. (latest and 'l' or '')
  if kept_mode ~= 'x' then
    call('HSET', R, '~' .. id, kept_mode)
  end
end
call('ZADD', V, whole(now + ttl), id)
keep_all(ttl)

-- When it could be its turn, if nobody says anything until then.
local rank = call('ZRANK', Q, id)
local pause = call('PTTL', K)
if living[1] and living[1].mode == mode then
  for _, one in ipairs(living) do
    pause = math.min(pause, one.till - now)
  end
end
if rank > 0 then
  local before = call('ZRANGE', Q, rank - 1, rank - 1)[1]
  local till = tonumber(call('ZSCORE', V, before) or '0') - now
  if pause ~= -1 and till > pause then
    pause = till
  end
end
local count = math.max(#living, kind == 'none' and 0 or 1)
return {'waiting', ticket, rank, pause, kind, value, of_holder, count}

-- Those who hold the lock together: then it is this that stands under the key, which lasts as long as the
-- last of them. So for others, and for genlocks that know of no modes, it is somebody's lock.
local SET = 'genlock:set'

-- All that are kept, of whom some may be dead; first come first. Without that value under the key it is of
-- no account.
local function members()
  local found = {}
  local all = call('HGETALL', S)
  for i = 1, #all, 2 do
    local ticket, till, index, mode = string.match(all[i + 1], '^(%d+):(%d+):(%d*):(%w+)$')
    found[#found + 1] = {id = all[i], ticket = ticket, till = tonumber(till), index = index, mode = mode}
  end
  table.sort(found, function(one, other) return tonumber(one.ticket) < tonumber(other.ticket) end)
  return found
end

-- What the key is, as look() gives it, and those who hold it together. Who of them has run out is removed.
local function holders()
  local kind, value = look()
  local living = {}
  if value ~= SET then
    return kind, value, living
  end
  for _, one in ipairs(members()) do
    if one.till > now then
      living[#living + 1] = one
    else
      call('HDEL', S, one.id)
      forget(one.id)
    end
  end
  if #living == 0 then
    call('DEL', K)
    return 'none', '', living
  end
  return kind, value, living
end

local function modes(living)
  local all = {}
  for i, one in ipairs(living) do
    all[i] = one.mode
  end
  return all
end

-- Keeps one of them, from now on for so long.
local function seat(one, ttl)
  -- The time that is over counts in whole milliseconds.
  one.till = now + ttl + 1
  call('HSET', S, one.id, one.ticket .. ':' .. whole(one.till) .. ':' .. one.index .. ':' .. one.mode)
  keep(S, ttl)
end

-- The key lasts as long as the last of them; it is free without any.
local function bind(living)
  local last = 0
  for _, one in ipairs(living) do
    last = math.max(last, one.till)
  end
  if last > now then
    call('SET', K, SET, 'PX', whole(last - now))
  else
    call('DEL', K)
  end
end

-- One of them is none any more. Whether it was.
local function unseat(id, living)
  for i, one in ipairs(living) do
    if one.id == id then
      table.remove(living, i)
      call('HDEL', S, id)
      bind(living)
      return true
    end
  end
  return false
end

-- Nothing is left of those who held it together once, but for this one.
local function clear_members(id)
  for _, one in ipairs(members()) do
    if one.id ~= id then
      forget(one.id)
    end
  end
  call('DEL', S)
end

-- The lowest number that none of them has.
local function free_index(living)
  local taken = {}
  for _, one in ipairs(living) do
    taken[one.index] = true
  end
  local index = 0
  while taken[whole(index)] do
    index = index + 1
  end
  return whole(index)
end

-- Gives the lock to one, beside those who hold it. Gives which of N holders it is.
local function give(id, ticket, ttl, mode, living)
  if mode == 'x' then
    call('SET', K, 'genlock:' .. ticket .. ':' .. id, 'PX', whole(ttl))
    return ''
  end
  if #living == 0 then
    clear_members(id)
  end
  local index = tonumber(mode) and free_index(living) or ''
  local one = {id = id, ticket = ticket, index = index, mode = mode}
  seat(one, ttl)
  living[#living + 1] = one
  bind(living)
  return index
end

-- It holds the lock: it waits no more, and whoever held before has left nothing.
local function settle(id, mode)
  local before = call('HGET', R, '@')
  local holder = mode == 'x' and id or 'set'
  if before == 'set' and holder ~= before then
    clear_members(id)
  elseif before and before ~= holder and before ~= id then
    call('HDEL', R, before, '!' .. before, '~' .. before)
  end
  call('HSET', R, '@', holder)
  call('ZREM', Q, id)
  call('ZREM', V, id)
end

-- Those who are next, live, and hear it, hold the lock: as many as may beside those who hold it.
local function serve(living)
  local given = false
  local id = first()
  while id do
    local ttl = kept(id)
    if lives(id) and ttl > 0 then
      local mode = mode_of(id)
      if not may_hold(mode, modes(living)) then
        break
      end
      local ticket = call('ZSCORE', Q, id)
      give(id, ticket, ttl, mode, living)
      if tell(id, 'held ' .. ticket) > 0 then
        settle(id, mode)
        given = true
        if mode == 'x' then
          break
        end
      else
        if not unseat(id, living) then
          call('DEL', K)
        end
        forget(id)
      end
    else
      forget(id)
    end
    id = first()
  end
  local head = given and first()
  if head then
    tell(head, 'first')
  end
end

-- The lock goes on, where it is free or held by several.
local function pass_on()
  local kind, value, living = holders()
  if kind == 'none' or value == SET then
    serve(living)
  end
end

-- One leaves, wherever it stands.
local function leave(id)
  local kind, value, living = holders()
  local _, holder = owner(value)
  if holder == id then
    call('DEL', K)
  else
    unseat(id, living)
  end
  forget(id)
  local before = call('HGET', R, '@')
  if before == 'set' and #living == 0 then
    clear_members(id)
    before = id
  end
  if before == id then
    call('HDEL', R, '@')
  end
  if kind == 'none' or holder == id or value == SET then
    serve(living)
  end
end

-- Who holds the lock by this ticket, alone or with others; what it is among these; and all of them.
local function holder_of(ticket)
  local _, value, living = holders()
  for _, one in ipairs(living) do
    if one.ticket == ticket then
      return one.id, one, living
    end
  end
  local token, holder = owner(value)
  return token == ticket and holder, nil, living
end

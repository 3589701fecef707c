-- The marks of a key, each with until when it is kept, its number in the order in which they were set, and
-- what it says.
local M, how, name = KEYS[6], ARGV[1], ARGV[2]

local function parts(kept)
  local ends, nth, mark = string.match(kept or '', '^(%d+)|(%d+)|(.*)$')
  return tonumber(ends or '0'), tonumber(nth or '0'), mark
end

if how == 'one' then
  local ends, _, mark = parts(call('HGET', M, name))
  return ends > now and mark or ''
end

local last, newest, longest, count = 0, '', 0, 0
local all = call('HGETALL', M)
for i = 1, #all, 2 do
  local ends, nth, mark = parts(all[i + 1])
  if ends > now then
    count = count + 1
    longest = math.max(longest, ends)
    if nth > last then
      last, newest = nth, mark
    end
  elseif how == 'set' then
    call('HDEL', M, all[i])
  end
end

if how == 'last' then
  return newest
elseif how == 'forget' then
  local ends = parts(call('HGET', M, name))
  call('HDEL', M, name)
  return ends > now and 1 or 0
elseif how == 'forget all' then
  call('DEL', M)
  return count
end

-- Only under the lock that this one holds with this token.
local id, ticket, time, mark = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
if holder_of(ticket) ~= id then
  return 0
end
call('HSET', M, name, whole(now + time) .. '|' .. whole(math.max(last + 1, micros)) .. '|' .. mark)
call('PEXPIRE', M, whole(math.max(longest - now, time)))
return 1

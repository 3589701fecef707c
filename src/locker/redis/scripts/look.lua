-- The holder, and who waits and is heard of: each id, ticket, until when it counts as alive, and what it
-- is kept with. Without 'all' only the holder's.
local all = ARGV[1] == 'all'
local kind, value = look()
local _, holder = owner(value)
local found = {kind, value, redis.call('PTTL', K), whole(now),
  redis.call('HGET', R, holder) or '', redis.call('HGET', R, '!' .. holder) or ''}
local queue = redis.call('ZRANGE', Q, 0, -1, 'WITHSCORES')
for i = 1, #queue, 2 do
  local till = redis.call('ZSCORE', V, queue[i])
  if till and tonumber(till) > now then
    local text = ''
    if all or (kind == 'none' and #found == 6) then
      text = redis.call('HGET', R, queue[i]) or ''
    end
    found[#found + 1] = {queue[i], queue[i + 1], till, text}
  end
end
return found

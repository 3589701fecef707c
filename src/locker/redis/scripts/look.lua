-- The holder, then those who hold together, each with when it runs out, what it is kept with, its index and
-- an operator's word; and who waits and is heard of: each id, ticket, until when it counts as alive, and
-- what it is kept with. Without 'all' only of those who hold.
local all = ARGV[1] == 'all'
local kind, value = look()
local living = {}
if value == SET then
  for _, one in ipairs(members()) do
    if one.till > now then
      living[#living + 1] = one
    end
  end
  if #living == 0 then
    kind, value = 'none', ''
  end
end
local _, holder = owner(value)
local found = {kind, value, call('PTTL', K), whole(now),
  call('HGET', R, holder) or '', call('HGET', R, '!' .. holder) or ''}
for _, one in ipairs(living) do
  found[#found + 1] = {one.id, one.ticket, whole(one.till), call('HGET', R, one.id) or '',
    one.index, call('HGET', R, '!' .. one.id) or ''}
end
local queue = call('ZRANGE', Q, 0, -1, 'WITHSCORES')
for i = 1, #queue, 2 do
  local till = call('ZSCORE', V, queue[i])
  if till and tonumber(till) > now then
    local text = ''
    if all or (kind == 'none' and #found == 6) then
      text = call('HGET', R, queue[i]) or ''
    end
    found[#found + 1] = {queue[i], queue[i + 1], till, text}
  end
end
return found

-- The lock stays held for a time, by nobody: who held it renews and releases it no more. Then its id is 0,
-- or 0 and the ticket behind where several hold.
local id, ticket, rest, till = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local holder, own, living = holder_of(ticket)
local nobody = own and '0' .. ticket or '0'
if holder == nobody then
  return 1
end
if holder ~= id or call('HGET', R, '!' .. id) then
  return 0
end
local _, record = kept(id)
if string.sub(record, -1) == '}' then
  record = string.sub(record, 1, -2) .. ',"min_hold_ends_at":"' .. till .. '"}'
end
forget(id)
call('HSET', R, nobody, whole(rest) .. '|' .. record)
if own then
  call('HDEL', S, id)
  own.id = nobody
  seat(own, rest)
  bind(living)
else
  call('SET', K, 'genlock:' .. ticket .. ':0', 'PX', whole(rest))
  call('HSET', R, '@', '0')
end
keep_all(rest)
return 1

-- The lock stays held for a time, and 0 is the id of nobody: who held it renews and releases it no more.
local id, ticket, rest, till = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local _, value = look()
local token, holder = owner(value)
if holder == '0' and token == ticket then
  return 1
end
if holder ~= id or token ~= ticket or redis.call('HGET', R, '!' .. id) then
  return 0
end
local _, record = kept(id)
if string.sub(record, -1) == '}' then
  record = string.sub(record, 1, -2) .. ',"min_hold_ends_at":"' .. till .. '"}'
end
redis.call('SET', K, 'genlock:' .. token .. ':0', 'PX', whole(rest))
forget(id)
redis.call('HSET', R, '0', whole(rest) .. '|' .. record)
redis.call('HSET', R, '@', '0')
keep(rest)
return 1

-- The one with this token is told to let go, or removed.
local token, mark, force = ARGV[1], ARGV[2], ARGV[3] == '1'
local holder = holder_of(token)
if holder then
  -- Nobody is there who would be told.
  if force or string.sub(holder, 1, 1) == '0' and string.len(holder) < 32 then
    leave(holder)
    return 'removed'
  end
  call('HSET', R, '!' .. holder, mark)
  -- A write, which its holder hears of.
  call('PEXPIRE', K, math.max(1, call('PTTL', K)))
  return 'told'
end
for _, id in ipairs(call('ZRANGEBYSCORE', Q, token, token)) do
  forget(id)
  tell(id, 'gone')
  pass_on()
  return 'removed'
end
return 'nobody'

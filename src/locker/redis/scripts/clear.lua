-- Removes the waiters that have been silent for half of their time.
local gone = {}
for _, id in ipairs(call('ZRANGE', Q, 0, -1)) do
  local ttl = kept(id)
  local till = tonumber(call('ZSCORE', V, id) or '0')
  if till < now + ttl / 2 then
    gone[#gone + 1] = {id, call('ZSCORE', Q, id), whole(till), call('HGET', R, id) or ''}
    forget(id)
    tell(id, 'gone')
  end
end
if #gone > 0 then
  pass_on()
end
return gone

-- What of all that a run asks for is refused, and why. Nothing is changed: what would change something
-- is asked for in a form that Redis refuses, after it has looked at the rights, or of what is not there.
local K, Q, V, R, _, nobody = unpack(KEYS)
local asked = {
  {'GET', K}, {'TYPE', K}, {'PTTL', K}, {'PEXPIRE', K, 'x'}, {'SET', K, '', 'NX', 'XX'}, {'DEL', nobody},
  {'ZADD', Q, 'x', '0'}, {'ZREM', Q, '0'}, {'ZSCORE', Q, '0'}, {'ZRANK', Q, '0'},
  {'ZRANGE', Q, 0, 0}, {'ZRANGEBYSCORE', Q, 0, 0}, {'ZREM', V, '0'},
  {'HGET', R, '0'}, {'HSET', R, '0', '0', '0'}, {'HDEL', R, nobody},
  {'HGETALL', nobody}, {'ZCOUNT', Q, 0, 0}, {'ZREMRANGEBYSCORE', Q, 'x', 'x'},
  {'TIME'}, {'PUBLISH', nobody, ''},
}
local refused = {}
for _, command in ipairs(asked) do
  local answer = redis.pcall(unpack(command))
  local why = type(answer) == 'table' and answer.err
  -- As Redis 7.2 says it, or those before.
  if why and (string.find(why, 'NOPERM', 1, true) or string.find(why, 'The user executing', 1, true)) then
    refused[#refused + 1] = {string.lower(command[1]), why}
  end
end
return refused

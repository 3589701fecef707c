-- Writes down that a run has begun, unless its end was written before, and gives the tokens of those that
-- are too many. KEYS: the runs, by token. ARGV: the token, the run, how many are kept, for how long.
local H, token, run, keep, kept = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
if redis.call('ZCOUNT', H, token, token) == 0 then
  redis.call('ZADD', H, token, run)
end
redis.call('PEXPIRE', H, kept)
local many = redis.call('ZRANGE', H, 0, -1 - keep, 'WITHSCORES')
local tokens = {}
for i = 2, #many, 2 do
  tokens[#tokens + 1] = string.format('%.0f', many[i])
end
return tokens

-- Writes down how a run ended, in place of its beginning, and removes those up to a token. KEYS: the runs,
-- by token. ARGV: the token, the run, up to which token, for how long all is kept.
local H, token, run, last, kept = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('ZREMRANGEBYSCORE', H, token, token)
redis.call('ZADD', H, token, run)
if last ~= '' then
  redis.call('ZREMRANGEBYSCORE', H, '-inf', last)
end
redis.call('PEXPIRE', H, kept)
return redis.status_reply('OK')

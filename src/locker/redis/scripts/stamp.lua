-- What a holder says of itself, as long as it is the holder.
local _, value = look()
local _, holder = owner(value)
if holder == ARGV[1] then
  redis.call('HSET', R, holder, ARGV[2])
end
return 1

-- What a holder says of itself, as long as it is the holder.
local id, ticket, kept = ARGV[1], ARGV[2], ARGV[3]
if holder_of(ticket) == id then
  call('HSET', R, id, kept)
end
return 1

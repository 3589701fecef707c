-- What a holder says of itself, as long as it is the holder.
if holds(ARGV[1]) then
  call('HSET', R, ARGV[1], ARGV[2])
end
return 1

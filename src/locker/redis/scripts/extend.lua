-- A lock that stays held although its holder is gone, held for another while. ARGV: the ticket, for how long,
-- and until when that is.
local ticket, rest, till = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local holder, own, living = holder_of(ticket)
local nobody = own and '0' .. ticket or '0'
if holder ~= nobody then
  return 0
end
local _, record = kept(nobody)
local said = '"min_hold_ends_at":"'
record = string.gsub(record, said .. '[^"]*"', said .. till .. '"')
call('HSET', R, nobody, whole(rest) .. '|' .. record)
if own then
  seat(own, rest)
  bind(living)
else
  call('PEXPIRE', K, whole(rest))
end
keep_all(rest)
return 1

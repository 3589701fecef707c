-- A lock that stays held although its holder is gone, held for another while. ARGV: the ticket, for how long,
-- and until when that is.
local ticket, rest, till = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local _, value, living = holders()
local token, holder = owner(value)
local nobody, own = '0', nil
for _, one in ipairs(living) do
  if one.ticket == ticket then
    nobody, own = '0' .. ticket, one
    token, holder = ticket, one.id
  end
end
if holder ~= nobody or token ~= ticket then
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

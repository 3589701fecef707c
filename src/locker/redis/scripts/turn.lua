-- A mode is 'x' for exclusive, 's' for shared, and N for one of N holders.

-- Whether one of this mode may hold the lock too, by the modes of all who hold it and came before:
-- Mode::may_hold.
local function may_hold(mode, ahead)
  local limit = tonumber(mode)
  if (mode == 'x' and #ahead > 0) or (limit and #ahead >= limit) then
    return false
  end
  for _, other in ipairs(ahead) do
    if other ~= mode then
      return false
    end
  end
  return true
end

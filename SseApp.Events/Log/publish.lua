-- Appends events, each on its own: one that fails does not stop the others.
-- Keys: for each event its topic's counter (hash) and log (list), and its idempotency record if it has one.
-- Arguments: new epoch, idempotency window ms; then for each event channel, published at and key of the event, block,
-- entries to keep, expiry ms, whether the expiry is due ('1'), whether it has an idempotency record ('1'), epoch and
-- offset of the newest event that the publisher knows to be stored.
-- Answer: for each event its offset if it is of the known epoch; else epoch, offset and 1 for a repeated event; or '!' and an error.
-- Only commands that Redis >= 6.2, Valkey and Garnet share.
local keys, args, call, format = KEYS, ARGV, redis.call, string.format

-- %.0f because Lua's own conversion of a number turns large ones into 1e+15.
local function text(number) return format('%.0f', number) end

local function append(k, a)
  local counter, log = keys[k], keys[k + 1]
  if args[a + 6] == '1' then
    local first = call('GET', keys[k + 2])
    if first then return first .. ' 1' end
  end

  local newest = call('HMGET', counter, 'epoch', 'offset', 'published')
  local epoch = newest[1]
  local offset = epoch and tonumber(newest[2]) + 1
  local published = string.match(args[a + 1], '^%d+')
  local previous = newest[3] or '0'
  local due = args[a + 5] == '1'
  -- A server that restarted, or a replica that was promoted, without its newest events would give their offsets to other
  -- events, and subscribers would take those for events they have. Such a log ends here.
  if not epoch or (epoch == args[a + 7] and offset <= tonumber(args[a + 8])) then
    epoch = args[1]
    offset = 1
    previous = '0'
    due = true
    call('HSET', counter, 'epoch', epoch, 'offset', '1', 'published', published)
    call('DEL', log)
  else
    call('HSET', counter, 'offset', text(offset), 'published', published)
  end

  local position = epoch .. ' ' .. text(offset)
  -- Each event names the one before it: whoever has an event that the server lost sees that the next one follows another.
  local message = '2 ' .. position .. ' ' .. previous .. ' ' .. args[a + 1] .. '\n' .. args[a + 2]

  local length = call('RPUSH', log, message)
  local limit = tonumber(args[a + 3])
  -- Not at each event: readers leave out what is too much.
  if length > limit + limit / 8 then call('LTRIM', log, '-' .. args[a + 3], '-1') end
  -- A server may have evicted the log alone.
  if due or length == 1 then
    call('PEXPIRE', counter, args[a + 4])
    call('PEXPIRE', log, args[a + 4])
  end
  if args[a + 6] == '1' then call('SET', keys[k + 2], position, 'PX', args[2]) end
  call('PUBLISH', args[a], message)
  return epoch == args[a + 7] and offset or position .. ' 0'
end

local answer = {}
local k = 1
for a = 3, #args, 9 do
  local stored, result = pcall(append, k, a)
  if not stored then
    result = '!' .. (type(result) == 'table' and result.err or tostring(result))
  end
  answer[#answer + 1] = result
  k = k + (args[a + 6] == '1' and 3 or 2)
end
return answer

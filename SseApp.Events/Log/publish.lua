-- One publish. Keys: topic's counter (hash), topic's log (list), idempotency record.
-- Arguments: new epoch, published at and key of the event, block, entries to keep, idle ms, idempotency window ms (0 = no key), channel,
-- epoch and offset of the newest event that the publisher knows to be stored.
-- Only commands that Redis >= 6.2, Valkey and Garnet share.
if ARGV[6] ~= '0' then
  local first = redis.call('GET', KEYS[3])
  if first then return first .. ' 1' end
end

local epoch = redis.call('HGET', KEYS[1], 'epoch')
local offset = redis.call('HINCRBY', KEYS[1], 'offset', 1)
-- A server that came back, or a replica that was promoted, without its newest events would give their offsets to other
-- events, and subscribers would take those for events they have. Such a log ends here.
if not epoch or (epoch == ARGV[8] and offset <= tonumber(ARGV[9])) then
  epoch = ARGV[1]
  offset = 1
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'offset', '1')
  redis.call('DEL', KEYS[2])
end

-- %.0f because Lua's own conversion of a number turns large ones into 1e+15.
local position = epoch .. ' ' .. string.format('%.0f', offset)
local message = '1 ' .. position .. ' ' .. ARGV[2] .. '\n' .. ARGV[3]

redis.call('RPUSH', KEYS[2], message)
redis.call('LTRIM', KEYS[2], '-' .. ARGV[4], '-1')
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
if ARGV[6] ~= '0' then redis.call('SET', KEYS[3], position, 'PX', ARGV[6]) end
redis.call('PUBLISH', ARGV[7], message)
return position .. ' 0'

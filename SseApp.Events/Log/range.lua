-- What the log holds. Keys: topic's counter (hash), topic's log (list). Argument: entries to keep, of which there may be
-- more. Answer: epoch, last offset, number of entries.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return '0 0 0' end
local count = math.min(redis.call('LLEN', KEYS[2]), tonumber(ARGV[1]))
return epoch .. ' ' .. redis.call('HGET', KEYS[1], 'offset') .. ' ' .. string.format('%.0f', count)

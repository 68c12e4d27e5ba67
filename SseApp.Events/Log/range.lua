-- What the log holds. Keys: topic's counter (hash), topic's log (list). Answer: epoch, last offset, number of entries.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return '0 0 0' end
return epoch .. ' ' .. redis.call('HGET', KEYS[1], 'offset') .. ' ' .. string.format('%.0f', redis.call('LLEN', KEYS[2]))

-- What the log holds. Keys: topic's counter (hash), topic's log (list). Argument: entries to keep, of which there may be
-- more. Answer: epoch, last offset, when that event was published, number of entries.
local newest = redis.call('HMGET', KEYS[1], 'epoch', 'offset', 'published')
if not newest[1] then return '0 0 0 0' end
local count = math.min(redis.call('LLEN', KEYS[2]), tonumber(ARGV[1]))
return newest[1] .. ' ' .. newest[2] .. ' ' .. (newest[3] or '0') .. ' ' .. string.format('%.0f', count)

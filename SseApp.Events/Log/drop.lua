-- Drops a log, for good or because it lost events that somebody has seen. Keys: topic's counter (hash), topic's log (list).
-- Arguments: channel, announcement, the epoch that the log must have ('' = any).
-- Answer: the log's epoch, or '!' for something else in its place; '0' if there was nothing.
local epoch = redis.pcall('HGET', KEYS[1], 'epoch')
if type(epoch) == 'table' then
  if not string.find(epoch.err, 'WRONGTYPE', 1, true) then return epoch end
  epoch = '!'
end
if not epoch or (ARGV[3] ~= '' and epoch ~= ARGV[3]) then return '0' end
redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2])
-- Whoever may not announce it has dropped it all the same; replicas find out when they look at the counter.
redis.pcall('PUBLISH', ARGV[1], ARGV[2])
return epoch

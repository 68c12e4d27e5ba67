-- Notes up to where the archive has a log, so that trimming may go so far. Keys: topic's counter (hash), topic's log (list).
-- Arguments: epoch, offset, '1' to let all entries go if the archive has them.
-- Answer: 1, or 0 when the log is another one by now.
local counter = redis.pcall('HMGET', KEYS[1], 'epoch', 'offset')
if counter.err or counter[1] ~= ARGV[1] or not tonumber(counter[2] or '') then return 0 end
redis.call('HSET', KEYS[1], 'archived', ARGV[2])
if ARGV[3] == '1' and tonumber(ARGV[2]) >= tonumber(counter[2]) then
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'size', '0 0')
end
return 1

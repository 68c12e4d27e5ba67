-- Takes data and key of the events with a key, and leaves their headers, so that no offset is missing.
-- Keys: topic's counter (hash), topic's log (list). Arguments: first offset to look at, how many, the key, channel, announcement.
-- Answer: epoch, last offset, the offset to go on from, how many were erased. The epoch is '0' when there is no log.
local counter = redis.call('HMGET', KEYS[1], 'epoch', 'offset', 'size')
if not counter[1] or not tonumber(counter[2] or '') then return { '0', '0', '0', '0' } end
local last = tonumber(counter[2])
local length = redis.call('LLEN', KEYS[2])
local first = math.max(tonumber(ARGV[1]), last - length + 1)
local stop = math.min(first + tonumber(ARGV[2]) - 1, last)
local erased, freed = 0, 0
if first <= stop then
  local index = first - (last - length + 1)
  for i, entry in ipairs(redis.call('LRANGE', KEYS[2], string.format('%.0f', index), string.format('%.0f', index + stop - first))) do
    local header, key = string.match(string.match(entry, '^[^\n]*'), '^(2 %x+ %d+ %d+ %d+) (.*)$')
    if key == ARGV[3] then
      local rest = header .. '\n'
      redis.call('LSET', KEYS[2], string.format('%.0f', index + i - 1), rest)
      erased = erased + 1
      freed = freed + #entry - #rest
    end
  end
end
if erased > 0 then
  local bytes, entries = string.match(counter[3] or '', '^(%d+) (%d+)$')
  if bytes then redis.call('HSET', KEYS[1], 'size', string.format('%.0f %s', math.max(tonumber(bytes) - freed, 0), entries)) end
  redis.pcall('PUBLISH', ARGV[4], ARGV[5])
end
return { counter[1], counter[2], string.format('%.0f', stop + 1), tostring(erased) }

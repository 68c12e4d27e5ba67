-- Events after an offset, and what the log holds, as of one moment. Keys: topic's counter (hash), topic's log (list).
-- Arguments: offset, most events, most bytes (one event always fits), entries to keep, of which there may be more, the
-- most bytes that an entry can have: what has more is none, and is not sent.
-- Answer: epoch, last offset, when that event was published, number of entries in the log, and then the entries. The epoch is
-- '!' when the counter is none of ours, and that is as if there were no log: the next publish begins a new one. The number is
-- '!' when the log is none of ours, and that is as if it had been evicted.
local counter = redis.pcall('HMGET', KEYS[1], 'epoch', 'offset', 'published')
if counter.err then
  if not string.find(counter.err, 'WRONGTYPE', 1, true) then return counter end
  return { '!', '0', '0', '0' }
end
if not counter[1] then return { '0', '0', '0', '0' } end
if not tonumber(counter[2] or '') then return { '!', '0', '0', '0' } end

local length = redis.pcall('LLEN', KEYS[2])
if type(length) == 'table' then
  if not string.find(length.err, 'WRONGTYPE', 1, true) then return length end
  return { counter[1], counter[2], counter[3] or '0', '!' }
end
-- No offset is below 1: what lies before it somebody else has put there.
local first = math.max(length - tonumber(ARGV[4]), length - tonumber(counter[2]), 0)
local answer = { counter[1], counter[2], counter[3] or '0', string.format('%.0f', length - first) }
-- The list is contiguous, so an offset's index follows from the last one's.
local index = math.max(tonumber(ARGV[1]) - tonumber(counter[2]) + length, first)
local stop = math.min(index + tonumber(ARGV[2]), length)
local room, longest = tonumber(ARGV[3]), tonumber(ARGV[5])
-- In slices, because the bytes are known only afterwards: a small one first, then of as many as fit if they are like the largest so far.
-- Lua hashes each byte that it is handed. 32 entries of 60 kB, of which one fits, would keep all others waiting.
local slice_length, largest = 2, 1
while index < stop do
  local last = math.min(index + math.min(slice_length, math.floor(math.max(room, 0) / largest) + 1), stop) - 1
  local slice = redis.call('LRANGE', KEYS[2], string.format('%.0f', index), string.format('%.0f', last))
  for _, entry in ipairs(slice) do
    if #entry > longest then entry = '' end
    if #answer > 4 and #entry > room then return answer end
    room = room - #entry
    answer[#answer + 1] = entry
    largest = math.max(largest, #entry)
  end
  index = last + 1
  slice_length = math.min(slice_length * 4, 32)
end
return answer

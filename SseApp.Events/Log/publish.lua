-- Appends events, each on its own: one that fails does not stop the others.
-- Keys: for each event its topic's counter (hash) and log (list), and its idempotency record if it has one.
-- Arguments: new epoch, idempotency window ms; then for each event channel, published at and key of the event, block,
-- entries and bytes to keep (bytes '0': any number), expiry ms, whether the expiry is due ('1'), whether it has an
-- idempotency record ('1'), epoch and offset of the newest event that the publisher knows to be stored, and for a topic that is
-- archived the entries and bytes to keep at most while the archive has not got them ('0': it is not archived).
-- Answer: for each event its offset if it is of the known epoch; else epoch, offset and 1 for a repeated event, 2 for one in
-- whose keys something was that only somebody else can have written, and that gave way to it, else 0; or '!' and an error.
-- Only commands that Redis >= 6.2, Valkey and Garnet share.
local keys, args, call, try, format, match = KEYS, ARGV, redis.call, redis.pcall, string.format, string.match

-- %.0f because Lua's own conversion of a number turns large ones into 1e+15.
local function text(number) return format('%.0f', number) end

-- The counter's field 'size' has the bytes of the log and the number of entries that they are of.
local function parse(size)
  local bytes, entries = match(size or '', '^(%d+) (%d+)$')
  return tonumber(bytes or 0), tonumber(entries or 0)
end

-- For a log in which somebody wrote who does not count, such as an earlier version: what is not counted yet is read.
local function count(log, length, size)
  local bytes, entries = parse(size)
  if entries > length then bytes, entries = 0, 0 end
  while entries < length do
    local slice = call('LRANGE', log, text(entries), text(math.min(entries + 128, length) - 1))
    if #slice == 0 then break end
    for _, entry in ipairs(slice) do bytes = bytes + #entry end
    entries = entries + #slice
  end
  return bytes
end

-- The offset of a position that this script can have made, else false. Numbers are exact up to the offset that comes after it.
local function known(epoch, digits)
  local offset = match(digits or '', '^%d+$') and tonumber(digits)
  return offset and offset >= 1 and offset < 9007199254740990
    and #epoch == 16 and match(epoch, '^%x+$') and epoch ~= '0000000000000000' and offset
end

-- A key of another type.
local function strange(answer)
  if type(answer) ~= 'table' or not answer.err then return false end
  if not string.find(answer.err, 'WRONGTYPE', 1, true) then error(answer.err, 0) end
  return true
end

-- The position of the event at hand once it is in its log: from there on it is stored, whatever fails.
local stored = false

local function append(k, a)
  local counter, log = keys[k], keys[k + 1]
  local foreign = false
  if args[a + 7] == '1' then
    local first = try('GET', keys[k + 2])
    foreign = strange(first)
    if first and not foreign then
      local life, number = match(first, '^(%x+) (%d+)$')
      if life and known(life, number) then return first .. ' 1' end
      foreign = true
    end
    -- To Garnet's scripts a GET of another type finds nothing.
    if not first and call('EXISTS', keys[k + 2]) == 1 then foreign = true end
  end

  -- A counter of another type is an error: it may be another program's own.
  local newest = call('HMGET', counter, 'epoch', 'offset', 'published', 'size', 'archived')
  local epoch = newest[1]
  local offset = epoch and known(epoch, newest[2])
  -- No counter of ours, which begins at 1 and whose numbers are exact; nobody can read what was stored after it.
  if epoch and not offset then
    foreign = true
    epoch = false
  end
  offset = epoch and offset + 1
  local published = match(args[a + 1], '^%d+')
  local previous = newest[3] or '0'
  local size = newest[4]
  local archived = match(newest[5] or '', '^%d+$') and tonumber(newest[5]) or 0
  -- No time of this age.
  if not match(previous, '^%d+$') or #previous > 17 then
    foreign = true
    previous = '0'
  end
  local due = args[a + 6] == '1'
  -- A server that restarted, or a replica that was promoted, without its newest events would give their offsets to other
  -- events, and subscribers would take those for events they have. Such a log ends here.
  if not epoch or (epoch == args[a + 8] and offset <= tonumber(args[a + 9])) then
    epoch = args[1]
    offset = 1
    previous = '0'
    size = false
    due = true
    archived = 0
  end

  local position = epoch .. ' ' .. text(offset)
  -- Each event names the one before it: whoever has an event that the server lost sees that the next one follows another.
  local message = '2 ' .. position .. ' ' .. previous .. ' ' .. args[a + 1] .. '\n' .. args[a + 2]
  local bytes, entries = parse(size)
  bytes = bytes + #message
  call('HSET', counter, 'epoch', epoch, 'offset', text(offset), 'published', published, 'size', text(bytes) .. ' ' .. text(entries + 1))
  -- After the first command that a full server refuses: after any other Redis would let all of them pass.
  if offset == 1 then
    call('DEL', log)
    if newest[5] then call('HDEL', counter, 'archived') end
  end

  local length = try('RPUSH', log, message)
  if strange(length) then
    foreign = true
    call('DEL', log)
    length = call('RPUSH', log, message)
  end
  stored = position
  -- First of what comes after it: without its record a repetition would store it twice. What a user of the server may not
  -- do is refused one command at a time; readers find an event that nobody announced when they look at the counter.
  local record = args[a + 7] == '1' and try('SET', keys[k + 2], position, 'PX', args[2])
  local announced = try('PUBLISH', args[a], message)
  local counted = length == entries + 1
  if not counted then bytes = count(log, length, size) end
  local limit, most = tonumber(args[a + 3]), tonumber(args[a + 4])
  -- Events that are nowhere else stay, as far as they may, and as many as ever before them: a standby of the archive that is
  -- promoted may lack the newest of those.
  local alone, widest = math.min(offset - archived, tonumber(args[a + 10])), tonumber(args[a + 11])
  if alone > 0 then limit = limit + alone end
  -- Not at each event: readers leave out what is too much.
  local excess = length > limit + limit / 8 and length - limit or 0
  -- The newest event stays, whatever its size.
  while length > 1 and (excess > 0 or (most > 0 and bytes > most and (length > alone or bytes > widest))) do
    -- For bytes one by one, or more would go than has to.
    local taken = excess > 1 and call('LPOP', log, text(math.min(excess, 128))) or { call('LPOP', log) }
    if not taken[1] then break end
    for _, entry in ipairs(taken) do bytes = bytes - #entry end
    length = length - #taken
    excess = excess - #taken
    counted = false
  end
  if not counted then call('HSET', counter, 'size', text(bytes) .. ' ' .. text(length)) end
  -- A server may have evicted the log alone.
  if due or length == 1 then
    call('PEXPIRE', counter, args[a + 5])
    call('PEXPIRE', log, args[a + 5])
  end
  if type(record) == 'table' and record.err then error(record.err, 0) end
  if type(announced) == 'table' and announced.err then error(announced.err, 0) end
  if foreign then return position .. ' 2' end
  return epoch == args[a + 8] and offset or position .. ' 0'
end

local answer = {}
local k = 1
for a = 3, #args, 12 do
  stored = false
  local done, result = pcall(append, k, a)
  if not done then
    local fault = type(result) == 'table' and result.err or tostring(result)
    result = stored and stored .. ' 3 ' .. fault or '!' .. fault
  end
  answer[#answer + 1] = result
  k = k + (args[a + 7] == '1' and 3 or 2)
end
return answer

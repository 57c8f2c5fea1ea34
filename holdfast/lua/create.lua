-- ARGV: storage id, kind, ttl ms, a token's deadline or '', history limit, history letter, user or '',
-- then field names and values. Sent again, it answers the same.
local storage = call('HGET', KEYS[1], 'storage')
if storage then
  if storage ~= ARGV[1] then
    return { 'TAKEN' }
  end
  local times = call('HMGET', KEYS[1], 'created_ms', 'deadline_ms')
  return { 'OK', tonumber(times[1]), tonumber(times[2]) }
end
local now = clock()
local s = { messages = 0, tools = 0, ttl = tonumber(ARGV[3]), updated = now }
s.deadline = s.ttl > 0 and now + s.ttl or tonumber(ARGV[4])
if s.deadline <= now then
  return { 'EXPIRED', now }
end
call('HSET', KEYS[1], 'seq', 0, 'turns', ',', 'n', 0, 'tn', 0, 'limit', ARGV[5], 'hk', ARGV[6],
  'kind', ARGV[2], 'ttl_ms', s.ttl, 'created_ms', now, 'updated_ms', now, 'deadline_ms', s.deadline,
  'storage', ARGV[1], 'fence', 0, 'lease', '', 'user', ARGV[7], unpack(ARGV, 8))
keep(s)
return { 'OK', now, s.deadline }

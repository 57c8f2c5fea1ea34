-- ARGV: token, ttl ms. KEYS[4] lease, KEYS[5] user index. The same token again is the same lease.
USER = KEYS[5]
local s = read_session()
local now = clock()
local refused = refusal(s, now)
if refused then
  return refused
end
local holder = call('GET', KEYS[4])
if holder and holder ~= ARGV[1] then
  return { 'HELD', call('PTTL', KEYS[4]) }
end
if s.lease ~= ARGV[1] then
  s.fence = s.fence + 1
end
move_times(s, now)
call('HSET', KEYS[1], 'fence', s.fence, 'lease', ARGV[1], 'updated_ms', s.updated, 'deadline_ms',
  s.deadline)
call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])
keep(s)
return { 'OK', s.fence }

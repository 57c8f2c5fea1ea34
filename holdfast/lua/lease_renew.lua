-- ARGV: fence, token, ttl ms. KEYS[4] lease, KEYS[5] user index. A lease that ran out may be renewed
-- as long as nobody took it over: the fence still stands, so no other write came between.
USER = KEYS[5]
local s = read_session()
local now = clock()
local refused = refusal(s, now) or fence_refusal(s, ARGV[1], ARGV[2])
if refused then
  return refused
end
move_times(s, now)
call('HSET', KEYS[1], 'updated_ms', s.updated, 'deadline_ms', s.deadline)
call('SET', KEYS[4], ARGV[2], 'PX', ARGV[3])
keep(s)
return { 'OK', s.fence }

-- KEYS: entry, lock. ARGV: token, lock ms. The value, or the task to compute it, or how long the one
-- who computes it still has.
local value = redis.call('GET', KEYS[1])
if value then
  return { 'HIT', value }
end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
  or redis.call('GET', KEYS[2]) == ARGV[1] then
  return { 'COMPUTE' }
end
return { 'WAIT', redis.call('PTTL', KEYS[2]) }

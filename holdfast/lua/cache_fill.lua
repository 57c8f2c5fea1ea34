-- KEYS: entry, lock. ARGV: token, value, ttl ms. Whoever took too long must not overwrite the value
-- of the one who took over.
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then
  return { 'OK', 0 }
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('UNLINK', KEYS[2])
return { 'OK', 1 }

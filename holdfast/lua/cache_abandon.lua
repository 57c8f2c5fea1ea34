-- KEYS: lock. ARGV: token. Lets the next caller compute.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return { 'OK', redis.call('UNLINK', KEYS[1]) }
end
return { 'OK', 0 }

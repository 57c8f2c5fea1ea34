-- ARGV: token. KEYS[4] lease. The fence stays, the token goes: its writes are refused from now on.
local released = 0
if call('GET', KEYS[4]) == ARGV[1] then
  released = call('UNLINK', KEYS[4])
end
if call('HGET', KEYS[1], 'lease') == ARGV[1] then
  released = call('HDEL', KEYS[1], 'lease')
end
return { 'OK', released }

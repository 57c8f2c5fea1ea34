-- ARGV: publish command. KEYS[4] lease, KEYS[5] user index. Also ends what is torn or past its
-- deadline.
USER = KEYS[5]
local seq = call('HGET', KEYS[1], 'seq')
call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
if USER then
  call('ZREM', USER, SESSION_ID)
end
if not seq then
  return { 'OK', 0 }
end
tell(ARGV[1], 'end', tonumber(seq), '')
return { 'OK', 1 }

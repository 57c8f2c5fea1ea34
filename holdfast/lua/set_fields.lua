-- Metadata and activity. ARGV: how many arguments are fields to set, then those, then the fields to
-- remove. With neither it only refreshes the deadline.
local s = read_session()
local now = clock()
local refused = refusal(s, now)
if refused then
  return refused
end
local fields_end = 1 + ARGV[1]
move_times(s, now)
call('HSET', KEYS[1], 'updated_ms', s.updated, 'deadline_ms', s.deadline, unpack(ARGV, 2, fields_end))
if #ARGV > fields_end then
  call('HDEL', KEYS[1], unpack(ARGV, fields_end + 1))
end
keep(s)
return { 'OK', s.deadline }

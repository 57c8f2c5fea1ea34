-- One tool call's start or end. ARGV: fence or '', lease token, then one change.
local s = read_session()
local now = clock()
local refused = refusal(s, now) or fence_refusal(s, ARGV[1], ARGV[2])
if refused then
  return refused
end
local plan
refused, plan = plan_tools(s, 3, 6, now)
if refused then
  return refused
end
s.tools = plan.count
move_times(s, now)
call('HSET', KEYS[1], 'tn', s.tools, 'updated_ms', s.updated, 'deadline_ms', s.deadline)
write_tools(plan)
keep(s)
return { 'OK', call('HGET', KEYS[3], ARGV[4]) }

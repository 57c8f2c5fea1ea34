-- The turn. ARGV: turn id, expected seq or '', expected last turn or '', fence or '', lease token,
-- publish command, how many arguments are fields, removed fields and tool changes, how many replicas
-- the caller waits for, then fields, removed fields, tool changes, messages.
local turn_id, expected, expected_turn = ARGV[1], ARGV[2], ARGV[3]
local fields_end = 10 + ARGV[7]
local gone_end = fields_end + ARGV[8]
local tools_end = gone_end + ARGV[9]
local count = #ARGV - tools_end

local s = read_session()
local stored = s and seq_of_turn(s, turn_id)
if stored then
  -- WAIT counts the replicas that have what its own connection wrote. A repeat comes on another
  -- connection and writes nothing, so it would be told of replicas that may lack the turn.
  if tonumber(ARGV[10]) > 0 then
    call('HSET', KEYS[1], 'seq', s.seq)
  end
  return { 'DUP', tonumber(stored) }
end
local now = clock()
local refused = refusal(s, now) or fence_refusal(s, ARGV[4], ARGV[5])
if refused then
  return refused
end
if expected ~= '' then
  local known = tonumber(expected)
  if s.seq < known then
    return { 'ROLLED_BACK', s.seq, 0 }
  end
  -- Where the window still reaches back to the writer's turn, another one in its place means that
  -- a failover lost it, however far the session has moved on since.
  if expected_turn ~= '' and s.seq - known < TURN_WINDOW
    and not string.find(s.turns, ',' .. expected_turn .. '=' .. expected .. ',', 1, true) then
    return { 'ROLLED_BACK', s.seq, 1 }
  end
  if s.seq > known then
    return { 'CONFLICT', s.seq }
  end
end
local plan
if tools_end > gone_end then
  refused, plan = plan_tools(s, gone_end + 1, tools_end, now)
  if refused then
    return refused
  end
  s.tools = plan.count
end

local seq = s.seq + 1
local turns = string.format(',%s=%.0f', turn_id, seq) .. s.turns
if s.seq >= TURN_WINDOW then
  turns = string.match(turns, '^(.*,)[^,]+,$')
end
s.messages = math.min(s.length + count, s.limit)
move_times(s, now)
call('HSET', KEYS[1], 'seq', seq, 'turns', turns, 'n', s.messages, 'tn', s.tools, 'updated_ms',
  s.updated, 'deadline_ms', s.deadline, unpack(ARGV, 11, fields_end))
if gone_end > fields_end then
  call('HDEL', KEYS[1], unpack(ARGV, fields_end + 1, gone_end))
end
if count > 0 then
  if s.timeline then
    -- The prefix keeps equal messages apart and those of one millisecond in order.
    for i = 1, count do
      local member = string.format('%012.0f.%04d:', seq, i) .. ARGV[tools_end + i]
      call('ZADD', KEYS[2], s.updated, member)
    end
    if s.length + count > s.limit then
      call('ZREMRANGEBYRANK', KEYS[2], 0, -(s.limit + 1))
    end
  else
    call('LPUSH', KEYS[2], unpack(ARGV, tools_end + 1))
    if s.length + count > s.limit then
      call('LTRIM', KEYS[2], 0, s.limit - 1)
    end
  end
end
if plan then
  write_tools(plan)
end
keep(s)
tell(ARGV[6], 'turn', seq, '')
return { 'OK', seq }

-- Tool calls. A stored call is "<state> <started ms> <finished ms> <bytes of name> <bytes of
-- arguments> <name><arguments><result>": read without decoding JSON, whose numbers Lua would bend.
-- A change is four arguments: 'start', call id, name, arguments; or the final state, call id, '',
-- result. All changes are weighed before anything is written.

local function stored_call(plan, id)
  return plan.set[id] or call('HGET', KEYS[3], id)
end

-- Frees a place by forgetting the call that finished first; false where all are pending.
local function drop_oldest(plan)
  local oldest, at
  local all = call('HGETALL', KEYS[3])
  for i = 1, #all, 2 do
    local state, finished = string.match(all[i + 1], '^(%a+) %d+ (%d+) ')
    if state ~= 'pending' and not plan.set[all[i]] and not plan.gone[all[i]]
      and (not at or tonumber(finished) < at) then
      oldest, at = all[i], tonumber(finished)
    end
  end
  if not oldest then
    return false
  end
  plan.gone[oldest] = true
  plan.count = plan.count - 1
  return true
end

local function plan_start(plan, id, name, arguments, now)
  if not plan.gone[id] and stored_call(plan, id) then
    return nil
  end
  if plan.count >= TOOL_LIMIT and not drop_oldest(plan) then
    return { 'TOOLS_FULL' }
  end
  plan.count = plan.count + 1
  plan.gone[id] = nil
  plan.set[id] = string.format('pending %.0f 0 %d %d ', now, #name, #arguments) .. name .. arguments
end

local function plan_finish(plan, id, state, result, now)
  local value = not plan.gone[id] and stored_call(plan, id)
  if not value then
    return { 'TOOL_UNKNOWN', id }
  end
  local old, started, names, arguments, start =
    string.match(value, '^(%a+) (%d+) %d+ (%d+) (%d+) ()')
  local stop = start + names + arguments
  if old == 'pending' then
    plan.set[id] = string.format('%s %s %.0f %s %s ', state, started, now, names, arguments)
      .. string.sub(value, start, stop - 1) .. result
  elseif old ~= state or string.sub(value, stop) ~= result then
    return { 'TOOL_FINISHED', id }
  end
end

-- Weighs the changes in ARGV[first..last]; a refusal or nil, and the plan.
local function plan_tools(s, first, last, now)
  local plan = { set = {}, gone = {}, count = s.tools }
  for i = first, last, 4 do
    local refused
    if ARGV[i] == 'start' then
      refused = plan_start(plan, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], now)
    else
      refused = plan_finish(plan, ARGV[i + 1], ARGV[i], ARGV[i + 3], now)
    end
    if refused then
      return refused
    end
  end
  return nil, plan
end

local function write_tools(plan)
  for id in pairs(plan.gone) do
    call('HDEL', KEYS[3], id)
  end
  for id, value in pairs(plan.set) do
    call('HSET', KEYS[3], id, value)
  end
end

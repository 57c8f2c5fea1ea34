-- Stands before every session script. KEYS[1] session, KEYS[2] history, KEYS[3] tool calls, then
-- the user index where the session has a user (lease scripts put the lease before it).
-- Only locals: a script may define no global. Numbers stay below 2^53; they are joined to text with
-- %.0f because Lua's own conversion turns to exponents at 14 digits.
local call = redis.call
local GRACE_MS, INDEX_LIMIT, TURN_WINDOW, TOOL_LIMIT = 300000, 1000, 16, 128
local APP, TAG, TENANT, SESSION_ID = string.match(KEYS[1], '^([^:]+):sess:({b%d+}):([^:]+):(.+)$')
local USER = KEYS[4]

local function clock()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function read_session()
  local f = call('HMGET', KEYS[1], 'seq', 'turns', 'n', 'tn', 'limit', 'hk', 'ttl_ms', 'deadline_ms',
    'updated_ms', 'fence', 'lease')
  if not f[1] then
    return nil
  end
  return {
    seq = tonumber(f[1]), turns = f[2], messages = tonumber(f[3]), tools = tonumber(f[4]),
    limit = tonumber(f[5]), timeline = f[6] == 't', ttl = tonumber(f[7]), deadline = tonumber(f[8]),
    updated = tonumber(f[9]), fence = tonumber(f[10]), lease = f[11] or '',
  }
end

-- The seq under which a turn id is remembered, as text, or nil.
local function seq_of_turn(s, turn_id)
  local _, stop = string.find(s.turns, ',' .. turn_id .. '=', 1, true)
  return stop and string.match(s.turns, '^%d+', stop + 1)
end

-- Why a session may be neither read nor written, or nil.
local function refusal(s, now)
  if not s then
    return { 'MISSING' }
  end
  if now >= s.deadline then
    return { 'EXPIRED' }
  end
  s.length = s.messages > 0 and call(s.timeline and 'ZCARD' or 'LLEN', KEYS[2]) or 0
  if s.length < s.messages or (s.tools > 0 and call('HLEN', KEYS[3]) < s.tools) then
    return { 'TORN' }
  end
end

-- Why a lease no longer allows a write, or nil. A fence that the store has not reached yet was
-- handed out before a failover lost it.
local function fence_refusal(s, fence, token)
  if fence == '' then
    return nil
  end
  local given = tonumber(fence)
  if given > s.fence then
    return { 'ROLLED_BACK', s.seq, 1 }
  end
  if given < s.fence or token ~= s.lease then
    return { 'FENCED', s.fence }
  end
end

-- Times that a write stores. They never step back, though the clock may after a failover.
local function move_times(s, now)
  s.updated = math.max(now, s.updated)
  if s.ttl > 0 then
    s.deadline = math.max(now + s.ttl, s.deadline)
  end
end

-- Keeps the expiry of all keys of the session, and of its user's index, in step.
local function keep(s)
  local at = s.deadline + (s.ttl > 0 and GRACE_MS or 0)
  call('PEXPIREAT', KEYS[1], at)
  if s.messages > 0 then
    call('PEXPIREAT', KEYS[2], at)
  end
  if s.tools > 0 then
    call('PEXPIREAT', KEYS[3], at)
  end
  if USER then
    if call('ZADD', USER, s.updated, SESSION_ID) == 1 and call('ZCARD', USER) > INDEX_LIMIT then
      call('ZREMRANGEBYRANK', USER, 0, -(INDEX_LIMIT + 1))
    end
    -- GT takes a key without expiry for one that lives for ever: a new index needs NX.
    if call('PEXPIREAT', USER, at, 'GT') == 0 then
      call('PEXPIREAT', USER, at, 'NX')
    end
  end
end

local function tell(publish, kind, seq, hint)
  local text = string.format('%s %s %s %.0f', TENANT, SESSION_ID, kind, seq)
  call(publish, APP .. ':evt:' .. TAG, hint == '' and text or text .. ' ' .. hint)
end

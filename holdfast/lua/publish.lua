-- ARGV: publish command, hint.
local s = read_session()
local refused = refusal(s, clock())
if refused then
  return refused
end
tell(ARGV[1], 'hint', s.seq, ARGV[2])
return { 'OK' }

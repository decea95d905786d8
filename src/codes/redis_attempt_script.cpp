#include "codes/redis_scripts.hpp"

// CodeTable::attempt, step by step as sqlite_attempt_rows.cpp has it.
//
// Takes: now, subject, purpose, counted, used_by, attempts_per_code, failures_max, delay_min,
// delay_max, repeat window, how long failures count together (all times in microseconds), how long
// Redis keeps a count beyond that (ms), keys...
// Gives: outcome (yes, not_active_yet, refused, throttled), reason, id, expires, failures,
// microseconds to wait, the facts of each code that this attempt revoked...
namespace latchkey::codes {

const char* const kRedisAttemptScript = R"lua(
local now, subject, purpose = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local failures_name, used_by = P .. 'failures:' .. ARGV[4], ARGV[5]
local attempts_per_code, failures_max = tonumber(ARGV[6]), tonumber(ARGV[7])
local delay_min, delay_max = tonumber(ARGV[8]), tonumber(ARGV[9])
local rows = rows_of(13)
local row = rows[1]

local failures, blocked_until = 0, 0
local held = redis.call('HMGET', failures_name, 'count', 'blocked_until', 'until')
if held[1] and tonumber(held[3]) > now then
  failures, blocked_until = tonumber(held[1]), tonumber(held[2])
end

local function answer(outcome, reason, of, wait, exhausted)
  local given = {outcome, reason, of and of.id or '', of and of.expires or '0', number(failures),
                 number(wait or 0)}
  for _, code in ipairs(exhausted or {}) do given[#given + 1] = facts(code) end
  return given
end
local function is_asked_for(code) return code.subject == subject and code.purpose == purpose end

-- The caller of this attempt took the code a moment ago, and asks again.
if used_by ~= '' and row and row.state == USED and row.used_by == used_by and is_asked_for(row)
   and now - tonumber(row.used_at) <= tonumber(ARGV[10]) and now < tonumber(row.expires) then
  return answer('yes', 'repeated', row)
end
if now < blocked_until then return answer('throttled', 'throttled', nil, blocked_until - now) end

for _, code in ipairs(rows) do
  if code.state == VALID and is_asked_for(code) and tonumber(code.expires) > now then
    change(code, USED)
    redis.call('HSET', P .. 'code:' .. code.key, 'used_at', ARGV[1], 'used_by', used_by)
    if failures > 0 then redis.call('DEL', failures_name) end
    failures = 0
    return answer('yes', '', code)
  end
end

local reason = 'unknown'
if row then
  reason = NAMES[row.state]
  if tonumber(row.expires) <= now then reason = 'expired' end
  if not is_asked_for(row) then reason = 'other_binding' end
end
if reason == NAMES[PENDING] then return answer('not_active_yet', reason, row) end

failures = failures + 1
local delay = 0
if failures >= failures_max then
  delay = delay_min
  for _ = 1, failures - failures_max do
    if delay >= delay_max then break end
    delay = delay * 2
  end
  delay = math.min(delay, delay_max)
end
-- Not `now` without a delay: a copy whose clock is behind would take that for one.
blocked_until = delay > 0 and now + delay or 0
local kept_until = math.max(now + tonumber(ARGV[11]), blocked_until)
redis.call('HSET', failures_name, 'count', number(failures), 'blocked_until',
           number(blocked_until), 'until', number(kept_until))
redis.call('PEXPIRE', failures_name, number((kept_until - now) / 1000 + tonumber(ARGV[12])))

-- The refusal counts on every code that it was a guess at.
local guessed_at = usable_of(subject, purpose, now)
if row and not is_asked_for(row) and usable(row, now) then guessed_at[#guessed_at + 1] = row end
local exhausted = {}
for _, code in ipairs(guessed_at) do
  local attempts = redis.call('HINCRBY', P .. 'code:' .. code.key, 'attempts', 1)
  if attempts >= attempts_per_code then
    exhausted[#exhausted + 1] = code
    change(code, REVOKED)
  end
end
return answer('refused', reason, row, 0, exhausted)
)lua";

}  // namespace latchkey::codes

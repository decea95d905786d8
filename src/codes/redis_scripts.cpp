#include "codes/redis_scripts.hpp"

#include <utility>

#include "base/encoding.hpp"
#include "base/hash.hpp"

// Times are microseconds since 1970, UTC, as text: Lua's numbers hold them exactly (2^53 is in the
// year 2255). They all come from the caller; only how long Redis keeps a key goes by its clock.
namespace latchkey::codes {
namespace {

/// In front of every script.
constexpr const char* kPrelude = R"lua(
local P = '{latchkey}:'
local EXPIRIES = P .. 'expiries'
local PENDING, VALID, USED, REVOKED = '0', '1', '2', '3'
local NAMES = {['0'] = 'pending', ['1'] = 'valid', ['2'] = 'used', ['3'] = 'revoked'}

local function number(value) return string.format('%.0f', value) end

local function row_of(key)
  local flat = redis.call('HGETALL', P .. 'code:' .. key)
  if #flat == 0 then return nil end
  local row = {key = key}
  for i = 1, #flat, 2 do row[flat[i]] = flat[i + 1] end
  return row
end

-- The rows that are there of the keys from argument `first` on.
local function rows_of(first)
  local rows = {}
  for i = first, #ARGV do rows[#rows + 1] = row_of(ARGV[i]) end
  return rows
end

local function facts(row) return {row.id, row.subject, row.purpose, row.expires, row.state} end

local function usable(row, after)
  return (row.state == PENDING or row.state == VALID) and tonumber(row.expires) > after
end

-- A subject's codes are found by "purpose NUL key".
local function leave_subject(row)
  if row.subject ~= '' then
    redis.call('ZREM', P .. 'subject:' .. row.subject, row.purpose .. '\0' .. row.key)
  end
end

-- To a state in which nobody can use it any more.
local function change(row, state)
  redis.call('HSET', P .. 'code:' .. row.key, 'state', state)
  leave_subject(row)
end

local function forget(row)
  redis.call('DEL', P .. 'code:' .. row.key, P .. 'id:' .. row.id)
  redis.call('ZREM', EXPIRIES, row.key)
  leave_subject(row)
end

-- Of one purpose, or of every one (false).
local function usable_of(subject, purpose, after)
  local found = {}
  if subject == '' then return found end
  local index = P .. 'subject:' .. subject
  local members
  if purpose then
    members = redis.call('ZRANGEBYLEX', index, '[' .. purpose .. '\0', '(' .. purpose .. '\1')
  else
    members = redis.call('ZRANGE', index, 0, -1)
  end
  for _, member in ipairs(members) do
    -- By its length, for a purpose may hold a NUL itself.
    if not purpose or #member == #purpose + 65 then
      local row = row_of(string.sub(member, -64))
      if not row then
        redis.call('ZREM', index, member)
      elseif usable(row, after) then
        found[#found + 1] = row
      end
    end
  end
  return found
end

local function revoke_usable(subject, purpose, after)
  local revoked = {}
  for i, row in ipairs(usable_of(subject, purpose, after)) do
    change(row, REVOKED)
    revoked[i] = facts(row)
  end
  return revoked
end
)lua";

/// Takes: key, id, key_id, issued, expires, state, subject, purpose, used_at, used_by, attempts,
/// how long Redis keeps it (ms), issue_key, issues_max, window, newest_only (1 or 0), kClocksApart,
/// how long Redis keeps the issues (ms), which row may be gone (expired so long ago).
/// Gives: inserted, issues before this one, facts of the superseded...; exists; or throttled,
/// microseconds until one more fits in.
constexpr const char* kInsert = R"lua(
local key, id, issued, state = ARGV[1], ARGV[2], tonumber(ARGV[4]), ARGV[6]
local subject, purpose, keep_ms = ARGV[7], ARGV[8], ARGV[12]
local issues_name, issues_max = P .. 'issues:' .. ARGV[13], tonumber(ARGV[14])
local name = P .. 'code:' .. key

local issues = 0
if subject ~= '' then
  issues = redis.call('ZCOUNT', issues_name, '(' .. ARGV[4], '+inf')
  if issues >= issues_max then
    local last = redis.call('ZREVRANGE', issues_name, issues_max - 1, issues_max - 1, 'WITHSCORES')
    return {'throttled', number(tonumber(last[2]) - issued)}
  end
end
if redis.call('EXISTS', name) == 1 then return {'exists'} end

redis.call('HSET', name, 'id', id, 'key_id', ARGV[3], 'issued', ARGV[4], 'expires', ARGV[5],
           'state', state, 'subject', subject, 'purpose', purpose, 'used_at', ARGV[9],
           'used_by', ARGV[10], 'attempts', ARGV[11])
redis.call('PEXPIRE', name, keep_ms)
redis.call('SET', P .. 'id:' .. id, key, 'PX', keep_ms)
redis.call('ZADD', EXPIRIES, ARGV[5], key)
-- Each takes along two whose rows Redis has forgotten by itself: the index stays small.
for _, old in ipairs(redis.call('ZRANGEBYSCORE', EXPIRIES, '-inf', ARGV[19], 'LIMIT', 0, 2)) do
  if redis.call('EXISTS', P .. 'code:' .. old) == 0 then redis.call('ZREM', EXPIRIES, old) end
end
local answer = {'inserted', number(issues)}
if subject == '' then return answer end

redis.call('ZREMRANGEBYSCORE', issues_name, '-inf', issued)
redis.call('ZADD', issues_name, number(issued + tonumber(ARGV[15])), id)
redis.call('PEXPIRE', issues_name, ARGV[18])
if ARGV[16] == '1' then
  for _, older in ipairs(revoke_usable(subject, purpose, issued - tonumber(ARGV[17]))) do
    answer[#answer + 1] = older
  end
end
if state == PENDING or state == VALID then
  local index = P .. 'subject:' .. subject
  redis.call('ZADD', index, 0, purpose .. '\0' .. key)
  if redis.call('PTTL', index) < tonumber(keep_ms) then redis.call('PEXPIRE', index, keep_ms) end
end
return answer
)lua";

/// Takes: now, keys... Gives: activated or known, and facts; or unissued.
constexpr const char* kActivate = R"lua(
local now, rows = tonumber(ARGV[1]), rows_of(2)
for _, row in ipairs(rows) do
  if row.state == PENDING and tonumber(row.expires) > now then
    redis.call('HSET', P .. 'code:' .. row.key, 'state', VALID)
    return {'activated', facts(row)}
  end
end
if rows[1] then return {'known', facts(rows[1])} end
return {'unissued'}
)lua";

/// Takes: id. Gives: revoked (1 or 0) and facts; nothing for an unknown one.
constexpr const char* kRevokeId = R"lua(
local key = redis.call('GET', P .. 'id:' .. ARGV[1])
local row = key and row_of(key)
if not row then return {} end
if row.state ~= PENDING and row.state ~= VALID then return {'0', facts(row)} end
change(row, REVOKED)
return {'1', facts(row)}
)lua";

/// Takes: subject, time after which a code must end, and a purpose or no more. Gives: facts...
constexpr const char* kRevokeSubject = R"lua(
return revoke_usable(ARGV[1], ARGV[3] or false, tonumber(ARGV[2]))
)lua";

/// Gives: the row's columns in RedisScripts' order (to_row in redis_code_table.cpp), or nothing.
constexpr const char* kWholeRow = R"lua(
local function whole(row)
  if not row then return {} end
  return {row.key, row.key_id, row.id, row.issued, row.expires, row.state, row.subject,
          row.purpose, row.attempts, row.used_at, row.used_by}
end
)lua";
/// Takes: keys...
constexpr const char* kFind = "return whole(rows_of(1)[1])";
/// Takes: id.
constexpr const char* kFindId = R"lua(
local key = redis.call('GET', P .. 'id:' .. ARGV[1])
return whole(key and row_of(key))
)lua";

/// Takes: expired_by, keys... Gives: facts, or nothing.
constexpr const char* kRemove = R"lua(
for _, row in ipairs(rows_of(2)) do
  if tonumber(row.expires) <= tonumber(ARGV[1]) then
    forget(row)
    return facts(row)
  end
end
return {}
)lua";

/// Takes: expired_by, limit. Gives: facts...
constexpr const char* kRemoveExpired = R"lua(
local removed = {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', EXPIRIES, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  local row = row_of(key)
  if row then
    forget(row)
    removed[#removed + 1] = facts(row)
  else
    redis.call('ZREM', EXPIRIES, key)
  end
end
return removed
)lua";

/// Takes: key, fingerprint, now, lease (us), how long Redis keeps it (ms).
/// Gives: started, in_progress, other_request, or answered and what was kept.
constexpr const char* kBeginAnswer = R"lua(
local name, now = P .. 'answer:' .. ARGV[1], tonumber(ARGV[3])
local held = redis.call('HMGET', name, 'fingerprint', 'sealed', 'until')
if held[1] and tonumber(held[3]) > now then
  if held[1] ~= ARGV[2] then return {'other_request'} end
  if held[2] == '' then return {'in_progress'} end
  return {'answered', held[2]}
end
redis.call('HSET', name, 'fingerprint', ARGV[2], 'sealed', '', 'begun', ARGV[3],
           'until', number(now + tonumber(ARGV[4])))
redis.call('PEXPIRE', name, ARGV[5])
return {'started'}
)lua";

/// Takes: key, sealed, until, how much longer Redis keeps it (ms).
constexpr const char* kKeepAnswer = R"lua(
local name = P .. 'answer:' .. ARGV[1]
local held = redis.call('HMGET', name, 'sealed', 'begun')
-- If the lease ended and another did the work again, the answer kept first stands.
if held[1] == '' then
  local life_ms = math.max(tonumber(ARGV[3]) - tonumber(held[2]), 0) / 1000
  redis.call('HSET', name, 'sealed', ARGV[2], 'until', ARGV[3])
  redis.call('PEXPIRE', name, number(life_ms + tonumber(ARGV[4])))
end
return {}
)lua";

/// Takes: key.
constexpr const char* kDropAnswer = R"lua(
local name = P .. 'answer:' .. ARGV[1]
if redis.call('HMGET', name, 'sealed')[1] == '' then redis.call('DEL', name) end
return {}
)lua";

RedisScript with_prelude(std::string_view body) {
  return RedisScript(std::string(kPrelude).append(body));
}

}  // namespace

RedisScript::RedisScript(std::string text_in) : text(std::move(text_in)), sha(to_hex(sha1(text))) {}

const RedisScripts& redis_scripts() {
  static const RedisScripts scripts{
      .insert = with_prelude(kInsert),
      .activate = with_prelude(kActivate),
      .revoke_id = with_prelude(kRevokeId),
      .revoke_subject = with_prelude(kRevokeSubject),
      .attempt = with_prelude(kRedisAttemptScript),
      .find = with_prelude(std::string(kWholeRow).append(kFind)),
      .find_id = with_prelude(std::string(kWholeRow).append(kFindId)),
      .remove = with_prelude(kRemove),
      .remove_expired = with_prelude(kRemoveExpired),
      .begin_answer = with_prelude(kBeginAnswer),
      .keep_answer = with_prelude(kKeepAnswer),
      .drop_answer = with_prelude(kDropAnswer),
  };
  return scripts;
}

}  // namespace latchkey::codes

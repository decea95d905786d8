#include "service/sign_in/session.hpp"

#include <boost/json.hpp>

#include "base/encoding.hpp"
#include "base/seal.hpp"

namespace latchkey::service::sign_in {
namespace {

namespace json = boost::json;

constexpr std::string_view kLabel = "sign-in";
constexpr std::string_view kSession = "session";
constexpr std::string_view kNotMe = "not-me";

std::int64_t to_number(UtcTime time) {
  return time.time_since_epoch().count();
}
UtcTime to_time(const json::value& number) {
  return UtcTime{std::chrono::microseconds{number.as_int64()}};
}

}  // namespace

Session Sealer::begin(Stage stage, std::string subject, std::chrono::seconds lifetime) {
  Session session;
  session.stage = stage;
  session.id = random_.hex(16);
  session.csrf = random_.hex(16);
  session.subject = std::move(subject);
  session.started = clock_.now();
  session.expires = session.started + lifetime;
  return session;
}

std::string Sealer::seal(const Session& session) {
  // The same length whether the first factor was right or not: 0 and 1, not false and true.
  const json::array fields = {static_cast<int>(session.stage),
                              session.id,
                              session.csrf,
                              session.subject,
                              session.proven ? 1 : 0,
                              to_number(session.started),
                              to_number(session.code_expires),
                              to_number(session.expires)};
  return seal_as(kSession, json::serialize(fields));
}

std::optional<Session> Sealer::open(std::string_view text) const {
  const auto plain = open_as(kSession, text);
  if (!plain) return std::nullopt;
  const json::value fields = json::parse(*plain);  // Sealed by us: its form is ours.
  Session session;
  session.stage = static_cast<Stage>(fields.at(0).as_int64());
  session.id = fields.at(1).as_string();
  session.csrf = fields.at(2).as_string();
  session.subject = fields.at(3).as_string();
  session.proven = fields.at(4).as_int64() == 1;
  session.started = to_time(fields.at(5));
  session.code_expires = to_time(fields.at(6));
  session.expires = to_time(fields.at(7));
  if (clock_.now() >= session.expires) return std::nullopt;
  return session;
}

std::string Sealer::seal_not_me(std::string_view subject, UtcTime expires) {
  return seal_as(kNotMe, json::serialize(json::array{subject, to_number(expires)}));
}

std::optional<std::string> Sealer::open_not_me(std::string_view token) const {
  const auto plain = open_as(kNotMe, token);
  if (!plain) return std::nullopt;
  const json::value fields = json::parse(*plain);
  if (clock_.now() >= to_time(fields.at(1))) return std::nullopt;
  return std::string(fields.at(0).as_string());
}

std::string Sealer::seal_as(std::string_view use, std::string_view plain) {
  return to_base64url(latchkey::seal(hasher_.derive(kLabel, use, clock_.now()), plain, random_));
}

std::optional<std::string> Sealer::open_as(std::string_view use, std::string_view text) const {
  const auto sealed = from_base64url(text);
  if (!sealed) return std::nullopt;
  for (const Sha256& key : hasher_.derive_all(kLabel, use, clock_.now())) {
    if (auto plain = open_sealed(key, as_text(*sealed))) return plain;
  }
  return std::nullopt;
}

}  // namespace latchkey::service::sign_in

#include "service/api_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <set>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"

namespace latchkey::service {
namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::string_view kNameCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

tl::unexpected<Error> bad(std::string what) {
  return fail(ErrorKind::invalid_argument, "BadApiKeys", std::move(what));
}

tl::unexpected<Error> bad_entry(std::size_t number, std::string_view what) {
  return bad(fmt::format("entry {} of the API keys: {}", number, what));
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax &&
         text.find_first_not_of(kNameCharacters) == std::string_view::npos;
}

std::string_view text_member(const boost::json::object& entry, std::string_view name) {
  const auto* value = entry.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return value->get_string();
}

/// Empty when the member is not a list of known roles.
std::vector<Role> roles_of(const boost::json::object& entry) {
  const auto* value = entry.if_contains("roles");
  if (value == nullptr || !value->is_array()) return {};
  std::vector<Role> roles;
  for (const auto& item : value->get_array()) {
    const auto role = item.is_string() ? role_from(item.get_string()) : std::nullopt;
    if (!role) return {};
    roles.push_back(*role);
  }
  return roles;
}

Result<ApiKey> parse_entry(const boost::json::value& value, std::size_t number) {
  if (!value.is_object()) return bad_entry(number, "not an object");
  const auto& entry = value.get_object();
  ApiKey key{.name = std::string(text_member(entry, "name")),
             .sha256_hex = to_lower(text_member(entry, "sha256")),
             .roles = roles_of(entry)};
  if (!is_name(key.name)) {
    return bad_entry(number, "\"name\" is not 1 to 64 letters, digits, dots, hyphens, underscores");
  }
  const auto digest = from_hex(key.sha256_hex);
  if (!digest || digest->size() != Sha256{}.size()) {
    return bad_entry(number, "\"sha256\" is not 64 hexadecimal digits");
  }
  if (key.roles.empty()) {
    return bad_entry(number, "\"roles\" is not a list of Codes.Issue, Codes.Verify, Codes.Admin");
  }
  if (entry.size() != 3) return bad_entry(number, "it has members besides name, sha256 and roles");
  return key;
}

}  // namespace

Result<std::vector<ApiKey>> parse_api_keys(std::string_view json) {
  boost::json::error_code error;
  const auto document = boost::json::parse(json, error);
  if (error || !document.is_array()) return bad("the API keys are not a JSON array");
  const auto& entries = document.get_array();
  if (entries.size() > kApiKeysMax) {
    return bad(fmt::format("{} API keys; at most {} are allowed", entries.size(), kApiKeysMax));
  }
  std::vector<ApiKey> keys;
  std::set<std::string> names;
  for (const auto& entry : entries) {
    auto key = parse_entry(entry, keys.size() + 1);
    if (!key) return fail(key.error());
    if (!names.insert(key->name).second) {
      return bad_entry(keys.size() + 1, "its \"name\" stands in an earlier entry");
    }
    keys.push_back(std::move(*key));
  }
  return keys;
}

const ApiKey* find_api_key(const std::vector<ApiKey>& keys, std::string_view key) {
  const std::string digest = to_hex(sha256(key));
  const ApiKey* found = nullptr;
  for (const ApiKey& candidate : keys) {
    if (constant_time_equal(candidate.sha256_hex, digest)) found = &candidate;
  }
  return found;
}

NewApiKey render_new_api_key(std::string_view name, const std::vector<Role>& roles,
                             Random& random) {
  LK_ASSERT(is_name(name) && !roles.empty());
  std::array<std::uint8_t, 32> bytes{};
  random.fill(bytes);
  Secret key("lk_" + to_base64url(bytes));
  boost::json::array role_names;
  for (const Role role : roles) role_names.emplace_back(to_string(role));
  const boost::json::object entry = {
      {"name", name}, {"sha256", to_hex(sha256(key.reveal()))}, {"roles", std::move(role_names)}};
  return {.key = std::move(key), .json_entry = boost::json::serialize(entry)};
}

}  // namespace latchkey::service

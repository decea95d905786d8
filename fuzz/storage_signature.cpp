#include <algorithm>

#include "base/text.hpp"
#include "fuzz/property.hpp"
#include "http/url.hpp"
#include "wire/sas.hpp"
#include "wire/shared_key.hpp"

/// What a client of Queue Storage signs with a key. The input's first line is an Authorization
/// header, the second a path, the third a query; header fields follow.
namespace latchkey::wire {
namespace {

std::string_view next_line(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  const auto line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

struct Fields {
  http::Headers in_order;
  http::Headers reversed;
};

/// Those with a name of their own: the order of equal names has a meaning.
Fields read_fields(std::string_view rest) {
  Fields fields;
  std::vector<std::pair<std::string_view, std::string_view>> seen;
  while (!rest.empty()) {
    const auto line = next_line(rest);
    const auto colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) continue;
    const auto name = line.substr(0, colon);
    const bool is_known = std::any_of(
        seen.begin(), seen.end(), [name](const auto& field) { return iequals(field.first, name); });
    if (!is_known) seen.emplace_back(name, line.substr(colon + 1));
  }
  for (const auto& [name, value] : seen) fields.in_order.add(name, value);
  std::reverse(seen.begin(), seen.end());
  for (const auto& [name, value] : seen) fields.reversed.add(name, value);
  return fields;
}

void check_authorization(std::string_view header) {
  const auto parsed = parse_shared_key_authorization(header);
  if (!parsed) return;
  fuzz::hold(!parsed->account.empty() && !parsed->signature.empty(), "both parts are there");
  fuzz::hold(header.find(parsed->signature) != std::string_view::npos, "nothing is made up");
}

void check_strings_to_sign(std::string_view path, const http::Query& query, const Fields& fields) {
  SignedRequest request{.path = path, .query = &query, .headers = &fields.in_order};
  const std::string text = shared_key_string_to_sign(request, "account");
  const std::string lite = shared_key_lite_string_to_sign(request, "account");
  fuzz::hold(text.find("/account") != std::string::npos, "the account is signed");
  request.headers = &fields.reversed;
  fuzz::hold(shared_key_string_to_sign(request, "account") == text, "the order has no meaning");
  fuzz::hold(shared_key_lite_string_to_sign(request, "account") == lite, "nor in the lite form");
}

void check_sas(const http::Query& query) {
  const auto sas = parse_sas(query);
  if (!sas || !*sas) return;
  const Sas& fields = **sas;
  const std::string account = account_sas_string_to_sign(fields, "account");
  fuzz::hold(account.find(fields.permissions) != std::string::npos, "permissions are signed");
  fuzz::hold(account.find(fields.expiry) != std::string::npos, "the end is signed");
  const std::string service = service_sas_string_to_sign(fields, "account", "queue");
  fuzz::hold(service.find(fields.ip) != std::string::npos, "the address is signed");
  const std::string delegated = user_delegation_sas_string_to_sign(fields, "account", "queue");
  fuzz::hold(delegated.find(fields.delegation.object_id) != std::string::npos,
             "who delegates is signed");
}

}  // namespace
}  // namespace latchkey::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;
  std::string_view rest = fuzz::text_of(data, size);
  wire::check_authorization(wire::next_line(rest));
  const auto path = wire::next_line(rest);
  const auto query = http::parse_query(wire::next_line(rest));
  if (!query) return 0;
  wire::check_sas(*query);
  wire::check_strings_to_sign(path, *query, wire::read_fields(rest));
  return 0;
}

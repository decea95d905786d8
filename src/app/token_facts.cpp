#include "app/token_facts.hpp"

#include <boost/json.hpp>

#include "app/management_client.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::app {

namespace json = boost::json;

std::optional<TokenFacts> token_facts(const Secret& token) {
  const auto parts = split(token.reveal(), '.');
  if (parts.size() != 3) return std::nullopt;
  const auto bytes = from_base64url(parts[1]);
  if (!bytes) return std::nullopt;
  boost::system::error_code problem;
  const auto claims = json::parse(std::string_view(as_text(*bytes)), problem);
  if (problem || !claims.is_object()) return std::nullopt;
  const auto& object = claims.get_object();
  TokenFacts facts{.object_id = member_of(object, "oid"),
                   .client_id = member_of(object, "appid"),
                   .tenant_id = member_of(object, "tid")};
  if (facts.client_id.empty()) facts.client_id = member_of(object, "azp");
  return facts;
}

}  // namespace latchkey::app

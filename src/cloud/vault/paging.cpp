#include "cloud/vault/paging.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {

Result<Paging> read_paging(const http::Query& query) {
  const auto wrong = [](std::string message) {
    return fail(ErrorKind::invalid_argument, "BadParameter", std::move(message));
  };
  Paging paging;
  if (const auto* text = http::find_parameter(query, "maxresults")) {
    const auto count = parse_integer<std::int64_t>(*text);
    if (!count || *count < 1 || *count > kVaultPageMax) {
      return wrong(fmt::format("maxresults must be a number from 1 to {}.", kVaultPageMax));
    }
    paging.count = *count;
  }
  if (const auto* token = http::find_parameter(query, "$skiptoken")) {
    const auto bytes = from_base64url(*token);
    if (!bytes) return wrong("$skiptoken is not one that this vault gave.");
    paging.after = as_text(*bytes);
  }
  return paging;
}

http::Response render_page(const std::vector<wire::SecretBundle>& items, std::string_view next) {
  std::string body = "{\"value\":[";
  for (const auto& item : items) {
    if (body.back() == '}') body += ',';
    body += wire::render_secret_bundle(item);
  }
  body += "],\"nextLink\":";
  body += next.empty() ? "null" : boost::json::serialize(boost::json::string(next));
  body += '}';
  return http::json_response(200, std::move(body));
}

std::string next_link(std::string_view base, std::string_view path, const http::Query& query,
                      const Paging& paging, std::string_view after) {
  return fmt::format("{}{}?api-version={}&$skiptoken={}&maxresults={}", base, path,
                     percent_encode(*http::find_parameter(query, "api-version")),
                     to_base64url(after), paging.count);
}

}  // namespace latchkey::cloud

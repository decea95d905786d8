#include "fuzz/property.hpp"
#include "http/url.hpp"
#include "service/api_keys.hpp"
#include "wire/connection_string.hpp"
#include "wire/sas.hpp"

/// Texts of settings and addresses: URLs, connection strings, shared access signatures, API keys.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;
  const std::string_view input = fuzz::text_of(data, size);
  if (const auto url = http::parse_url(input)) {
    const auto again = http::parse_url(url->to_string());
    fuzz::hold(again.has_value(), "a URL that was read can be read again");
    fuzz::hold(again->to_string() == url->to_string(), "a URL stays the same");
  }
  if (const auto text = wire::parse_connection_string(input)) {
    fuzz::hold(text->account_key.empty() != text->sas.empty(), "a key or a SAS, not both");
  }
  if (const auto query = http::parse_query(input)) {
    const auto sas = wire::parse_sas(*query);
    if (sas && sas->has_value()) {
      const auto* signature = http::find_parameter(*query, "sig");
      fuzz::hold(signature != nullptr, "no SAS without its signature");
    }
  }
  if (const auto keys = service::parse_api_keys(input)) {
    fuzz::hold(keys->size() <= service::kApiKeysMax, "API keys have their limit");
    for (const auto& key : *keys) {
      fuzz::hold(key.sha256_hex.size() == 64 && !key.roles.empty(), "an API key is whole");
    }
    fuzz::hold(service::find_api_key(*keys, "") == nullptr || !keys->empty(), "no key, no caller");
  }
  return 0;
}

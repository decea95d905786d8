#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"
#include "wire/vault_json.hpp"

/// Key Vault's lists go by pages: the client says how many it wants, the answer links to the rest.
namespace latchkey::cloud {

inline constexpr std::int64_t kVaultPageMax = 25;

struct Paging {
  std::int64_t count = kVaultPageMax;
  std::string after;  ///< where the last page ended; empty for the first
};
/// From maxresults and $skiptoken. Error: invalid_argument (BadParameter).
Result<Paging> read_paging(const http::Query& query);

/// {"value":[...],"nextLink":...}; `next` is empty on the last page.
http::Response render_page(const std::vector<wire::SecretBundle>& items, std::string_view next);
/// The address of the page that begins behind `after`, on the host that `base` names.
std::string next_link(std::string_view base, std::string_view path, const http::Query& query,
                      const Paging& paging, std::string_view after);

}  // namespace latchkey::cloud

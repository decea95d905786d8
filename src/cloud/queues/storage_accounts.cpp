#include "cloud/queues/storage_accounts.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "cloud/settings.hpp"
#include "wire/connection_string.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::size_t kKeyBytes = 64;

bool is_account_name(std::string_view name) {
  return name.size() >= 3 && name.size() <= 24 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
         });
}

Result<Secret> keep_key(sqlite::Database& database, Random& random, const std::string& setting) {
  auto key = keep_setting(database, setting, [&random] {
    Bytes bytes(kKeyBytes);
    random.fill(bytes);
    return to_base64(bytes);
  });
  if (!key) return fail(key.error());
  return Secret(std::move(*key));
}

}  // namespace

Result<std::vector<StorageAccount>> keep_storage_accounts(sqlite::Database& database,
                                                          Random& random,
                                                          const std::vector<std::string>& more) {
  auto key2 = keep_key(database, random, "storage_key2");
  if (!key2) return fail(key2.error());
  std::vector<StorageAccount> accounts{{.name = std::string(wire::kDevelopmentAccount),
                                        .key1 = Secret(std::string(wire::kDevelopmentKey)),
                                        .key2 = std::move(*key2)}};
  for (const std::string& name : more) {
    if (!is_account_name(name)) {
      return fail(ErrorKind::invalid_argument, "InvalidAccountName",
                  "'" + name +
                      "' is no name for a storage account: 3 to 24 lower-case letters "
                      "and digits");
    }
    const bool known = std::any_of(accounts.begin(), accounts.end(),
                                   [&name](const auto& account) { return account.name == name; });
    if (known) continue;
    auto first = keep_key(database, random, "storage_key1/" + name);
    if (!first) return fail(first.error());
    auto second = keep_key(database, random, "storage_key2/" + name);
    if (!second) return fail(second.error());
    accounts.push_back({.name = name, .key1 = std::move(*first), .key2 = std::move(*second)});
  }
  return accounts;
}

}  // namespace latchkey::cloud

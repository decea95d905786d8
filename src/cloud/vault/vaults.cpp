#include "cloud/vault/vaults.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

constexpr std::size_t kNameMin = 3;
constexpr std::size_t kNameMax = 24;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

tl::unexpected<Error> invalid_name(const std::string& name) {
  return fail(ErrorKind::invalid_argument, "InvalidVaultName",
              "'" + name +
                  "' is no name for a vault: 3 to 24 letters, digits and dashes; a letter first, "
                  "no dash last, no two dashes together");
}

VaultProperties read_row(const sqlite::Statement& row) {
  VaultProperties vault;
  vault.name = row.text(0);
  vault.model = row.integer(1) != 0 ? PermissionModel::roles : PermissionModel::access_policies;
  boost::system::error_code error;
  const auto policies = json::parse(row.text(2), error);
  if (!error && policies.is_array()) {
    vault.policies =
        parse_access_policies(policies.get_array()).value_or(std::vector<AccessPolicy>());
  }
  return vault;
}

Result<std::vector<VaultProperties>> read_all(sqlite::Statement& rows) {
  std::vector<VaultProperties> vaults;
  for (;;) {
    const auto there = rows.step();
    if (!there) return fail(there.error());
    if (!*there) break;
    vaults.push_back(read_row(rows));
  }
  rows.reset();
  return vaults;
}

Result<> write(sqlite::Database& database, const VaultProperties& vault) {
  const auto policies = json::serialize(render_access_policies(vault.policies));
  return database
      .cached(
          "INSERT INTO vaults(name, roles, policies) VALUES(?1, ?2, ?3) ON CONFLICT(name) "
          "DO UPDATE SET roles = excluded.roles, policies = excluded.policies")
      .bind(1, vault.name)
      .bind(2, std::int64_t{vault.model == PermissionModel::roles})
      .bind(3, policies)
      .run();
}

}  // namespace

struct Vaults::Impl {
  std::map<std::string, VaultProperties, std::less<>> vaults;  ///< by lower-case name
  sqlite::Writer* writer = nullptr;
};

Vaults::Vaults(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Vaults::~Vaults() = default;

Result<std::unique_ptr<Vaults>> Vaults::load(sqlite::Database& database,
                                             const std::vector<VaultOptions>& wanted) {
  auto made = database.execute(
      "CREATE TABLE IF NOT EXISTS vaults("
      "  name TEXT PRIMARY KEY COLLATE NOCASE, roles INTEGER NOT NULL, policies TEXT NOT NULL)");
  if (!made) return fail(made.error());
  auto impl = std::make_unique<Impl>();
  auto kept = read_all(database.cached("SELECT name, roles, policies FROM vaults"));
  if (!kept) return fail(kept.error());
  for (auto& vault : *kept) impl->vaults.emplace(to_lower(vault.name), std::move(vault));
  for (const auto& each : wanted) {
    if (!is_vault_name(each.name)) return invalid_name(each.name);
    auto& vault = impl->vaults[to_lower(each.name)];
    const bool as_wanted = !vault.name.empty() && (!each.model || *each.model == vault.model);
    if (as_wanted) continue;
    if (vault.name.empty()) vault.name = each.name;
    if (each.model) vault.model = *each.model;
    if (auto written = write(database, vault); !written) return fail(written.error());
  }
  return std::unique_ptr<Vaults>(new Vaults(std::move(impl)));
}

void Vaults::use_writer(sqlite::Writer& writer) {
  impl_->writer = &writer;
}

const VaultProperties* Vaults::find(std::string_view name) const {
  const auto found = impl_->vaults.find(to_lower(name));
  return found == impl_->vaults.end() ? nullptr : &found->second;
}

std::vector<VaultProperties> Vaults::list() const {
  std::vector<VaultProperties> all;
  for (const auto& [name, vault] : impl_->vaults) all.push_back(vault);
  return all;
}

Task<Result<VaultProperties>> Vaults::change(std::string name,
                                             std::function<void(VaultProperties&)> change) {
  LK_ASSERT(impl_->writer != nullptr);
  if (!is_vault_name(name)) co_return invalid_name(name);
  // Read and written in one transaction: of two changes at the same time, both count.
  auto work = [name,
               change = std::move(change)](sqlite::Database& database) -> Result<VaultProperties> {
    auto& rows = database.cached("SELECT name, roles, policies FROM vaults WHERE name = ?1");
    rows.bind(1, name);
    auto kept = read_all(rows);
    if (!kept) return fail(kept.error());
    auto vault = kept->empty() ? VaultProperties{.name = name} : std::move(kept->front());
    change(vault);
    if (auto written = write(database, vault); !written) return fail(written.error());
    return vault;
  };
  auto changed = co_await impl_->writer->run(std::move(work));
  if (changed) impl_->vaults.insert_or_assign(to_lower(name), *changed);
  co_return changed;
}

bool is_vault_name(std::string_view name) {
  const auto fits = [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return name.size() >= kNameMin && name.size() <= kNameMax && is_letter(name.front()) &&
         name.back() != '-' && name.find("--") == name.npos && std::ranges::all_of(name, fits);
}

}  // namespace latchkey::cloud

#include "cloud/queues/queue_settings_store.hpp"

#include "base/assert.hpp"
#include "base/encoding.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS queue_service (
  account TEXT PRIMARY KEY, properties TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_policy (queue INTEGER PRIMARY KEY, policies TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS queue_secret (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)";

tl::unexpected<Error> unreadable(std::string_view what) {
  return fail(ErrorKind::storage, "StorageError",
              std::string("the queue store's ").append(what) + " are damaged");
}

Result<Secret> load_secret(sqlite::Database& database, Random& random) {
  Bytes fresh(kSecretBytes);
  random.fill(fresh);
  const std::string text = to_base64(fresh);
  auto& insert = database.cached("INSERT OR IGNORE INTO queue_secret VALUES ('delegation', ?1)");
  if (auto done = insert.bind(1, std::string_view(text)).run(); !done) return fail(done.error());
  auto& select = database.cached("SELECT value FROM queue_secret WHERE name = 'delegation'");
  if (const auto row = select.step(); !row) return fail(row.error());
  Secret secret{std::string(select.text(0))};
  select.reset();
  return secret;
}

/// Those that are kept; the fresh account's when there are none.
Result<wire::ServiceProperties> read_properties(sqlite::Database& database,
                                                std::string_view account) {
  auto properties = wire::default_service_properties();
  auto& select = database.cached("SELECT properties FROM queue_service WHERE account = ?1");
  const auto row = select.bind(1, account).step();
  if (!row) return fail(row.error());
  if (*row) {
    auto kept = wire::parse_service_properties(select.text(0));
    if (!kept) return unreadable("service properties");
    wire::change_service_properties(properties, std::move(*kept));
  }
  select.reset();
  return properties;
}

}  // namespace

Result<std::unique_ptr<QueueSettingsStore>> QueueSettingsStore::load(sqlite::Database& database,
                                                                     Random& random) {
  if (auto made = database.execute(kTables); !made) return fail(made.error());
  auto store = std::unique_ptr<QueueSettingsStore>(new QueueSettingsStore);
  auto secret = load_secret(database, random);
  if (!secret) return fail(secret.error());
  store->delegation_secret_ = std::move(*secret);

  auto& services = database.cached("SELECT account, properties FROM queue_service");
  for (;;) {
    const auto row = services.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    auto properties = wire::parse_service_properties(services.text(1));
    if (!properties) return unreadable("service properties");
    store->properties_.emplace(services.text(0), std::move(*properties));
  }
  services.reset();

  auto& queues = database.cached("SELECT queue, policies FROM queue_policy");
  for (;;) {
    const auto row = queues.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    auto policies = wire::parse_signed_identifiers(queues.text(1));
    if (!policies) return unreadable("access policies");
    store->policies_.emplace(static_cast<std::uint32_t>(queues.integer(0)), std::move(*policies));
  }
  queues.reset();
  return store;
}

const wire::ServiceProperties& QueueSettingsStore::properties(std::string_view account) const {
  const auto found = properties_.find(account);
  return found == properties_.end() ? fresh_ : found->second;
}

Task<Result<>> QueueSettingsStore::change_properties(std::string account,
                                                     wire::ServiceProperties change) {
  LK_ASSERT(writer_ != nullptr);
  // Read and written in one piece of work, so that two changes at once both hold.
  auto work = [account, change = std::move(change)](
                  sqlite::Database& database) mutable -> Result<wire::ServiceProperties> {
    auto properties = read_properties(database, account);
    if (!properties) return fail(properties.error());
    wire::change_service_properties(*properties, std::move(change));
    const std::string text = wire::render_service_properties(*properties);
    auto& write = database.cached("INSERT OR REPLACE INTO queue_service VALUES (?1, ?2)");
    write.bind(1, std::string_view(account)).bind(2, std::string_view(text));
    if (auto done = write.run(); !done) return fail(done.error());
    return properties;
  };
  auto changed = co_await writer_->run(std::move(work));
  if (!changed) co_return fail(changed.error());
  properties_.insert_or_assign(std::move(account), std::move(*changed));
  co_return Result<>{};
}

const std::vector<wire::SignedIdentifier>& QueueSettingsStore::policies(std::uint32_t queue) const {
  const auto found = policies_.find(queue);
  return found == policies_.end() ? none_ : found->second;
}

Task<Result<>> QueueSettingsStore::set_policies(std::uint32_t queue,
                                                std::vector<wire::SignedIdentifier> policies) {
  LK_ASSERT(writer_ != nullptr);
  auto work = [queue, text = wire::render_signed_identifiers(policies)](
                  sqlite::Database& database) -> Result<> {
    auto& write = database.cached(
        "INSERT INTO queue_policy SELECT id, ?2 FROM queue WHERE id = ?1 AND deleted = 0 "
        "ON CONFLICT (queue) DO UPDATE SET policies = excluded.policies");
    write.bind(1, std::int64_t{queue}).bind(2, std::string_view(text));
    if (auto done = write.run(); !done) return fail(done.error());
    if (database.changes() > 0) return {};
    return fail(ErrorKind::not_found, "QueueNotFound", "the specified queue does not exist");
  };
  const auto written = co_await writer_->run(std::move(work));
  if (!written) co_return fail(written.error());
  policies_.insert_or_assign(queue, std::move(policies));
  co_return Result<>{};
}

Task<Result<>> QueueSettingsStore::forget_queue(std::uint32_t queue) {
  LK_ASSERT(writer_ != nullptr);
  if (policies(queue).empty()) co_return Result<>{};
  auto work = [queue](sqlite::Database& database) {
    return database.cached("DELETE FROM queue_policy WHERE queue = ?1")
        .bind(1, std::int64_t{queue})
        .run();
  };
  const auto done = co_await writer_->run(std::move(work));
  policies_.erase(queue);
  co_return done;
}

}  // namespace latchkey::cloud

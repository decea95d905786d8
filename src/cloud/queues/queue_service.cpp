#include "cloud/queues/queue_service.hpp"

#include <algorithm>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/task.hpp"
#include "cloud/queues/buffered_random.hpp"
#include "cloud/queues/cors_rules.hpp"
#include "cloud/queues/queue_authorization.hpp"
#include "cloud/queues/queue_handlers.hpp"
#include "cloud/queues/queue_rules.hpp"
#include "cloud/queues/queue_settings_store.hpp"
#include "cloud/queues/queue_store.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kServerName = "latchkey-queue/1.0";
/// What a request without any version is answered with: the oldest that the signatures allow.
constexpr std::string_view kVersionWhenNone = "2009-09-19";
constexpr std::size_t kClientRequestIdMax = 1024;
constexpr std::chrono::seconds kCollectEvery{1};

/// The version that a request asks for: its header's, else that of its SAS; empty for neither.
/// `query` is null when the query cannot be read.
std::string_view asked_version(const http::Request& request, const http::Query* query) {
  if (const auto header = request.headers.find("x-ms-version")) return *header;
  const std::string* by_sas = query != nullptr ? http::find_parameter(*query, "sv") : nullptr;
  return by_sas != nullptr && is_api_version(*by_sas) ? std::string_view(*by_sas)
                                                      : std::string_view();
}

bool is_echoable(std::string_view id) {
  return id.size() <= kClientRequestIdMax &&
         std::all_of(id.begin(), id.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
}

/// What the error says of itself, on one line. A string-to-sign repeats the query, and so the
/// signature of a SAS that came beside another credential.
std::string details_of(const wire::StorageError& error, const http::Request& request) {
  const bool has_signature = request.query_text().find("sig=") != std::string_view::npos;
  if (has_signature && request.headers.contains("Authorization")) return "two credentials at once";
  std::string details;
  for (const auto& [name, value] : error.details) {
    details.append(details.empty() ? "" : "; ").append(name).append("=").append(value);
  }
  return details;
}

/// For who wonders why an SDK's call fails. Never a key or a signature, nor the query, which may
/// hold one.
void log_refusal(const http::Request& request, const wire::StorageError& error,
                 std::string_view request_id) {
  if (!log::enabled(log::Level::debug)) return;
  log::debug("queue_request_refused",
             {{"method", http::to_string(request.method)},
              {"path", request.path()},
              {"status", error.status},
              {"code", error.code},
              {"details", details_of(error, request)},
              {"version", request.headers.find("x-ms-version").value_or("")},
              {"client", request.headers.find("User-Agent").value_or("")},
              {"request_id", request_id}});
}

Result<> check_accounts(const std::vector<StorageAccount>& accounts) {
  for (const auto& account : accounts) {
    const bool key1_right = !account.key1.empty() && from_base64(account.key1.reveal());
    const bool key2_right = account.key2.empty() || from_base64(account.key2.reveal());
    if (account.name.empty() || !key1_right || !key2_right) {
      return fail(ErrorKind::invalid_argument, "InvalidAccount",
                  "storage account '" + account.name + "': its keys must be base64");
    }
  }
  return {};
}

}  // namespace

struct QueueService::Impl {
  Impl(QueueServiceOptions options, std::unique_ptr<QueueSettingsStore> settings_in,
       Authenticator& authenticator, const RoleAssignments& roles, Clock& clock_in,
       Random& random_in, Executor executor)
      : clock(clock_in),
        random(random_in),
        settings(std::move(settings_in)),
        authorization(
            {.accounts = std::move(options.accounts),
             .tenancy = std::move(options.tenancy),
             .login_origin = std::move(options.login_origin),
             .delegation_keys = DelegationKeys(settings->delegation_secret()),
             .find_policy = [this](std::string_view account, std::string_view queue,
                                   std::string_view id) { return policy(account, queue, id); }},
            authenticator, roles, clock_in),
        tasks(executor) {}

  std::optional<wire::AccessPolicy> policy(std::string_view account, std::string_view queue,
                                           std::string_view id) const;
  Task<http::Response> answer(const http::Request& request);
  /// What can be refused without knowing who asks for what.
  Served<QueueAddress> check_form(const http::Request& request,
                                  const std::optional<http::Query>& query) const;
  Task<Served<http::Response>> serve(const http::Request& request, const http::Query& query,
                                     const QueueAddress& address);
  void add_common_headers(const http::Request& request, std::string_view version,
                          std::string_view request_id, http::Response& response) const;
  Task<> collect_for_ever();

  Clock& clock;
  BufferedRandom random;
  const std::unique_ptr<QueueSettingsStore> settings;
  QueueAuthorization authorization;
  std::unique_ptr<QueueStore> store;
  std::optional<QueueHandlers> handlers;
  TaskGroup tasks;
};

QueueService::QueueService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
QueueService::~QueueService() = default;

Result<std::unique_ptr<QueueService>> QueueService::open(QueueServiceOptions options,
                                                         Authenticator& authenticator,
                                                         const RoleAssignments& roles, Clock& clock,
                                                         Random& random, Executor executor) {
  if (auto right = check_accounts(options.accounts); !right) return fail(right.error());
  auto database = QueueJournal::open_file(options.database);
  if (!database) return fail(database.error());
  auto settings = QueueSettingsStore::load(*database, random);
  if (!settings) return fail(settings.error());
  const auto deletion_window = options.deletion_window;
  const QueueStore::Options store_options{.metrics = options.metrics};
  auto impl = std::make_unique<Impl>(std::move(options), std::move(*settings), authenticator, roles,
                                     clock, random, executor);
  auto store = QueueStore::open(std::move(*database), clock, impl->random, store_options);
  if (!store) return fail(store.error());
  impl->store = std::move(*store);
  impl->settings->use_writer(impl->store->writer());
  impl->handlers.emplace(
      *impl->store, *impl->settings, clock,
      QueueHandlers::Options{.delegation_keys = DelegationKeys(impl->settings->delegation_secret()),
                             .deletion_window = deletion_window});
  impl->tasks.spawn("queue_collect", impl->collect_for_ever());
  return std::unique_ptr<QueueService>(new QueueService(std::move(impl)));
}

http::Handler QueueService::handler() {
  return [impl = impl_.get()](const http::Request& request) { return impl->answer(request); };
}

Task<Result<>> QueueService::ensure_queue(std::string account, std::string queue) {
  if (!impl_->authorization.is_account(account)) {
    co_return fail(ErrorKind::not_found, "ResourceNotFound",
                   "there is no storage account '" + account + "'");
  }
  if (const auto wrong = check_queue_name(queue)) {
    co_return fail(ErrorKind::invalid_argument, wrong->code,
                   "'" + queue +
                       "' is no name for a queue: 3 to 63 lower-case letters, digits "
                       "and single hyphens");
  }
  if (impl_->store->find_queue(account, queue)) co_return Result<>{};
  wire::Metadata none;
  const auto made = co_await impl_->store->create_queue(account, queue, std::move(none));
  // Made by somebody else meanwhile, with metadata: it is there, which is all we want.
  if (!made && made.error().kind != ErrorKind::conflict) co_return fail(made.error());
  co_return Result<>{};
}

Task<> QueueService::stop() {
  impl_->tasks.cancel();
  co_await impl_->tasks.join();
}

std::optional<wire::AccessPolicy> QueueService::Impl::policy(std::string_view account,
                                                             std::string_view queue,
                                                             std::string_view id) const {
  const auto number = store->find_queue(account, queue);
  if (!number) return std::nullopt;
  for (const auto& identifier : settings->policies(*number)) {
    if (identifier.id == id) return identifier.policy;
  }
  return std::nullopt;
}

Task<http::Response> QueueService::Impl::answer(const http::Request& request) {
  const std::string request_id = random.uuid();
  const auto query = http::parse_query(request.query_text());
  const auto address = check_form(request, query);
  Served<http::Response> served;
  if (address) {
    served = co_await serve(request, *query, *address);
  } else {
    served = refuse(address.error());
  }
  http::Response response;
  if (served) {
    response = std::move(*served);
  } else {
    log_refusal(request, served.error(), request_id);
    response = wire::render_storage_error(served.error(), request_id, clock.now());
  }
  add_common_headers(request, asked_version(request, query ? &*query : nullptr), request_id,
                     response);
  if (address && request.method != http::Method::options) {
    add_cors_headers(*settings->properties(address->account).cors, request, response);
  }
  co_return response;
}

Served<QueueAddress> QueueService::Impl::check_form(const http::Request& request,
                                                    const std::optional<http::Query>& query) const {
  const auto version = request.headers.find("x-ms-version");
  if (version && !version->empty() && !is_api_version(*version)) {
    return refuse(invalid_header("x-ms-version", *version));
  }
  const bool sends_body =
      request.method == http::Method::put || request.method == http::Method::post;
  if (sends_body && !request.has_length()) {
    return refuse(wire::storage_error("MissingContentLengthHeader"));
  }
  if (!query) return refuse(wire::storage_error("InvalidUri"));
  return parse_queue_address(
      request, [this](std::string_view name) { return authorization.is_account(name); });
}

Task<Served<http::Response>> QueueService::Impl::serve(const http::Request& request,
                                                       const http::Query& query,
                                                       const QueueAddress& address) {
  if (request.method == http::Method::options) {
    co_return answer_preflight(*settings->properties(address.account).cors, request);
  }
  const auto operation = find_operation(request, address, query);
  if (!operation) co_return refuse(operation.error());
  const QueueCall call{.request = request,
                       .query = query,
                       .address = address,
                       .operation = *operation,
                       .version = asked_version(request, &query)};
  const auto caller = authorization.check(call);
  if (!caller) co_return refuse(caller.error());
  // How long the server may take; ours always takes less, so only its form matters.
  const auto timeout = integer_parameter(
      query, {.name = "timeout", .min = 0, .max = std::numeric_limits<std::int64_t>::max()});
  if (!timeout) co_return refuse(timeout.error());
  co_return co_await handlers->serve(call, *caller);
}

void QueueService::Impl::add_common_headers(const http::Request& request, std::string_view version,
                                            std::string_view request_id,
                                            http::Response& response) const {
  http::Headers& headers = response.headers;
  headers.add("Server", kServerName);
  headers.add("x-ms-request-id", request_id);
  headers.add("x-ms-version", is_api_version(version) ? version : kVersionWhenNone);
  if (const auto id = request.headers.find("x-ms-client-request-id"); id && is_echoable(*id)) {
    headers.add("x-ms-client-request-id", *id);
  }
  if (request.method == http::Method::get) headers.add("Cache-Control", "no-cache");
}

Task<> QueueService::Impl::collect_for_ever() {
  for (;;) {
    co_await clock.sleep_for(kCollectEvery);
    bool more = true;
    while (more) more = co_await store->collect();
  }
}

}  // namespace latchkey::cloud

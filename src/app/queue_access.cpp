#include "app/queue_access.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "app/azure_access.hpp"
#include "app/names.hpp"
#include "app/running_cloud.hpp"
#include "azure/queue_shards.hpp"

namespace latchkey::app {
namespace {

/// Where "/ACCOUNT/" or, on a host of its own, "/" of a queue's path ends.
std::string account_path(const http::Url& url) {
  return url.path.substr(0, url.path.rfind('/'));
}

/// The account that `queue` is in, as one of the queues that STORAGE_QUEUE_URL lists.
Result<azure::QueueAddress> account_of(std::string_view queue, const std::string& listed,
                                       azure::TokenCredential* credential) {
  auto urls = azure::expand_queue_urls(listed);
  if (!urls) return fail(std::move(urls.error()));
  std::map<std::string, azure::QueueAddress> accounts;
  std::map<std::string, azure::QueueAddress> with_queue;
  for (const std::string& url : *urls) {
    auto address = azure::queue_address_from_url(url, credential);
    if (!address) return address;
    const auto account = account_path(address->url);
    if (address->url.path == account + "/" + std::string(queue)) {
      with_queue.emplace(address->url.origin() + account, *address);
    }
    accounts.emplace(address->url.origin() + account, *address);
  }
  auto& possible = with_queue.empty() ? accounts : with_queue;
  if (possible.size() == 1) return std::move(possible.begin()->second);
  return fail(ErrorKind::invalid_argument, "AmbiguousQueue",
              fmt::format("STORAGE_QUEUE_URL lists {} queues, and \"{}\" may be in {} accounts: "
                          "choose one of the listed with --queue, or set STORAGE_QUEUE_URL to the "
                          "one queue for this command",
                          urls->size(), queue, possible.size()));
}

}  // namespace

Result<azure::QueueAddress> QueueAccess::address(const Environment& environment,
                                                 const QueueOptions& options, World world) {
  if (const auto& text = environment.get("AZURE_STORAGE_CONNECTION_STRING"); !text.empty()) {
    return azure::queue_address_from_connection_string(text, options.queue);
  }
  auto credential = azure::make_default_credential(read_credential_settings(environment), *http_,
                                                   world.clock, world.executor);
  if (!credential) return fail(credential.error());
  credential_ = std::move(*credential);
  auto address = account_of(options.queue, environment.get("STORAGE_QUEUE_URL"), credential_.get());
  if (!address) return address;
  const std::string account =
      options.account.empty() ? account_path(address->url) : "/" + options.account;
  address->url.path = account + "/" + options.queue;
  return address;
}

Result<std::unique_ptr<QueueAccess>> QueueAccess::open(const CommonOptions& common,
                                                       const QueueOptions& options, World world) {
  if (!azure::is_queue_name(options.queue)) {
    return fail(ErrorKind::invalid_argument, "InvalidResourceName",
                "\"" + options.queue +
                    "\" is no possible queue name: 3 to 63 lower-case letters, digits and single "
                    "hyphens");
  }
  const auto& own = common.environment;
  const bool by_environment = !common.data_given && options.account.empty() &&
                              (!own.get("AZURE_STORAGE_CONNECTION_STRING").empty() ||
                               !own.get("STORAGE_QUEUE_URL").empty());
  Environment environment = own;
  std::string authority;
  if (!by_environment) {
    auto running = read_running_cloud(common.data);
    if (!running) return fail(running.error());
    auto local = environment_for(*running, kOperatorIdentity);
    if (!local) return fail(local.error());
    environment = std::move(*local);
    environment.set("AZURE_STORAGE_CONNECTION_STRING", "");  // By token and role, as anybody else.
    auto pem = read_file(running->authority_file());
    if (!pem) return fail(pem.error());
    authority = std::move(*pem);
  }
  std::unique_ptr<QueueAccess> access(new QueueAccess);
  auto trust = http::TlsClientContext::system_trust(authority);
  if (!trust) return fail(trust.error());
  access->http_ =
      std::make_unique<http::PooledClient>(world.executor, std::move(*trust), world.clock);
  auto address = access->address(environment, options, world);
  if (!address) return fail(address.error());
  access->queue_ = std::make_unique<azure::QueueClient>(std::move(*address), *access->http_,
                                                        world.clock, world.random);
  return access;
}

}  // namespace latchkey::app

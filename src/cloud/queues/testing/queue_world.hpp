#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/sqlite_writer.hpp"
#include "base/task.hpp"
#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "cloud/queues/queue_service.hpp"
#include "cloud/testing/test_tokens.hpp"
#include "wire/sas.hpp"

namespace latchkey::cloud::testing {

using latchkey::testing::await;

/// A queue service in memory with one account, "acc", spoken to without sockets. The caller of
/// tests with tokens is kTestPrincipal, with no roles at first.
class QueueWorld {
 public:
  explicit QueueWorld(std::chrono::seconds deletion_window = {});
  ~QueueWorld();

  struct Call {
    http::Method method = http::Method::get;
    std::string target{};  ///< "/acc/orders/messages?numofmessages=2"
    std::string body{};
    http::Headers headers{};
    bool over_tls = false;
    std::string peer = "127.0.0.1";
  };
  /// As it is, with x-ms-version and Host where they are missing.
  http::Response send(Call call);
  /// With a Shared Key signature by key1.
  http::Response signed_send(Call call, bool lite = false);
  /// With a bearer token for https://storage.azure.com, over TLS.
  http::Response token_send(Call call);

  void give_role(std::string_view role, std::string scope);
  std::string put_body(std::string_view text) const;

  IoContext context;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random{3};
  Tenancy tenancy;
  Secret key1;
  Secret key2;
  std::unique_ptr<QueueService> service;

  /// The parts of `send`, for requests that a test bends further.
  http::Request prepare(Call call) const;
  http::Response answer(const http::Request& request);

 private:
  std::unique_ptr<RoleAssignments> roles_;
  std::unique_ptr<sqlite::Writer> roles_writer_;
  SigningKeys keys_{test_key(), clock};
  std::unique_ptr<Authenticator> authenticator_;
};

http::Request sign(http::Request request, std::string_view account, const Secret& key,
                   bool lite = false);

}  // namespace latchkey::cloud::testing

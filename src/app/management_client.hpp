#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "app/running_cloud.hpp"
#include "app/world.hpp"
#include "azure/credential.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "http/client_pool.hpp"

/// The running local cloud's management plane, spoken to as the operator.
namespace latchkey::app {

class ManagementClient {
 public:
  static Result<std::unique_ptr<ManagementClient>> open(RunningCloud running, World world);

  /// `path` is a resource id. The answer's object, empty for an answer without a body.
  /// Error: denied, not_found, conflict or invalid_argument with what the cloud said.
  Task<Result<boost::json::object>> get(std::string path);
  Task<Result<boost::json::object>> put(std::string path, boost::json::object body);
  Task<Result<boost::json::object>> post(std::string path, boost::json::object body);
  Task<Result<boost::json::object>> remove(std::string path);

  const RunningCloud& running() const { return running_; }
  World world() const { return world_; }
  std::string subscription() const { return "/subscriptions/" + running_.subscription_id; }
  std::string resource_group() const {
    return subscription() + "/resourceGroups/" + running_.resource_group;
  }
  /// Of an identity in our own form: ".../providers/Latchkey.Identity/identities/NAME".
  std::string identity_path(std::string_view name = {}) const;

 private:
  ManagementClient(RunningCloud running, World world)
      : running_(std::move(running)), world_(world) {}
  Task<Result<boost::json::object>> call(http::Method method, std::string path, std::string body);

  RunningCloud running_;
  World world_;
  std::unique_ptr<http::PooledClient> http_;
  std::unique_ptr<azure::TokenCredential> credential_;
};

/// What `latchkey run`, `env` and the commands on identities need to know of one.
struct IdentityFacts {
  std::string name;
  std::string kind;  ///< systemAssigned, userAssigned, servicePrincipal
  std::string client_id;
  std::string object_id;
};
IdentityFacts identity_facts(const boost::json::object& identity);

/// The identity of that name; not_found says how to make it.
Task<Result<IdentityFacts>> find_identity(ManagementClient& management, std::string name);
/// The identity of that name, made with `kind` when there is none; it has no role then. Error:
/// conflict when it is there with another kind.
Task<Result<IdentityFacts>> ensure_identity(ManagementClient& management, std::string name,
                                            std::string kind);
/// IDENTITY_HEADER of a managed identity.
Task<Result<Secret>> identity_header(ManagementClient& management, std::string name);
/// A new client secret of a service principal, good for `life` (0: two years).
Task<Result<Secret>> new_client_secret(ManagementClient& management, std::string name,
                                       std::chrono::seconds life);

/// The text member of that name, also in "properties"; "" when there is none.
std::string member_of(const boost::json::object& object, std::string_view name);

}  // namespace latchkey::app

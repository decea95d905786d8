#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "cloud/identity/authenticator.hpp"
#include "cloud/identity/role_assignments.hpp"
#include "cloud/queues/delegation_keys.hpp"
#include "cloud/queues/queue_addressing.hpp"
#include "cloud/queues/queue_operation.hpp"
#include "cloud/queues/queue_service.hpp"
#include "cloud/tenancy.hpp"
#include "http/message.hpp"
#include "wire/access_policy.hpp"
#include "wire/sas.hpp"
#include "wire/shared_key.hpp"
#include "wire/storage_error.hpp"

/// Whether a caller may do what it asks: Shared Key and SharedKeyLite, account, service and user
/// delegation SAS, bearer tokens with roles. Before anything is said about what exists.
/// Source: REST reference "Authorize requests to Azure Storage" and the pages below it.
namespace latchkey::cloud {

struct QueueCall {
  const http::Request& request;
  const http::Query& query;
  const QueueAddress& address;
  QueueOperation operation;
  /// x-ms-version, else that of the SAS; empty when there is neither.
  std::string_view version;
};

/// Who called; empty unless a token said it.
struct Caller {
  std::string object_id{};
  std::string tenant_id{};
};

using Refusal = std::optional<wire::StorageError>;

class QueueAuthorization {
 public:
  /// The stored access policy of that id; nullopt when there is none, or no such queue.
  using FindPolicy = std::function<std::optional<wire::AccessPolicy>(
      std::string_view account, std::string_view queue, std::string_view id)>;
  struct Options {
    std::vector<StorageAccount> accounts;
    Tenancy tenancy;
    std::string login_origin;
    DelegationKeys delegation_keys;
    FindPolicy find_policy;
  };
  /// `authenticator`, `roles` and `clock` must outlive this.
  QueueAuthorization(Options options, Authenticator& authenticator, const RoleAssignments& roles,
                     Clock& clock);

  bool is_account(std::string_view name) const { return find_account(name) != nullptr; }
  /// Allowed, with who it is. Errors: 401 NoAuthenticationInformation and InvalidAuthenticationInfo
  /// with a challenge (versions from 2019-12-12 on; 403 AuthenticationFailed before), 403
  /// AuthenticationFailed with AuthenticationErrorDetail, AuthorizationPermissionMismatch, ...
  Served<Caller> check(const QueueCall& call);

 private:
  /// An account with what follows from its name, computed once.
  struct Account {
    StorageAccount names;
    std::string host;  ///< https://ACCOUNT.queue.core.windows.net
    std::string resource_id;
  };

  const Account* find_account(std::string_view name) const;
  Refusal check_shared_key(const QueueCall& call, const Account& account,
                           std::string_view authorization) const;
  Refusal check_sas(const QueueCall& call, const Account& account, wire::Sas sas) const;
  Refusal check_sas_signature(const QueueCall& call, const Account& account,
                              const wire::Sas& sas) const;
  /// A user delegation SAS that names its user works with that user's token only.
  Refusal check_delegated_user(const QueueCall& call, const Account& account, const wire::Sas& sas);
  Served<Caller> check_bearer(const QueueCall& call, const Account& account);
  Served<Caller> read_token(const QueueCall& call, const Account& account);
  Refusal check_role(const QueueCall& call, const Account& account,
                     std::string_view object_id) const;
  wire::StorageError unauthenticated(const QueueCall& call, std::string_view code,
                                     std::string_view detail) const;
  bool signed_with_a_key(const Account& account, std::string_view text,
                         std::string_view signature) const;

  const Tenancy tenancy_;
  const std::string challenge_;
  const std::string public_challenge_;  ///< for hosts of core.windows.net
  const DelegationKeys delegation_keys_;
  const FindPolicy find_policy_;
  std::vector<Account> accounts_;
  Authenticator& authenticator_;
  const RoleAssignments& roles_;
  Clock& clock_;
};

/// 403 AuthenticationFailed that says why.
wire::StorageError authentication_failed(std::string_view detail);

}  // namespace latchkey::cloud

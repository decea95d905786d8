#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"
#include "cloud/identity/credentials.hpp"

namespace latchkey::cloud {

/// The one API of its own that the local tenant knows (an app registration with this App ID URI):
/// tokens for it carry the caller's app roles.
inline constexpr std::string_view kApiAudience = "api://latchkey";

/// As Azure has them. A system-assigned identity belongs to one app, which has its name; a
/// user-assigned one stands alone and is attached to apps; a service principal signs in by itself.
enum class IdentityKind { system_assigned, user_assigned, service_principal };

/// "systemAssigned", "userAssigned", "servicePrincipal".
std::string_view to_string(IdentityKind kind);
std::optional<IdentityKind> identity_kind_from(std::string_view text);

struct Identity {
  std::string name;
  IdentityKind kind = IdentityKind::system_assigned;
  std::string client_id;
  std::string object_id;
  /// IDENTITY_HEADER: at the managed identity endpoint it says which app asks, and so who it is.
  Secret identity_header;
  std::vector<std::string> app_roles{};  ///< at kApiAudience
  std::vector<Credential> credentials{};
  std::vector<std::string> attached{};  ///< object ids of user-assigned identities it may use
};

/// A secret that was just made: its text is nowhere else.
struct NewSecret {
  Credential credential;
  Secret text;
};

/// The identities of the local tenant, kept in the database. Few, so that finding one may look at
/// all; secrets are compared in a time that does not depend on their content. Pointers hold until
/// their identity is removed. One thread. What changes anything is durable when it returns.
class Identities {
 public:
  /// The identity that answers where a request names none.
  static constexpr std::string_view kDefaultName = "default";
  static constexpr std::size_t kIdentitiesMax = 10'000;
  static constexpr std::size_t kCredentialsMax = 20;

  /// Makes the tables in `database` and reads what is there. Before the writer starts.
  static Result<std::unique_ptr<Identities>> load(sqlite::Database& database, Random& random);
  ~Identities();
  void use_writer(sqlite::Writer& writer);

  /// Errors: invalid_argument (InvalidIdentityName: 1 to 64 letters, digits, '-', '_', '.'),
  /// conflict (IdentityExists: of another kind; TooManyIdentities).
  Task<Result<Identity>> create(std::string name, IdentityKind kind);
  /// The identity of that name (without case), made as a system-assigned one when there is none.
  /// Errors as `create`.
  Task<Result<Identity>> ensure(std::string name);
  /// With its credentials, app roles and attachments. Its role assignments stay, as in Azure: they
  /// name an object id that never comes again. Error: not_found (IdentityNotFound), as all below.
  Task<Result<>> remove(std::string name);
  /// Gives the identity an app role at kApiAudience, unless it has it.
  /// Errors: invalid_argument (InvalidAppRole: spelled as names are).
  Task<Result<>> ensure_app_role(std::string object_id, std::string role);

  /// Makes a secret and puts it, with `credential`'s name and end, to a service principal.
  /// Errors, for this and the next: invalid_argument (CredentialNotAllowed: not for that kind of
  /// identity), conflict (TooManyCredentials).
  Task<Result<NewSecret>> add_secret(std::string name, Credential credential);
  /// `credential`: a certificate (service principals) or a federated one (user-assigned identities
  /// as well). Gets an id unless it has one; one of that id is replaced.
  Task<Result<Credential>> add_credential(std::string name, Credential credential);
  /// Error: not_found (CredentialNotFound).
  Task<Result<>> remove_credential(std::string name, std::string credential_id);
  /// Lets the app of that name use a user-assigned identity, or no longer; again is no error.
  /// Error: invalid_argument (NotUserAssigned).
  Task<Result<>> attach(std::string app, std::string user_assigned);
  Task<Result<>> detach(std::string app, std::string user_assigned);

  /// Each gives nullptr when there is none.
  const Identity* by_name(std::string_view name) const;
  const Identity* by_client_id(std::string_view client_id) const;
  const Identity* by_object_id(std::string_view object_id) const;
  const Identity* by_header(std::string_view identity_header) const;
  /// The one named "default", else the only one; service principals do not count.
  const Identity* default_identity() const;
  const std::list<Identity>& all() const;

 private:
  struct Impl;
  explicit Identities(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::cloud

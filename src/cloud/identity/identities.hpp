#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"

namespace latchkey::cloud {

/// The one API of its own that the local tenant knows (an app registration with this App ID URI):
/// tokens for it carry the caller's app roles.
inline constexpr std::string_view kApiAudience = "api://latchkey";

/// An application's identity, as a managed identity or a service principal uses it.
struct Identity {
  std::string name;
  std::string client_id;
  std::string object_id;
  Secret identity_header;  ///< IDENTITY_HEADER: names this identity at the App Service endpoint
  Secret client_secret;    ///< AZURE_CLIENT_SECRET
  std::vector<std::string> app_roles{};  ///< at kApiAudience
};

/// The identities of the local tenant, kept in the database. Few, so that finding one may look at
/// all; secrets are compared in a time that does not depend on their content. Pointers hold as long
/// as this object. One thread.
class Identities {
 public:
  /// The identity that answers where a request names none.
  static constexpr std::string_view kDefaultName = "default";

  /// Makes the tables in `database` and reads what is there. Before the writer starts.
  static Result<std::unique_ptr<Identities>> load(sqlite::Database& database, Random& random);
  ~Identities();
  void use_writer(sqlite::Writer& writer);

  /// The identity of that name (without case), made when there is none; durable when it returns.
  /// Error: invalid_argument (InvalidIdentityName: 1 to 64 letters, digits, '-', '_', '.').
  Task<Result<Identity>> ensure(std::string name);
  /// Gives the identity an app role at kApiAudience, unless it has it; durable when it returns.
  /// Errors: not_found (IdentityNotFound), invalid_argument (InvalidAppRole: spelled as names are).
  Task<Result<>> ensure_app_role(std::string object_id, std::string role);

  /// Each gives nullptr when there is none.
  const Identity* by_name(std::string_view name) const;
  const Identity* by_client_id(std::string_view client_id) const;
  const Identity* by_object_id(std::string_view object_id) const;
  const Identity* by_header(std::string_view identity_header) const;
  /// The one named "default", else the only one.
  const Identity* default_identity() const;

 private:
  struct Impl;
  explicit Identities(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::cloud

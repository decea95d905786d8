#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "codes/audit.hpp"
#include "http/message.hpp"
#include "service/api_keys.hpp"
#include "service/role.hpp"

/// Who may call the API: everybody (on loopback, or when told so), holders of an API key, or apps
/// with a token of Entra ID that carries the app role.
namespace latchkey::service {

struct Caller {
  std::string name;  ///< "key:web", "app:<client id>", or "address:127.0.0.1" where the API is open
};

/// What a checked bearer token says.
struct BearerClaims {
  std::string client_id;
  std::vector<std::string> roles;
};

struct GatekeeperOptions {
  /// No credential is asked for; what is sent all the same is not looked at.
  bool open = false;
  /// The text of the vault's secret with the API keys; unset when there are none. `refused`: the
  /// value we have does not know a key; read it again if it is old enough.
  std::function<Task<Result<Secret>>(bool refused)> api_keys{};
  /// Checks signature, issuer, audience and times of a token; unset when Entra ID is not
  /// configured. Error kinds: denied (the token is not good), unavailable (the keys cannot be
  /// fetched).
  std::function<Task<Result<BearerClaims>>(Secret token)> bearer{};
};

/// An API key comes in `x-api-key`, a token in `Authorization: Bearer`. Answers for a refused
/// caller: 400 for both at once (whose rights would count?), 401 with WWW-Authenticate naming what
/// is accepted, 403 naming the missing role, 503 when who it is cannot be found out.
class Gatekeeper {
 public:
  /// Open, or with at least one way to tell callers apart (asserted).
  Gatekeeper(GatekeeperOptions options, codes::Audit& audit);
  /// `request` must outlive the task.
  Task<tl::expected<Caller, http::Response>> admit(const http::Request& request, Role needed);

 private:
  struct Identity;
  Task<tl::expected<Identity, http::Response>> identify(const http::Request& request);
  Task<tl::expected<Identity, http::Response>> identify_key(Secret key, std::string address);
  Task<tl::expected<Identity, http::Response>> identify_token(Secret token, std::string address);
  Task<Result<const ApiKey*>> look_up(const Secret& key, bool refused);
  tl::unexpected<http::Response> refuse(std::string_view address, std::string_view why);

  GatekeeperOptions options_;
  codes::Audit& audit_;
  Secret keys_text_;  ///< what `keys_` was read from
  std::vector<ApiKey> keys_;
};

}  // namespace latchkey::service

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/running_cloud.hpp"
#include "app/world.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"

/// The identity that `latchkey run` and `latchkey env` give to a program, and in which form.
namespace latchkey::app {

/// How a program in Azure comes to its tokens.
enum class IdentityForm {
  app_service,    ///< IDENTITY_ENDPOINT and IDENTITY_HEADER
  imds,           ///< http://169.254.169.254, as on a virtual machine
  client_secret,  ///< AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID
};
/// "app-service", "imds", "client-secret".
std::optional<IdentityForm> identity_form(std::string_view text);

struct AppIdentity {
  std::string name;
  std::string client_id;
  IdentityForm form = IdentityForm::app_service;
  bool is_user_assigned = false;  ///< SDKs must be told: AZURE_CLIENT_ID
  Secret identity_header{};       ///< managed forms
  Secret client_secret{};         ///< the third form
};

/// The identity `name`, made when there is none: system-assigned, or a service principal for the
/// form client_secret. A new one has no role, and a line on standard error says how to give it one.
/// A service principal's secret is made once and kept in client-secrets.json (0600) of the data
/// folder. Errors: unavailable, conflict (there is such an identity, of another kind).
Task<Result<AppIdentity>> app_identity(RunningCloud running, std::string name, IdentityForm form,
                                       World world);

}  // namespace latchkey::app

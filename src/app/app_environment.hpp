#pragma once

#include <string_view>

#include "app/app_identity.hpp"
#include "app/environment.hpp"
#include "app/running_cloud.hpp"

/// The environment variables by which programs on Azure's SDKs come to the local cloud.
namespace latchkey::app {

/// Whether `latchkey run` keeps this variable of its own environment from the program: what could
/// be a credential for the real Azure, or would lead past the local cloud.
bool is_withheld(std::string_view variable);

/// For a program with production addresses: proxy, certificates, identity.
Environment proxy_environment(const RunningCloud& running, const AppIdentity& identity);

/// For a program that is given our own addresses: those (but for the connection string, which is
/// of an account), certificates, identity.
/// `vault_resolves`: NAME.vault.localhost is known to the system's resolver; else the vault's
/// address is plain localhost.
Environment direct_environment(const RunningCloud& running, const AppIdentity& identity,
                               bool vault_resolves);

/// A value in single quotes, safe for every shell.
std::string shell_quoted(std::string_view value);

}  // namespace latchkey::app

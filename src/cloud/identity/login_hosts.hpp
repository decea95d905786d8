#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cloud/tenancy.hpp"
#include "http/message.hpp"

/// The names under which clients come to the login service: its own, and through a proxy those of
/// Entra ID, whose documents must then name Entra ID's hosts and no port.
/// Source: aliases of the public cloud in MSAL's instance metadata.
namespace latchkey::cloud {

inline constexpr std::string_view kPublicLoginHost = "login.microsoftonline.com";

/// "login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net".
bool is_public_login_host(std::string_view host);

/// For addresses in documents: a public host as it is, else "host:own_port". The C++ SDK leaves the
/// port out of Host, so the one that the client wrote does not count.
std::string login_authority(const http::Request& request, std::uint16_t own_port);

/// Whether an assertion with this audience is meant for us: the URL of a token endpoint or of the
/// tenant, at a public host or at one of our own names and our port.
bool is_login_audience(std::string_view audience, const Tenancy& tenancy, std::uint16_t own_port);

/// Our tenant's id, "adfs" (with which JavaScript and Python skip the public login host), "common"
/// or "organizations"; without case.
bool is_our_tenant(std::string_view tenant, const Tenancy& tenancy);

}  // namespace latchkey::cloud

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

/// What several services read from a request's header fields.
namespace latchkey::cloud {

/// The host that the client named in Host, in lower case and without port; IPv6 keeps its brackets.
/// "localhost" when there is none or it is no host.
std::string request_host(const http::Request& request);
/// "host:port" for addresses in answers: as the client wrote it, with `own_port` where it wrote no
/// port (443 is then left out).
std::string request_authority(const http::Request& request, std::uint16_t own_port);
/// The token of "Authorization: Bearer TOKEN"; nullopt for another scheme or none.
std::optional<std::string_view> bearer_token(const http::Request& request);

}  // namespace latchkey::cloud

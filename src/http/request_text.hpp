#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/client.hpp"
#include "http/proxy_rules.hpp"

/// Requests as bytes (RFC 9112 section 3). Pure.
namespace latchkey::http {

/// Whether `request` can be written at all. Error: invalid_argument for a method without a name, a
/// target that is not plain visible ASCII, a field name that is no token, a field value with CR,
/// LF or NUL. The message names the field, never its value.
Result<> check_request(const ClientRequest& request);

/// Appends request line and fields, with the blank line; the body follows as append_body writes
/// it. Of the request's fields Host, Content-Length, Connection and Transfer-Encoding are left out:
/// they are the client's own. `authority` is what Host says. With a `proxy` the target takes the
/// absolute form, and the proxy's authorization goes along.
void append_head(const ClientRequest& request, std::string_view authority, const Proxy* proxy,
                 std::string& out);

/// Where chunked: the line before, and what ends the body behind, the one chunk.
std::string chunk_line(std::size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n0\r\n\r\n";
inline constexpr std::string_view kNoChunks = "0\r\n\r\n";

/// "CONNECT host:port" to a proxy, whole.
std::string connect_request(std::string_view host_and_port, const Proxy& proxy);

}  // namespace latchkey::http

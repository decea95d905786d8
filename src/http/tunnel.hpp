#pragma once

#include "http/router.hpp"
#include "http/tls.hpp"

namespace latchkey::http {

/// The inside of a CONNECT (RFC 9110 section 9.3.6) that ends here instead of being passed on: a
/// proxy stands in for the host it was asked for. A handler answers CONNECT with a Response that
/// holds one; the connection then says 200 and from there on speaks TLS, or plain HTTP when that is
/// what comes, and its requests go to `handler`.
struct Tunnel {
  TlsServerContext tls;
  Handler handler;
};

}  // namespace latchkey::http

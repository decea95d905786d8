#pragma once

#include <string>

#include "http/router.hpp"

namespace latchkey::cloud {

/// The services that share the https port. In Azure each has a host of its own; here the host
/// decides where it can (NAME.vault.localhost, login.localhost, management.localhost), else the
/// path: many clients come as plain "localhost".
struct FrontServices {
  http::Handler vault;
  http::Handler login;
  http::Handler management;
};
http::Handler make_front(FrontServices services);

/// Writes a line per request at level debug: method, path, status; never the query, which may hold
/// a key. Gives `handler` itself when that level is off.
http::Handler with_request_log(std::string server, http::Handler handler);

}  // namespace latchkey::cloud

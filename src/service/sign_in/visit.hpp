#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "service/sign_in/session.hpp"

/// What a request tells about the browser and the way it came.
namespace latchkey::service::sign_in {

struct Visit {
  std::string address;  ///< the browser's, as far as we can know
  bool https = false;
  bool loopback = false;  ///< browser and server are one machine
  std::string origin;     ///< "https://app.example": what the browser has in its address bar
  std::optional<Session> session;

  /// For limits and the audit.
  std::string caller() const { return "sign-in:" + address; }
  /// Sessions travel over TLS only, or within one machine.
  bool is_private() const { return https || loopback; }
};

/// `behind_proxy`: a front end that we trust (App Service) ends TLS before us and appends to
/// X-Forwarded-For and sets X-Forwarded-Proto; without one nobody may claim either.
Visit read_visit(const http::Request& request, bool behind_proxy, const Sealer& sealer);

/// A post from one of our own pages, as far as the browser says (Fetch Metadata; Origin, RFC 6454).
/// Browsers older than both say nothing: the forms' own token is the guard there.
bool is_same_origin(const http::Request& request, const Visit& visit);

/// Set-Cookie for a session, or for its end with an empty `value`. HttpOnly: no script reads it.
/// SameSite=Lax, not Strict: a link to our pages from elsewhere must find the session, or the page
/// would begin a new one in its place. Posts are guarded by the forms' token and is_same_origin.
/// Over TLS: Secure, with the prefix __Host- (RFC 6265bis section 4.1.3.2): no neighbouring host
/// can put a cookie of that name.
std::string session_cookie(const Visit& visit, std::string_view value);

}  // namespace latchkey::service::sign_in

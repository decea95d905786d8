#include "service/sign_in/visit.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "http/url.hpp"

namespace latchkey::service::sign_in {
namespace {

constexpr std::string_view kSecureName = "__Host-latchkey-session";
constexpr std::string_view kPlainName = "latchkey-session";

std::string_view cookie_name(const Visit& visit) {
  return visit.https ? kSecureName : kPlainName;
}

/// The entry that the front end appended is the last; App Service writes "address:port".
std::string last_forwarded(std::string_view forwarded) {
  auto last = trim(split(forwarded, ',').back());
  if (last.starts_with('[')) return std::string(last.substr(1, last.find(']') - 1));
  const auto colon = last.find(':');
  const bool is_ipv6 = colon != last.rfind(':');
  return std::string(is_ipv6 ? last : last.substr(0, colon));
}

std::optional<Session> find_session(const http::Request& request, std::string_view name,
                                    const Sealer& sealer) {
  for (const auto field : request.headers) {
    if (!iequals(field.name, "Cookie")) continue;
    for (const auto pair : split(field.value, ';')) {
      const auto cookie = trim(pair);
      const auto equals = cookie.find('=');
      if (equals == std::string_view::npos || cookie.substr(0, equals) != name) continue;
      if (auto session = sealer.open(cookie.substr(equals + 1))) return session;
    }
  }
  return std::nullopt;
}

}  // namespace

Visit read_visit(const http::Request& request, bool behind_proxy, const Sealer& sealer) {
  Visit visit;
  visit.address = request.peer_address;
  visit.https = request.over_tls;
  if (behind_proxy) {
    if (const auto forwarded = request.headers.find("X-Forwarded-For")) {
      visit.address = last_forwarded(*forwarded);
    }
    visit.https =
        visit.https || iequals(request.headers.find("X-Forwarded-Proto").value_or(""), "https");
  }
  visit.loopback = http::is_loopback_host(visit.address);
  visit.origin = fmt::format("{}://{}", visit.https ? "https" : "http",
                             to_lower(request.headers.find("Host").value_or("")));
  visit.session = find_session(request, cookie_name(visit), sealer);
  return visit;
}

bool is_same_origin(const http::Request& request, const Visit& visit) {
  // "none" is the person's own doing, such as loading a page again.
  const auto site = request.headers.find("Sec-Fetch-Site").value_or("none");
  if (site != "same-origin" && site != "none") return false;
  const auto origin = request.headers.find("Origin");
  return !origin || to_lower(*origin) == visit.origin;
}

std::string session_cookie(const Visit& visit, std::string_view value) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Lax{}{}", cookie_name(visit), value,
                     visit.https ? "; Secure" : "", value.empty() ? "; Max-Age=0" : "");
}

}  // namespace latchkey::service::sign_in

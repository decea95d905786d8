#include "service/sign_in/pages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/time_text.hpp"
#include "service/web_files.hpp"

namespace latchkey::service::sign_in {
namespace {

struct Asset {
  std::string_view name;
  std::string_view type;
};
constexpr std::array<Asset, 3> kAssets = {{{"style.css", "text/css; charset=utf-8"},
                                           {"code.js", "text/javascript; charset=utf-8"},
                                           {"key.svg", "image/svg+xml"}}};

std::string asset_url(std::string_view name) {
  return fmt::format("/assets/{}?v={}", name, to_hex(sha256(web_file(name))).substr(0, 12));
}

/// Nothing from elsewhere, nothing inline, in nobody's frame, kept by nobody.
void set_security_headers(http::Headers& headers, const Visit& visit) {
  headers.set("Content-Security-Policy",
              "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
              "form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
  headers.set("X-Content-Type-Options", "nosniff");
  // Not no-referrer: under that, browsers send "Origin: null" with our own forms (Fetch standard,
  // "append a request Origin header").
  headers.set("Referrer-Policy", "same-origin");
  headers.set("Cache-Control", "no-store");
  if (visit.https) headers.set("Strict-Transport-Security", "max-age=31536000");
}

}  // namespace

http::Response page(const Visit& visit, int status, std::string_view title, Html content) {
  static const std::string style = asset_url("style.css");
  static const std::string script = asset_url("code.js");
  static const std::string picture = asset_url("key.svg");
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  set_security_headers(response.headers, visit);
  response.body = render(web_file("layout.html"), {{"title", title},
                                                   {"style", style},
                                                   {"script", script},
                                                   {"picture", picture},
                                                   {"content", std::move(content)}})
                      .text;
  return response;
}

http::Response notice_page(const Visit& visit, const Notice& notice) {
  std::string text(notice.text);
  if (notice.retry_after.count() > 0) {
    text += fmt::format(" Try again {}.", in_words(notice.retry_after));
  }
  auto response = page(visit, notice.status, notice.title,
                       render(web_file("notice.html"), {{"title", notice.title},
                                                        {"text", text},
                                                        {"link", notice.link},
                                                        {"link_text", notice.link_text}}));
  if (notice.retry_after.count() > 0) {
    response.headers.set("Retry-After", std::to_string(notice.retry_after.count()));
  }
  return response;
}

http::Response https_needed(const Visit& visit) {
  return notice_page(visit, {.status = 403,
                             .title = "This page needs HTTPS",
                             .text = "Passwords and codes do not travel over plain HTTP. Open this "
                                     "page with https:// in front of its address.",
                             .link = "/",
                             .link_text = "Go to the start page"});
}

http::Response dead_link(const Visit& visit) {
  return notice_page(visit, {.status = 404,
                             .title = "This link no longer works",
                             .text = "Its time is over, or it was cut off on its way. Codes live "
                                     "for minutes only: what was sent with it works no more."});
}

http::Response go_to(const Visit& visit, std::string_view path) {
  http::Response response;
  response.status = 303;
  response.headers.set("Location", path);
  set_security_headers(response.headers, visit);
  return response;
}

Html alert(std::string_view text) {
  if (text.empty()) return {};
  return render(web_file("alert.html"), {{"text", text}});
}

Html status(std::string_view text) {
  if (text.empty()) return {};
  return render(web_file("status.html"), {{"text", text}});
}

std::string time_of_day(UtcTime time) {
  // "Wed, 15 Apr 2020 16:54:48 GMT"
  return to_rfc1123(time).substr(17, 8) + " UTC";
}

std::string day_and_time(UtcTime time) {
  const auto text = to_rfc1123(time);
  return fmt::format("{}, {}", text.substr(5, 11), time_of_day(time));
}

std::string in_words(std::chrono::seconds wait) {
  if (wait.count() == 1) return "in a second";
  if (wait.count() < 90) return fmt::format("in {} seconds", wait.count());
  return fmt::format("in {} minutes", (wait.count() + 59) / 60);
}

std::optional<http::Response> asset(std::string_view name) {
  const auto* found = std::find_if(kAssets.begin(), kAssets.end(),
                                   [name](const Asset& each) { return each.name == name; });
  if (found == kAssets.end()) return std::nullopt;
  http::Response response;
  response.headers.set("Content-Type", found->type);
  response.headers.set("Cache-Control", "public, max-age=31536000, immutable");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.body = web_file(name);
  return response;
}

}  // namespace latchkey::service::sign_in

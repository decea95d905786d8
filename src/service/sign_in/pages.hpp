#pragma once

#include <optional>
#include <string_view>

#include "http/message.hpp"
#include "service/sign_in/html.hpp"
#include "service/sign_in/visit.hpp"

/// What the pages have in common. They work without JavaScript; code.js only adds to them.
namespace latchkey::service::sign_in {

/// A whole page with its security headers. `content` goes into web/layout.html.
http::Response page(const Visit& visit, int status, std::string_view title, Html content);

/// A page that only says something, and where to go on.
struct Notice {
  int status = 200;
  std::string_view title;
  std::string_view text;
  std::string_view link = "/sign-in";
  std::string_view link_text = "Go to sign-in";
  std::chrono::seconds retry_after{0};  ///< said in text and header unless 0
};
http::Response notice_page(const Visit& visit, const Notice& notice);

/// For a visit that is not private.
http::Response https_needed(const Visit& visit);
/// For a "this was not me" link that is no longer good.
http::Response dead_link(const Visit& visit);

/// 303: the browser gets the next page, and loading that again repeats nothing.
http::Response go_to(const Visit& visit, std::string_view path);

/// Shown above a form; nothing for an empty text. An alert is read aloud at once.
Html alert(std::string_view text);
Html status(std::string_view text);

/// "16:54:48 UTC", and "15 Apr 2020, 16:54:48 UTC".
std::string time_of_day(UtcTime time);
std::string day_and_time(UtcTime time);
/// "in 40 seconds", "in 2 minutes".
std::string in_words(std::chrono::seconds wait);

/// Style, script and picture, for a year in the browser's cache: their address changes with their
/// content. Nullopt for other names.
std::optional<http::Response> asset(std::string_view name);

}  // namespace latchkey::service::sign_in

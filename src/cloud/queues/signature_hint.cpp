#include "cloud/queues/signature_hint.hpp"

#include <array>

#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::size_t kLengthLine = 3;
constexpr std::size_t kTypeLine = 5;
constexpr std::size_t kDateLine = 6;

/// The text with one line of it replaced.
std::string with_line(std::string_view text, std::size_t line, std::string_view instead) {
  std::string changed;
  std::size_t number = 0;
  for (const std::string_view part : split(text, '\n')) {
    if (number > 0) changed += '\n';
    changed.append(number++ == line ? instead : part);
  }
  return changed;
}

}  // namespace

std::string signature_hint(const wire::SignedRequest& request, std::string_view account, bool lite,
                           const std::function<bool(std::string_view)>& is_signed_by) {
  const auto full = [account](const wire::SignedRequest& what) {
    return wire::shared_key_string_to_sign(what, account);
  };
  const std::string text = full(request);
  const std::string other = lite ? text : wire::shared_key_lite_string_to_sign(request, account);
  auto once = request;
  if (const std::string prefix = "/" + std::string(account); once.path.starts_with(prefix)) {
    once.path.remove_prefix(prefix.size());
  }
  auto bare = request;
  const http::Query no_query;
  bare.query = &no_query;
  const auto date = request.headers->find("x-ms-date").value_or("");

  struct Mistake {
    std::string text;
    std::string_view meaning;
  };
  const std::array<Mistake, 6> mistakes = {{
      {other, lite ? "the form of SharedKey under the name SharedKeyLite"
                   : "the form of SharedKeyLite under the name SharedKey"},
      {full(once), "the account once, where a path-style address needs it twice"},
      {full(bare), "the resource without its query parameters"},
      {with_line(text, kLengthLine, "0"), "a Content-Length of 0, which must be left empty"},
      {with_line(text, kDateLine, date), "the date in the line Date, beside x-ms-date"},
      {with_line(text, kTypeLine, ""), "no Content-Type, although the request has one"},
  }};
  for (const Mistake& mistake : mistakes) {
    if (is_signed_by(mistake.text)) return std::string(mistake.meaning);
  }
  return {};
}

}  // namespace latchkey::cloud

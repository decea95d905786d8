#include "wire/challenge.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace latchkey::wire {
namespace {

constexpr std::string_view kAuthorizePath = "/oauth2/authorize";
constexpr std::string_view kDefaultScope = "/.default";

/// A scheme ("Bearer") or a parameter ("resource" = "https://...").
struct Part {
  std::string_view name;
  std::string value;
  bool is_parameter = false;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::optional<Part> next() {
    skip(" \t,");
    if (rest_.empty()) return std::nullopt;
    Part part;
    part.name = take_until(" \t,=");
    const std::string_view before_blanks = rest_;
    skip(" \t");
    if (!rest_.starts_with('=')) {
      rest_ = before_blanks;
      return part;
    }
    rest_.remove_prefix(1);
    skip(" \t");
    part.is_parameter = true;
    part.value = rest_.starts_with('"') ? take_quoted() : std::string(take_until(" \t,"));
    return part;
  }

 private:
  void skip(std::string_view set) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(set), rest_.size()));
  }

  std::string_view take_until(std::string_view set) {
    const auto taken = rest_.substr(0, rest_.find_first_of(set));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  /// An unfinished quotation ends with the text.
  std::string take_quoted() {
    std::string value;
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') break;
      if (c == '\\' && !rest_.empty()) {
        c = rest_.front();
        rest_.remove_prefix(1);
      }
      value.push_back(c);
    }
    return value;
  }

  std::string_view rest_;
};

std::string without_end(std::string text, std::string_view end) {
  if (text.ends_with(end)) text.resize(text.size() - end.size());
  return text;
}

void take_parameter(BearerChallenge& challenge, std::string_view name, std::string value) {
  if (iequals(name, "authorization")) {
    challenge.authorization = std::move(value);
  } else if (iequals(name, "authorization_uri")) {
    challenge.authorization = without_end(std::move(value), kAuthorizePath);
  } else if (iequals(name, "resource") || iequals(name, "resource_id")) {
    challenge.resource = std::move(value);
  } else if (iequals(name, "scope") && challenge.resource.empty()) {
    challenge.resource = without_end(std::move(value), kDefaultScope);
  }
}

}  // namespace

std::string BearerChallenge::tenant() const {
  std::string_view rest = authorization;
  const auto scheme = rest.find("://");
  if (scheme == std::string_view::npos) return {};
  rest.remove_prefix(scheme + 3);
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return {};
  rest.remove_prefix(slash + 1);
  return std::string(rest.substr(0, rest.find_first_of("/?#")));
}

std::optional<BearerChallenge> parse_bearer_challenge(std::string_view header) {
  BearerChallenge challenge;
  bool in_bearer = false;
  Reader reader(header);
  while (const auto part = reader.next()) {
    if (part->is_parameter) {
      if (in_bearer) take_parameter(challenge, part->name, part->value);
      continue;
    }
    if (!challenge.authorization.empty()) break;
    in_bearer = iequals(part->name, "Bearer");
    challenge = {};
  }
  if (challenge.authorization.empty()) return std::nullopt;
  return challenge;
}

std::string render_vault_challenge(const BearerChallenge& challenge) {
  return "Bearer authorization=\"" + challenge.authorization + "\", resource=\"" +
         challenge.resource + "\"";
}

std::string render_storage_challenge(const BearerChallenge& challenge) {
  return "Bearer authorization_uri=" + challenge.authorization + std::string(kAuthorizePath) +
         " resource_id=" + challenge.resource;
}

}  // namespace latchkey::wire

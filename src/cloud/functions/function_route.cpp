#include "cloud/functions/function_route.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

tl::unexpected<Error> not_understood(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid_argument, "InvalidRoute", fmt::format("\"{}\" {}", text, why));
}

std::string_view without_slashes(std::string_view text) {
  if (text.starts_with('/')) text.remove_prefix(1);
  if (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

/// Empty for the root.
std::vector<std::string_view> segments_of(std::string_view path) {
  path = without_slashes(path);
  return path.empty() ? std::vector<std::string_view>{} : split(path, '/');
}

}  // namespace

Result<FunctionRoute> FunctionRoute::parse(std::string_view text) {
  FunctionRoute route;
  route.text_ = without_slashes(text);
  for (const auto part : segments_of(text)) {
    const bool may_follow = route.segments_.empty() || (route.segments_.back().kind != Kind::rest &&
                                                        !route.segments_.back().optional);
    if (!may_follow) return not_understood(text, "goes on behind an optional parameter");
    Segment segment{.kind = Kind::plain, .text = std::string(part)};
    if (part.starts_with('{') && part.ends_with('}')) {
      auto parameter = parse_parameter(part.substr(1, part.size() - 2));
      if (!parameter) return fail(parameter.error());
      segment = std::move(*parameter);
    } else if (part.empty() || part.find_first_of("{}*?%") != part.npos) {
      return not_understood(text, "has a segment that is neither a text nor one {parameter}");
    }
    const bool is_constrained = segment.kind == Kind::whole_number || segment.kind == Kind::letters;
    route.rank_ += segment.kind == Kind::plain  ? '1'
                   : is_constrained             ? '2'
                   : segment.kind == Kind::rest ? '5'
                                                : '3';
    route.segments_.push_back(std::move(segment));
  }
  return route;
}

Result<FunctionRoute::Segment> FunctionRoute::parse_parameter(std::string_view inner) {
  const auto whole = inner;
  Segment segment{.kind = Kind::any, .text = {}};
  if (inner.starts_with('*')) {
    inner.remove_prefix(inner.starts_with("**") ? 2 : 1);
    segment.kind = Kind::rest;
  }
  if (inner.ends_with('?')) {
    inner.remove_suffix(1);
    segment.optional = true;
  }
  if (const auto colon = inner.find(':'); colon != inner.npos) {
    const auto constraint = inner.substr(colon + 1);
    const bool is_number = constraint == "int" || constraint == "long";
    if (segment.kind == Kind::rest || (!is_number && constraint != "alpha")) {
      return not_understood(whole, "has a constraint other than int, long and alpha");
    }
    segment.kind = is_number ? Kind::whole_number : Kind::letters;
    inner = inner.substr(0, colon);
  }
  if (inner.empty() || inner.find_first_of("{}*?=%") != inner.npos) {
    return not_understood(whole, "is no parameter's name (defaults are not supported)");
  }
  segment.text = inner;
  return segment;
}

bool FunctionRoute::fits(const Segment& segment, std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  switch (segment.kind) {
    case Kind::plain:
      return iequals(segment.text, text);
    case Kind::whole_number:
      return parse_integer<std::int64_t>(text).has_value();
    case Kind::letters:
      return std::ranges::all_of(text, is_letter);
    case Kind::any:
    case Kind::rest:
      return true;
  }
  return false;
}

std::optional<FunctionRoute::Parameters> FunctionRoute::match(std::string_view path) const {
  const auto parts = segments_of(path);
  Parameters caught;
  std::size_t at = 0;
  for (const Segment& segment : segments_) {
    if (segment.kind == Kind::rest) {
      const auto left = at < parts.size()
                            ? path.substr(static_cast<std::size_t>(parts[at].data() - path.data()))
                            : std::string_view{};
      auto text = percent_decode(left);
      if (!text) return std::nullopt;
      caught.emplace_back(segment.text, std::move(*text));
      return caught;
    }
    if (at == parts.size()) {
      if (!segment.optional) return std::nullopt;
      return caught;
    }
    auto text = percent_decode(parts[at++]);
    if (!text || text->empty() || !fits(segment, *text)) return std::nullopt;
    if (segment.kind != Kind::plain) caught.emplace_back(segment.text, std::move(*text));
  }
  if (at != parts.size()) return std::nullopt;
  return caught;
}

}  // namespace latchkey::cloud

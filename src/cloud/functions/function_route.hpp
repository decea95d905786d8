#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace latchkey::cloud {

/// The route of a function with an HTTP trigger: "api/codes/{id:int}/{part?}", "api/v1/{*rest}".
/// Paths compare without case; each segment is percent-decoded before. A slash at the end of a path
/// does not matter. Source: "Azure Functions HTTP trigger: Customize the HTTP endpoint" and, for
/// the order, "Routing in ASP.NET Core".
class FunctionRoute {
 public:
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  /// Error: invalid_argument, saying what is not understood (constraints other than int, long and
  /// alpha, defaults, more than one parameter in a segment).
  static Result<FunctionRoute> parse(std::string_view text);

  /// `path` begins with '/', still encoded. Nullopt when it is of another shape.
  std::optional<Parameters> match(std::string_view path) const;
  /// Of two routes that fit a path, that with the smaller one is meant.
  const std::string& rank() const { return rank_; }
  const std::string& text() const { return text_; }

 private:
  enum class Kind : std::uint8_t { plain, whole_number, letters, any, rest };
  struct Segment {
    Kind kind = Kind::plain;
    std::string text;  ///< the plain text, or the parameter's name
    bool optional = false;
  };
  static Result<Segment> parse_parameter(std::string_view inner);
  static bool fits(const Segment& segment, std::string_view text);

  std::string text_;
  std::vector<Segment> segments_;
  std::string rank_;
};

}  // namespace latchkey::cloud

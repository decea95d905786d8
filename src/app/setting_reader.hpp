#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/environment.hpp"
#include "base/result.hpp"
#include "codes/rate_limiter.hpp"

namespace latchkey::app {

/// "NAME is "found": problem. Example: NAME=example", kind invalid_argument: the one line to show.
tl::unexpected<Error> setting_error(std::string_view name, std::string_view found,
                                    std::string_view problem, std::string_view example);

/// Reads optional settings by type. The first wrong one stays as the error, and every read gives a
/// usable value, so that a list of settings reads like a list.
class SettingReader {
 public:
  explicit SettingReader(const Environment& environment) : environment_(environment) {}

  bool boolean(std::string_view name, bool otherwise);
  std::int64_t integer(std::string_view name, std::int64_t otherwise, std::int64_t least,
                       std::int64_t most);
  /// "30s", "10m". The example shown is `otherwise`.
  std::chrono::milliseconds duration(std::string_view name, std::chrono::milliseconds otherwise,
                                     std::chrono::milliseconds least,
                                     std::chrono::milliseconds most);
  /// "100/1m"; "off" for no limit.
  codes::Rate rate(std::string_view name, codes::Rate otherwise);
  std::string text(std::string_view name, std::string_view otherwise = {});

  const std::optional<Error>& error() const { return error_; }

 private:
  void wrong(std::string_view name, std::string_view problem, std::string_view example);

  const Environment& environment_;
  std::optional<Error> error_;
};

}  // namespace latchkey::app

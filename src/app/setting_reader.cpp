#include "app/setting_reader.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time_text.hpp"

namespace latchkey::app {
namespace {

using std::chrono::milliseconds;

std::string rate_text(const codes::Rate& rate) {
  if (rate.count == 0) return "off";
  return fmt::format("{}/{}", rate.count, to_duration_text(rate.window));
}

std::optional<codes::Rate> parse_rate(std::string_view text) {
  if (text == "off") return codes::Rate{.count = 0};
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto count = parse_integer<std::int64_t>(text.substr(0, slash));
  const auto window = parse_duration(text.substr(slash + 1));
  if (!count || !window || *count < 1 || *count > 1'000'000'000) return std::nullopt;
  if (*window < std::chrono::seconds{1} || *window > std::chrono::hours{24}) return std::nullopt;
  return codes::Rate{.count = *count,
                     .window = std::chrono::duration_cast<std::chrono::seconds>(*window)};
}

}  // namespace

tl::unexpected<Error> setting_error(std::string_view name, std::string_view found,
                                    std::string_view problem, std::string_view example) {
  std::string line = found.empty() && problem.empty()
                         ? fmt::format("{} is not set.", name)
                         : fmt::format("{} is \"{}\": {}.", name, found, problem);
  return fail(ErrorKind::invalid_argument, "InvalidSetting",
              fmt::format("{} Example: {}={}", line, name, example));
}

void SettingReader::wrong(std::string_view name, std::string_view problem,
                          std::string_view example) {
  if (error_) return;
  error_ = setting_error(name, environment_.get(name), problem, example).value();
}

bool SettingReader::boolean(std::string_view name, bool otherwise) {
  const std::string text = to_lower(environment_.get(name));
  if (text.empty()) return otherwise;
  if (text == "true" || text == "1") return true;
  if (text != "false" && text != "0") wrong(name, "it is true or false", "true");
  return false;
}

std::int64_t SettingReader::integer(std::string_view name, std::int64_t otherwise,
                                    std::int64_t least, std::int64_t most) {
  const std::string& text = environment_.get(name);
  if (text.empty()) return otherwise;
  const auto number = parse_integer<std::int64_t>(text);
  if (number && *number >= least && *number <= most) return *number;
  wrong(name, fmt::format("it is a number from {} to {}", least, most), fmt::to_string(otherwise));
  return otherwise;
}

milliseconds SettingReader::duration(std::string_view name, milliseconds otherwise,
                                     milliseconds least, milliseconds most) {
  const std::string& text = environment_.get(name);
  if (text.empty()) return otherwise;
  const auto duration = parse_duration(text);
  if (duration && *duration >= least && *duration <= most) return *duration;
  wrong(name,
        fmt::format("it is a time from {} to {}", to_duration_text(least), to_duration_text(most)),
        to_duration_text(otherwise));
  return otherwise;
}

codes::Rate SettingReader::rate(std::string_view name, codes::Rate otherwise) {
  const std::string& text = environment_.get(name);
  if (text.empty()) return otherwise;
  if (const auto rate = parse_rate(text)) return *rate;
  wrong(name, "it is off, or how many in which time (1s to 24h)",
        otherwise.count == 0 ? "100/1m" : rate_text(otherwise));
  return otherwise;
}

std::string SettingReader::text(std::string_view name, std::string_view otherwise) {
  const std::string& text = environment_.get(name);
  return text.empty() ? std::string(otherwise) : text;
}

}  // namespace latchkey::app

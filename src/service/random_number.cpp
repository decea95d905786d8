#include "service/random_number.hpp"

#include <fmt/format.h>

namespace latchkey::service {
namespace {

Task<http::Response> answer(Random& random) {
  const std::uint64_t value = 1 + random.below(1000);
  auto response = http::json_response(200, fmt::format(R"({{"value": {}}})", value));
  response.headers.set("Cache-Control", "no-store");
  co_return response;
}

}  // namespace

http::Handler random_number_function(Random& random) {
  return [&random](const http::Request&) { return answer(random); };
}

}  // namespace latchkey::service

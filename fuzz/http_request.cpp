#include "fuzz/property.hpp"
#include "http/request_parser.hpp"

/// The HTTP server's parser. Its first input byte says into how large pieces the rest is cut: the
/// requests that come out must not depend on that, or two readers could see two different streams.
namespace latchkey::http {
namespace {

using Progress = RequestParser::Progress;

/// The requests that a stream of bytes came to, as text. When a fault is found, and whether the
/// client is told to go on, may depend on the pieces; what is taken for a request must not.
std::string read_all(std::string_view stream, std::size_t piece) {
  ServerLimits limits;
  limits.header_bytes_max = 2'048;
  limits.target_bytes_max = 512;
  limits.body_bytes_max = 1'024;
  RequestParser parser(limits);
  std::string seen;
  std::string waiting;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    waiting.append(stream.substr(at, piece));
    std::string_view input = waiting;
    for (bool more = true; more;) {
      const std::size_t before = input.size();
      const Progress progress = parser.parse(input);
      fuzz::hold(input.size() <= before, "input only gets shorter");
      switch (progress) {
        case Progress::need_more:
          more = false;
          break;
        case Progress::expects_continue:
          break;
        case Progress::complete: {
          const Request& request = parser.request();
          fuzz::hold(request.body.size() <= limits.body_bytes_max, "a body has its limit");
          seen += request.method_name + " " + request.target + " " + request.body + "\n";
          parser.next();
          break;
        }
        case Progress::refused:
          fuzz::hold(parser.refusal().status >= 400, "a refusal is an error");
          return seen;
      }
    }
    waiting.assign(std::string(input));
  }
  return seen;
}

}  // namespace
}  // namespace latchkey::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;
  if (size < 2) return 0;
  const std::size_t piece = 1 + data[0] % 64U;
  const std::string_view stream = fuzz::text_of(data + 1, size - 1);
  const std::string whole = http::read_all(stream, stream.size());
  fuzz::hold(http::read_all(stream, piece) == whole, "pieces make no difference");
  return 0;
}

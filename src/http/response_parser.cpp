#include "http/response_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>

#include "base/assert.hpp"

namespace latchkey::http {
namespace beast = boost::beast;
namespace {

constexpr int kInterimAnswersMax = 16;
constexpr int kSwitchingProtocols = 101;
constexpr std::string_view kLastChunk = "0\r\n\r\n";
/// More is taken as it comes: a length that is only announced costs no memory.
constexpr std::uint64_t kReserveMax = 64 * 1024;

using ErrorCode = beast::error_code;

/// Beast's parser, filling a Response.
class Parser final : public beast::http::basic_parser<false> {
 public:
  explicit Parser(Response& out) : out_(out) {}

 private:
  void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int,
                       ErrorCode&) override {}
  void on_response_impl(int status, beast::string_view reason, int, ErrorCode& error) override {
    if (status < 100) error = beast::http::error::bad_status;
    out_.status = status;
    out_.reason.assign(reason.data(), reason.size());
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     ErrorCode&) override {
    if (!header_done_) out_.headers.add(name, value);
  }
  void on_header_impl(ErrorCode&) override { header_done_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCode&) override {
    if (length) out_.body.reserve(static_cast<std::size_t>(std::min(*length, kReserveMax)));
  }
  std::size_t on_body_impl(beast::string_view bytes, ErrorCode&) override {
    out_.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, ErrorCode&) override {
    out_.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(ErrorCode&) override {}

  Response& out_;
  bool header_done_ = false;
};

tl::unexpected<Error> too_large(std::string what) {
  return fail(ErrorKind::protocol, "AnswerTooLarge", std::move(what) + " is larger than allowed");
}

tl::unexpected<Error> refuse(const ErrorCode& error) {
  if (error == beast::http::error::header_limit) return too_large("the answer's header");
  if (error == beast::http::error::body_limit) return too_large("the answer's body");
  return fail(ErrorKind::protocol, "MalformedAnswer",
              "the answer is not well-formed HTTP/1.1 (" + error.message() + ")");
}

}  // namespace

struct ResponseParser::Impl {
  explicit Impl(Limits limits_in) : limits(limits_in) {}

  void restart() {
    response = Response{};
    parser.emplace(response);
    parser->eager(true);
    parser->header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    parser->body_limit(limits.body_bytes_max);
    parser->skip(method == Method::head || method == Method::connect);
  }
  /// Nothing is switched here, so 101 is an answer like others (and ends the connection).
  bool is_interim() const {
    return response.status < 200 && response.status != kSwitchingProtocols;
  }

  Limits limits;
  Method method = Method::get;
  int interim_answers = 0;
  Response response;
  std::optional<Parser> parser;
};

ResponseParser::ResponseParser(Limits limits) : impl_(std::make_unique<Impl>(limits)) {}
ResponseParser::~ResponseParser() = default;

void ResponseParser::begin(Method method) {
  impl_->method = method;
  impl_->interim_answers = 0;
  impl_->restart();
}

Result<std::size_t> ResponseParser::feed(std::string_view bytes) {
  auto& parser = impl_->parser;
  LK_ASSERT(parser.has_value() && !parser->is_done());
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    // Fewer bytes never end a chunked body, and Beast 1.81 asserts when the last chunk is looked at
    // for the second time with four.
    const bool in_chunks = parser->is_header_done() && parser->chunked();
    if (in_chunks && bytes.size() - taken < kLastChunk.size()) break;
    ErrorCode error;
    taken +=
        parser->put(boost::asio::const_buffer(bytes.data() + taken, bytes.size() - taken), error);
    if (error && error != beast::http::error::need_more) return refuse(error);
    if (parser->is_done() && impl_->is_interim()) {
      if (++impl_->interim_answers > kInterimAnswersMax) {
        return fail(ErrorKind::protocol, "MalformedAnswer", "interim answers (1xx) do not end");
      }
      impl_->restart();
      continue;
    }
    if (error || parser->is_done()) break;
  }
  // Beast limits the header, but neither a chunk's line nor the trailers.
  if (!parser->is_done() && bytes.size() - taken > impl_->limits.header_bytes_max) {
    return too_large("a chunk's header or the trailers");
  }
  return taken;
}

Result<> ResponseParser::end_of_stream() {
  ErrorCode error = beast::http::error::partial_message;
  if (impl_->parser->got_some()) impl_->parser->put_eof(error);
  if (error) {
    return fail(ErrorKind::unavailable, "AnswerCutShort",
                "the connection was closed in the middle of the answer");
  }
  return {};
}

bool ResponseParser::done() const {
  return impl_->parser->is_done();
}

bool ResponseParser::reads_until_close() const {
  return impl_->parser->is_header_done() && impl_->parser->need_eof();
}

bool ResponseParser::keep_alive() const {
  return impl_->parser->keep_alive() && impl_->response.status != kSwitchingProtocols;
}

Response ResponseParser::take() {
  return std::move(impl_->response);
}

}  // namespace latchkey::http

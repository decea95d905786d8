#include "http/request_parser.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <functional>
#include <limits>
#include <optional>

#include "base/text.hpp"

namespace latchkey::http {
namespace beast = boost::beast;
namespace {

using ErrorCode = boost::system::error_code;
using BeastParser = beast::http::basic_parser<true>;

// What a request line holds beside its target: the longest method anybody uses, blanks, version.
constexpr std::size_t kLineBesideTarget = 48;
// The least that can end a chunked body. Beast asserts (in debug builds) that it gets as much.
constexpr std::string_view kLastChunk = "0\r\n\r\n";
// Set aside at once for a body whose length is announced; the rest as it really comes.
constexpr std::size_t kBodyReserve = 64 * 1024;

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// A host, a port and brackets at most (RFC 3986 section 3.2); empty is allowed.
bool is_host(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f &&
           std::string_view("/\\?#@,\"<>^`{|}").find(c) == std::string_view::npos;
  });
}

/// Origin form, absolute form, "*" or, for CONNECT, an authority (RFC 9112 section 3.2).
bool is_target(Method method, std::string_view text) {
  if (text.starts_with('/')) return true;
  if (method == Method::connect || text == "*") return true;
  const std::size_t scheme_end = text.find("://");
  return scheme_end != std::string_view::npos && scheme_end > 0;
}

}  // namespace

struct RequestParser::Impl {
  // Hands what Beast finds to the Impl. Made anew for each request: it cannot be reset.
  class Events final : public BeastParser {
   public:
    explicit Events(Impl& owner) : owner_(owner) {
      header_limit(std::numeric_limits<std::uint32_t>::max());  // ours is stricter and tells why
      body_limit(owner.limits.body_bytes_max);
    }

   private:
    using Text = beast::string_view;
    using Field = beast::http::field;
    void on_request_impl(beast::http::verb, Text method, Text target, int version,
                         ErrorCode& error) override {
      owner_.on_request(method, target, version, error);
    }
    void on_response_impl(int, Text, int, ErrorCode&) override {}
    void on_field_impl(Field field, Text name, Text value, ErrorCode& error) override {
      owner_.on_field(field, name, value, error);
    }
    void on_header_impl(ErrorCode& error) override { owner_.on_header(error); }
    void on_body_init_impl(const boost::optional<std::uint64_t>& size, ErrorCode&) override {
      owner_.on_body_begin(size.value_or(0));
    }
    std::size_t on_body_impl(Text bytes, ErrorCode&) override {
      owner_.request.body.append(bytes);
      return bytes.size();
    }
    void on_chunk_header_impl(std::uint64_t, Text extension, ErrorCode& error) override {
      owner_.on_chunk_extension(extension, error);
    }
    std::size_t on_chunk_body_impl(std::uint64_t, Text bytes, ErrorCode&) override {
      owner_.request.body.append(bytes);
      return bytes.size();
    }
    void on_finish_impl(ErrorCode&) override {}

    Impl& owner_;
  };

  explicit Impl(const ServerLimits& limits_in) : limits(limits_in) { parser.emplace(*this); }

  Progress parse(std::string_view& input);
  void next();
  Progress need_more(std::string_view unread);
  Progress refuse(const ErrorCode& error);
  void reject(int status, std::string_view why, ErrorCode& error);
  bool is_folded(std::string_view name, std::string_view value) const;

  void on_request(std::string_view method, std::string_view target, int version, ErrorCode& error);
  void on_field(beast::http::field field, std::string_view name, std::string_view value,
                ErrorCode& error);
  void on_header(ErrorCode& error);
  void on_body_begin(std::uint64_t size);
  void on_chunk_extension(std::string_view extension, ErrorCode& error);

  const ServerLimits& limits;
  Request request;
  std::optional<Events> parser;
  std::string_view window;  // what Beast reads from at this moment
  std::size_t header_bytes = 0;
  bool started = false;
  bool line_seen = false;
  bool http10 = false;
  bool skipped_empty_line = false;
  bool continue_asked = false;
  bool unknown_coding = false;
  bool unknown_expectation = false;
  std::uint8_t hosts = 0;
  std::uint8_t lengths = 0;
  std::uint8_t codings = 0;
  int refusal_status = 0;
  std::string refusal_text;
};

RequestParser::Progress RequestParser::Impl::parse(std::string_view& input) {
  if (!started) {
    // An empty line before a request is passed over, as RFC 9112 section 2.2 asks; just one.
    if (!skipped_empty_line && input.starts_with("\r\n")) {
      skipped_empty_line = true;
      input.remove_prefix(2);
    }
    if (input.empty() || (!skipped_empty_line && input == "\r")) return Progress::need_more;
    started = true;
  }
  while (!input.empty()) {
    const bool in_header = !parser->is_header_done();
    if (!in_header && parser->chunked() && input.size() < kLastChunk.size()) break;
    window = input;
    ErrorCode error;
    const std::size_t used = parser->put({input.data(), input.size()}, error);
    input.remove_prefix(used);
    if (in_header) header_bytes += used;
    if (error == beast::http::error::need_more) return need_more(input);
    if (error) return refuse(error);
    if (in_header && header_bytes > limits.header_bytes_max) {
      reject(431, "the request's header is too large", error);
      return refuse(error);
    }
    if (parser->is_done()) return Progress::complete;
    if (in_header) {
      parser->eager(true);
      // Who sends the body without waiting needs no invitation.
      if (continue_asked && input.empty()) return Progress::expects_continue;
    }
  }
  return Progress::need_more;
}

RequestParser::Progress RequestParser::Impl::need_more(std::string_view unread) {
  ErrorCode error;
  if (parser->is_header_done()) {
    // A chunk's size line with its extensions, or the trailers: unread until they are whole.
    if (unread.size() < limits.header_bytes_max) return Progress::need_more;
    reject(431, "a chunk's extensions or the trailer fields are too large", error);
    return refuse(error);
  }
  const std::size_t line_max =
      std::min(limits.target_bytes_max + kLineBesideTarget, limits.header_bytes_max);
  // Once it has met an unfinished header, Beast looks at nothing before the header's end is there:
  // that it has reported no line does not say that there is none.
  const bool line_too_long = !line_seen && unread.size() >= line_max &&
                             unread.substr(0, line_max).find('\n') == std::string_view::npos;
  if (line_too_long) {
    reject(414, "the request line is too long", error);
  } else if (header_bytes + unread.size() >= limits.header_bytes_max) {
    reject(431, "the request's header is too large", error);
  }
  return error ? refuse(error) : Progress::need_more;
}

RequestParser::Progress RequestParser::Impl::refuse(const ErrorCode& error) {
  if (refusal_status != 0) return Progress::refused;
  if (error == beast::http::error::body_limit) {
    refusal_status = 413;
    refusal_text = "the body is larger than " + std::to_string(limits.body_bytes_max) + " bytes";
  } else {
    refusal_status = 400;
    refusal_text = "this is not a valid HTTP/1.1 request: " + error.message();
  }
  return Progress::refused;
}

void RequestParser::Impl::reject(int status, std::string_view why, ErrorCode& error) {
  refusal_status = status;
  refusal_text = why;
  error = beast::http::error::bad_value;  // any error stops Beast
}

void RequestParser::Impl::next() {
  parser.emplace(*this);
  request.method = Method::other;
  request.headers.clear();
  request.body.clear();
  if (request.body.capacity() > kBodyReserve) request.body.shrink_to_fit();
  header_bytes = 0;
  started = line_seen = http10 = skipped_empty_line = false;
  continue_asked = unknown_coding = unknown_expectation = false;
  hosts = lengths = codings = 0;
}

/// Beast joins the lines of a folded value, in a buffer of its own unless the first was empty.
bool RequestParser::Impl::is_folded(std::string_view name, std::string_view value) const {
  const std::less<> before;  // orders pointers into different objects as well
  const bool elsewhere =
      before(value.data(), name.data()) || before(window.data() + window.size(), value.data());
  if (elsewhere) return true;
  const auto gap =
      std::string_view(name.data() + name.size(),
                       static_cast<std::size_t>(value.data() - name.data()) - name.size());
  return gap.find('\r') != std::string_view::npos;
}

void RequestParser::Impl::on_request(std::string_view method, std::string_view target, int version,
                                     ErrorCode& error) {
  line_seen = true;
  http10 = version == 10;
  if (target.size() > limits.target_bytes_max) {
    reject(414, "the request target is too long", error);
    return;
  }
  request.method = method_from(method);
  request.method_name = method;
  request.target = target;
  if (!is_target(request.method, target)) {
    reject(400, "the request target is neither a path nor an absolute address", error);
  }
}

void RequestParser::Impl::on_field(beast::http::field field, std::string_view name,
                                   std::string_view value, ErrorCode& error) {
  using Name = beast::http::field;
  if (is_folded(name, value)) {
    reject(400, "a header field is folded over several lines (RFC 9112 section 5.2)", error);
    return;
  }
  if (parser->is_header_done()) return;  // A trailer field: nobody here asks for one.
  if (field == Name::host) {
    ++hosts;
    if (hosts > 1 || !is_host(value)) reject(400, "Host must be there once and be valid", error);
  } else if (field == Name::content_length) {
    ++lengths;
    if (lengths > 1 || !is_digits(value)) {
      reject(400, "Content-Length must be there at most once and be a number", error);
    }
  } else if (field == Name::transfer_encoding) {
    ++codings;
    unknown_coding = unknown_coding || !iequals(value, "chunked");
  } else if (field == Name::expect) {
    continue_asked = iequals(value, "100-continue");
    unknown_expectation = unknown_expectation || !continue_asked;
  }
  if (!error) request.headers.add(name, value);
}

void RequestParser::Impl::on_header(ErrorCode& error) {
  if (hosts == 0 && !http10) {
    reject(400, "an HTTP/1.1 request needs a Host field", error);
  } else if (codings > 1 || (codings > 0 && (http10 || lengths > 0))) {
    reject(400, "Transfer-Encoding must be alone, there once, and on HTTP/1.1 only", error);
  } else if (unknown_coding) {
    reject(501, "of the transfer codings only chunked is known here", error);
  } else if (unknown_expectation && !http10) {
    reject(417, "of the expectations only 100-continue is known here", error);
  }
  continue_asked = continue_asked && !http10;
}

void RequestParser::Impl::on_body_begin(std::uint64_t size) {
  request.body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(size, kBodyReserve)));
}

void RequestParser::Impl::on_chunk_extension(std::string_view extension, ErrorCode& error) {
  // Within quotes Beast lets everything pass, a bare LF as well.
  const bool has_control = std::any_of(extension.begin(), extension.end(), [](char c) {
    return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f;
  });
  if (has_control) reject(400, "a chunk extension holds a control character", error);
}

RequestParser::RequestParser(const ServerLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;

RequestParser::Progress RequestParser::parse(std::string_view& input) {
  return impl_->parse(input);
}

void RequestParser::next() {
  impl_->next();
}

bool RequestParser::started() const {
  return impl_->started;
}

Request& RequestParser::request() {
  return impl_->request;
}

Response RequestParser::refusal() const {
  return text_response(impl_->refusal_status, impl_->refusal_text + "\n");
}

bool RequestParser::keep_alive() const {
  return impl_->parser->keep_alive();
}

bool RequestParser::is_http10() const {
  return impl_->http10;
}

}  // namespace latchkey::http

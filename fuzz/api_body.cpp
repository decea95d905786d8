#include <algorithm>

#include "fuzz/property.hpp"
#include "service/request_bodies.hpp"
#include "service/request_fields.hpp"

/// The API's bodies and header fields: what any caller may send.
namespace latchkey::service {
namespace {

bool fits_in_logs(std::string_view text) {
  const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  return printable && text.size() <= kMemberBytesMax;
}

template <class Body>
void is_polite_answer(const tl::expected<Body, http::Response>& body) {
  if (body) return;
  const int status = body.error().status;
  fuzz::hold(status == 400 || status == 411 || status == 415, "a refusal is the caller's fault");
}

void check_bodies(const http::Request& request) {
  constexpr std::chrono::seconds kLifetime{600};
  const auto issue = parse_issue_body(request, kLifetime);
  const auto verify = parse_verify_body(request);
  const auto revoke = parse_revoke_body(request);
  is_polite_answer(issue);
  is_polite_answer(verify);
  is_polite_answer(revoke);
  if (issue) {
    fuzz::hold(fits_in_logs(issue->binding.subject), "a subject fits in logs");
    fuzz::hold(fits_in_logs(issue->binding.purpose), "a purpose fits in logs");
    const auto lifetime = issue->lifetime.value_or(kLifetime);
    fuzz::hold(lifetime.count() >= 1 && lifetime <= kLifetime, "a lifetime is within its limits");
  }
  if (verify) {
    fuzz::hold(verify->code.reveal().size() <= kMemberBytesMax, "a code has its limit");
    fuzz::hold(fits_in_logs(verify->binding.subject), "a subject fits in logs");
  }
  if (revoke) fuzz::hold(!revoke->subject.empty(), "nobody's codes cannot be revoked");
}

void check_fields(const http::Request& request) {
  const auto key = idempotency_key(request.headers);
  if (key && !key->empty()) {
    fuzz::hold(key->size() >= 16 && key->size() <= 128, "a key has its length");
  }
  const auto wait = preferred_wait(request.headers, std::chrono::seconds{5});
  fuzz::hold(!wait || (wait->count() >= 0 && wait->count() <= 5), "a wait has its limit");
}

}  // namespace
}  // namespace latchkey::service

/// The first line is the value of a header field, the rest the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;
  const std::string_view input = fuzz::text_of(data, size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  http::Request request;
  request.method = http::Method::post;
  request.method_name = "POST";
  request.target = "/api/v1/codes";
  request.body = input.substr(std::min(line + 1, input.size()));
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Content-Length", std::to_string(request.body.size()));
  request.headers.add("Idempotency-Key", input.substr(0, line));
  request.headers.add("Prefer", input.substr(0, line));
  service::check_bodies(request);
  service::check_fields(request);
  return 0;
}

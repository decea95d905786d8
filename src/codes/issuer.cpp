#include "codes/issuer.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "codes/message.hpp"

namespace latchkey::codes {
namespace {

constexpr int kDrawsMax = 5;
/// The default life of a message, which nothing needs to exceed.
constexpr std::chrono::seconds kTimeToLiveMax{7 * 24 * 3600};

std::chrono::seconds message_time_to_live(const LifetimeRules& rules) {
  const auto code = std::chrono::ceil<std::chrono::seconds>(rules.lifetime + rules.spread());
  return std::min(code + kMessageMargin, kTimeToLiveMax);
}

/// A neighbour's failure as the issuer's own: what to do about it stands in the cause.
tl::unexpected<Error> unavailable(const char* code, std::string_view what, Error cause) {
  cause.kind = ErrorKind::unavailable;
  cause.code = code;
  cause.message = std::string(what) + cause.message;
  cause.http_status = 0;
  return fail(std::move(cause));
}

}  // namespace

Issuer::Issuer(Dependencies dependencies, LifetimeRules rules)
    : with_(dependencies), rules_(rules) {
  LK_ASSERT(rules_.lifetime >= kLifetimeMin);
}

Task<Result<IssuedCode>> Issuer::issue(Binding binding) {
  auto number = co_await with_.number_api.get_number();
  if (!number) co_return fail(std::move(number.error()));
  auto issued = co_await insert_new(*number, std::move(binding));
  if (!issued) co_return fail(std::move(issued.error()));
  auto announced = co_await announce(*issued);
  if (!announced) co_return fail(std::move(announced.error()));
  co_return issued;
}

Task<Result<IssuedCode>> Issuer::insert_new(std::int64_t number, Binding binding) {
  for (int draw = 0; draw < kDrawsMax; ++draw) {
    IssuedCode issued{.code = make_code(number, with_.random), .issued = with_.clock.now()};
    issued.expires = issued.issued + rules_.lifetime;
    CodeRow row{.key = with_.hasher.hash(issued.code.reveal()),
                .key_id = with_.hasher.key_id(),
                .issued = issued.issued,
                .expires = issued.expires,
                .state = CodeState::pending,
                .subject = binding.subject,
                .purpose = binding.purpose,
                .used_at = {},
                .used_by = {}};
    auto inserted = co_await with_.table.insert(std::move(row));
    if (!inserted) {
      co_return unavailable("TableUnavailable",
                            "the code could not be noted: ", std::move(inserted.error()));
    }
    if (*inserted) co_return issued;
  }
  // One draw in 2 * 10^10 collides: five in a row are a table that lies or a broken generator.
  co_return fail(ErrorKind::unavailable, "TableUnavailable",
                 "the code table says of five random codes in a row that they exist");
}

Task<Result<>> Issuer::announce(const IssuedCode& issued) {
  std::string text = render_message({issued.code, issued.issued});
  if (message_base64) text = to_base64(text);
  azure::PutOptions options;
  options.time_to_live = message_time_to_live(rules_);
  auto put = co_await with_.queue.put(std::move(text), options);
  if (put) co_return Result<>{};

  // The message may be in the queue all the same (a timeout): revoked, it can do nothing.
  auto revoked = co_await with_.table.revoke(with_.hasher.hash(issued.code.reveal()));
  if (!revoked) {
    log::warning("code_not_revoked", {{"problem", revoked.error().message}});
  }
  co_return unavailable("QueueUnavailable",
                        "the code could not be queued: ", std::move(put.error()));
}

}  // namespace latchkey::codes

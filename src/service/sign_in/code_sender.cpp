#include "service/sign_in/code_sender.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "base/log.hpp"

namespace latchkey::service::sign_in {
namespace {

void log_failure(std::string_view event, const Error& error) {
  log::warning(event,
               {{"kind", to_string(error.kind)}, {"code", error.code}, {"problem", error.message}});
}

}  // namespace

void CodeSender::send(Order order) {
  if (tasks_.size() >= kOnTheirWayMax) {
    log::warning("sign_in_code_not_sent", {{"problem", "too many codes are on their way"}});
    failing_ = true;
    return;
  }
  tasks_.spawn("sign-in code", issue_and_deliver(std::move(order)));
}

Task<> CodeSender::issue_and_deliver(Order order) {
  // The answer to the browser goes first: it must not be later for a right first factor.
  co_await boost::asio::post(with_.executor, use_task);
  codes::IssueRequest request{.binding = {order.subject, std::string(kPurpose)},
                              .caller = order.caller};
  auto issued = co_await with_.issuer.issue(std::move(request));
  if (!issued) {
    log_failure("sign_in_code_not_issued", issued.error());
    // A limit is this person's own; the pages name it to everybody.
    if (issued.error().kind != ErrorKind::throttled) failing_ = true;
    co_return;
  }
  Message message{.subject = order.subject,
                  .code = std::move(issued->code),
                  .expires = issued->expires,
                  .not_me_url = {}};
  if (!order.public_url.empty()) {
    const auto token = with_.sealer.seal_not_me(order.subject, issued->issued + kNotMeLifetime);
    message.not_me_url = Secret(fmt::format("{}/sign-in/not-me?token={}", order.public_url, token));
  }
  const auto delivered = co_await with_.delivery.deliver(std::move(message));
  failing_ = !delivered;
  if (delivered) co_return;
  log_failure("sign_in_code_not_delivered", delivered.error());
  std::string caller = order.caller;
  const auto revoked = co_await with_.directory.revoke(issued->id, std::move(caller));
  if (!revoked) log_failure("sign_in_code_not_revoked", revoked.error());
}

}  // namespace latchkey::service::sign_in

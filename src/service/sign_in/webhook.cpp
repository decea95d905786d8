#include "service/sign_in/webhook.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/time_text.hpp"

namespace latchkey::service::sign_in {

Result<> WebhookDelivery::check_url(const http::Url& url) {
  if (url.is_https() || http::is_loopback_host(url.host)) return {};
  return fail(ErrorKind::invalid_argument, "WebhookNotPrivate",
              fmt::format("codes would travel in the clear to {}: use https", url.origin()));
}

Task<Result<>> WebhookDelivery::deliver(Message message) {
  http::ClientRequest request;
  request.method = http::Method::post;
  request.url = options_.url;
  request.timeout = options_.timeout;
  request.headers.set("Content-Type", "application/json");
  if (options_.authorization) {
    auto authorization = co_await options_.authorization();
    if (!authorization) co_return fail(authorization.error());
    request.headers.set("Authorization", authorization->reveal());
  }
  request.body =
      boost::json::serialize(boost::json::object{{"subject", message.subject},
                                                 {"code", message.code.reveal()},
                                                 {"expires", to_iso8601(message.expires)},
                                                 {"notMeUrl", message.not_me_url.reveal()}});
  const auto answer = co_await http_.send(std::move(request));
  if (!answer) co_return fail(answer.error());
  if (answer->status < 200 || answer->status > 299) {
    co_return fail(ErrorKind::unavailable, "WebhookRefused",
                   fmt::format("{} answered {}", options_.url.origin(), answer->status));
  }
  co_return Result<>{};
}

}  // namespace latchkey::service::sign_in

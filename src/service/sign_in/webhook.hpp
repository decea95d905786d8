#pragma once

#include <functional>

#include "http/client.hpp"
#include "service/sign_in/delivery.hpp"

namespace latchkey::service::sign_in {

struct WebhookOptions {
  http::Url url;
  /// The value of the Authorization header, read anew for each message; unset for none.
  std::function<Task<Result<Secret>>()> authorization;
  std::chrono::milliseconds timeout{10'000};
};

/// Hands each message to a gateway for mail or text messages, which knows where its subject can be
/// reached: POST {"subject", "code", "expires" (ISO 8601, UTC), "notMeUrl"}; any 2xx means that the
/// gateway has taken it over. Never sent twice by us: a person asks again.
class WebhookDelivery final : public Delivery {
 public:
  /// Error: invalid_argument unless the address is https, or on this machine.
  static Result<> check_url(const http::Url& url);

  WebhookDelivery(http::HttpClient& http, WebhookOptions options)
      : http_(http), options_(std::move(options)) {}
  /// Errors: as HttpClient and `authorization`; unavailable, code "WebhookRefused", for another
  /// status than 2xx.
  Task<Result<>> deliver(Message message) override;

 private:
  http::HttpClient& http_;
  const WebhookOptions options_;
};

}  // namespace latchkey::service::sign_in

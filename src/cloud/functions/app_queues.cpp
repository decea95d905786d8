#include "cloud/functions/app_queues.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/encoding.hpp"
#include "base/time_text.hpp"
#include "http/drop_connection.hpp"
#include "http/url.hpp"
#include "wire/connection_string.hpp"
#include "wire/shared_key.hpp"
#include "wire/storage_error.hpp"

namespace latchkey::cloud {
namespace {

using http::Method;

constexpr std::string_view kVersion = "2026-04-06";
constexpr std::chrono::minutes kTokenMargin{5};

std::string message_path(const std::string& queue, const wire::QueueMessage& message) {
  return fmt::format("/{}/messages/{}", queue, percent_encode(message.id));
}

Task<Result<http::Response>> ask(const http::Handler& service, const http::Request& request) {
  try {
    co_return co_await service(request);
  } catch (const http::DropConnection&) {  // A fault that a test has planned.
    co_return fail(ErrorKind::unavailable, "ConnectionReset", "the queue service hung up");
  }
}

}  // namespace

AppQueues::AppQueues(QueueConnection connection, QueueAccess access, Clock& clock)
    : connection_(std::move(connection)), access_(std::move(access)), clock_(clock) {}

Task<Result<std::vector<wire::QueueMessage>>> AppQueues::get(std::string queue, int count,
                                                             std::chrono::seconds hidden) {
  Call call{.method = Method::get,
            .path = fmt::format("/{}/messages", queue),
            .query = fmt::format("numofmessages={}&visibilitytimeout={}", count, hidden.count())};
  auto answer = co_await send(std::move(call), std::move(queue));
  if (!answer) co_return fail(answer.error());
  co_return wire::parse_messages(answer->body);
}

Task<Result<>> AppQueues::put(std::string queue, std::string text) {
  Call call{.method = Method::post,
            .path = fmt::format("/{}/messages", queue),
            .body = wire::render_message_request(text)};
  auto answer = co_await send(std::move(call), std::move(queue));
  if (!answer) co_return fail(answer.error());
  co_return Result<>{};
}

Task<Result<>> AppQueues::put_and_create(std::string queue, std::string text) {
  auto done = co_await put(queue, text);
  if (done || done.error().code != "QueueNotFound") co_return done;
  Call call{.method = Method::put, .path = "/" + queue};
  auto created = co_await send(std::move(call), queue);
  if (!created) co_return fail(created.error());
  auto again = put(std::move(queue), std::move(text));
  co_return co_await std::move(again);
}

Task<Result<std::string>> AppQueues::hide(std::string queue, wire::QueueMessage message,
                                          std::chrono::seconds hidden) {
  Call call{.method = Method::put,
            .path = message_path(queue, message),
            .query = fmt::format("popreceipt={}&visibilitytimeout={}",
                                 percent_encode(message.pop_receipt), hidden.count())};
  auto answer = co_await send(std::move(call), std::move(queue));
  if (!answer) co_return fail(answer.error());
  co_return std::string(answer->headers.find("x-ms-popreceipt").value_or(""));
}

Task<Result<>> AppQueues::remove(std::string queue, wire::QueueMessage message) {
  Call call{.method = Method::delete_,
            .path = message_path(queue, message),
            .query = "popreceipt=" + percent_encode(message.pop_receipt)};
  auto answer = co_await send(std::move(call), std::move(queue));
  if (!answer) co_return fail(answer.error());
  co_return Result<>{};
}

Task<Result<http::Response>> AppQueues::send(Call call, std::string queue) {
  auto request = prepare(std::move(call));
  if (!request) co_return fail(request.error());
  auto answer = co_await ask(access_.service, *request);
  if (!answer) co_return fail(answer.error());
  if (answer->status < 300) co_return answer;
  co_return fail(explained(wire::storage_error_from(*answer, "queue " + queue)));
}

Result<http::Request> AppQueues::prepare(Call call) {
  const bool is_local = connection_.endpoint.empty();
  if (!is_local && !access_.serves(connection_.endpoint)) {
    return fail(ErrorKind::invalid_argument, "ConnectionElsewhere",
                fmt::format("connection {} leads to {}, which is not in this local cloud",
                            connection_.name, connection_.endpoint));
  }
  const auto url =
      http::parse_url(is_local ? "https://localhost/" + connection_.account : connection_.endpoint);
  if (!url) return fail(url.error());
  http::Request request;
  request.method = call.method;
  request.method_name = http::to_string(call.method);
  request.target = (url->path == "/" ? "" : url->path) + call.path;
  if (!call.query.empty()) request.target += "?" + call.query;
  if (!connection_.sas.empty()) {
    request.target += (call.query.empty() ? "?" : "&") + connection_.sas;
  }
  request.body = std::move(call.body);
  request.over_tls = url->is_https();
  request.peer_address = "127.0.0.1";
  request.headers.set("Host", url->authority());
  request.headers.set("Content-Length", std::to_string(request.body.size()));
  request.headers.set("x-ms-version", kVersion);
  request.headers.set("x-ms-date", to_rfc1123(clock_.now()));
  if (auto authorized = authorize(request); !authorized) return fail(authorized.error());
  return request;
}

Result<> AppQueues::authorize(http::Request& request) {
  if (connection_.by_identity) return use_token(request);
  if (connection_.account.empty()) return {};  // The SAS stands in the query.
  const auto query = http::parse_query(request.query_text());
  if (!query) return fail(ErrorKind::internal, "InvalidQuery", "a query of ours is malformed");
  const wire::SignedRequest what{.method = request.method,
                                 .path = request.path(),
                                 .query = &*query,
                                 .headers = &request.headers,
                                 .content_length = request.body.size()};
  const auto text = wire::shared_key_string_to_sign(what, connection_.account);
  request.headers.set("Authorization",
                      fmt::format("SharedKey {}:{}", connection_.account,
                                  wire::sign_with_key(text, connection_.account_key)));
  return {};
}

Result<> AppQueues::use_token(http::Request& request) {
  if (token_.expires_on < clock_.now() + kTokenMargin) {
    auto token = access_.token(connection_.client_id);
    if (!token) return fail(token.error());
    token_ = std::move(*token);
  }
  request.headers.set("Authorization", std::string("Bearer ").append(token_.access_token.reveal()));
  return {};
}

Error AppQueues::explained(Error error) const {
  if (error.kind == ErrorKind::denied && connection_.by_identity) {
    error.message += fmt::format(
        "; the app's identity (connection {}) needs a role there: triggers Storage Queue Data "
        "Message Processor, outputs Storage Queue Data Message Sender; to show a failed message "
        "again and to write to its poison queue takes Storage Queue Data Contributor",
        connection_.name);
  }
  return error;
}

}  // namespace latchkey::cloud

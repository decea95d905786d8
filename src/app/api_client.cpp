#include "app/api_client.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/encoding.hpp"

namespace latchkey::app {
namespace {

namespace json = boost::json;

json::object body_for(const codes::Binding& binding) {
  json::object body;
  if (!binding.subject.empty()) body["subject"] = binding.subject;
  if (!binding.purpose.empty()) body["purpose"] = binding.purpose;
  return body;
}

/// What the API said, without what it may not say twice: a success holds a code, a refusal none.
tl::unexpected<Error> refusal(const http::Response& answer) {
  return fail(ErrorKind::unavailable, "ApiRefused",
              fmt::format("the API answered {}: {}", answer.status, answer.body));
}

}  // namespace

ApiClient::ApiClient(const std::string& url, Secret api_key, Trust trust, World world)
    : url_(http::parse_url(url)),
      api_key_(std::move(api_key)),
      http_(world.executor, std::move(trust), world.clock) {}

Task<Result<http::Response>> ApiClient::send(http::Method method, std::string path,
                                             json::object body) {
  if (!url_) co_return fail(url_.error());
  http::ClientRequest request;
  request.method = method;
  request.url = url_->with_path(std::move(path));
  if (!api_key_.empty()) request.headers.set("x-api-key", api_key_.reveal());
  if (method == http::Method::post) {
    request.headers.set("Content-Type", "application/json");
    // A person is sometimes faster than the watcher: let the API wait for the code to be active.
    request.headers.set("Prefer", "wait=2");
    request.body = json::serialize(body);
  }
  co_return co_await http_.send(std::move(request));
}

Task<Result<ApiClient::NewCode>> ApiClient::new_code() {
  return expect_code(http::Method::get, "/api/v1/getcode", {});
}

Task<Result<ApiClient::NewCode>> ApiClient::new_code_for(codes::Binding binding,
                                                         std::int64_t lifetime_seconds) {
  json::object body = body_for(binding);
  if (lifetime_seconds > 0) body["lifetime"] = lifetime_seconds;
  return expect_code(http::Method::post, "/api/v1/codes", std::move(body));
}

Task<Result<ApiClient::NewCode>> ApiClient::expect_code(http::Method method, std::string path,
                                                        json::object body) {
  auto text = co_await expect_text(method, std::move(path), std::move(body));
  if (!text) co_return fail(text.error());
  json::error_code error;
  const auto document = json::parse(*text, error);
  const auto* code =
      error || !document.is_object() ? nullptr : document.get_object().if_contains("code");
  if (code == nullptr || !code->is_string()) {
    co_return fail(ErrorKind::protocol, "NoCode", "the API's answer holds no code");
  }
  NewCode made{Secret(std::string(std::string_view(code->get_string()))), std::move(*text)};
  co_return made;
}

Task<Result<codes::Verdict>> ApiClient::verify(Secret code, codes::Binding binding) {
  json::object body = body_for(binding);
  body["code"] = code.reveal();
  auto answer = co_await send(http::Method::post, "/api/v1/verify", std::move(body));
  if (!answer) co_return fail(answer.error());
  switch (answer->status) {
    case 200:
      co_return codes::Verdict::accepted;
    case 403:
      // A refused caller gets 403 as well; only a verdict has this member.
      if (answer->body.find("\"accepted\"") == std::string::npos) co_return refusal(*answer);
      co_return codes::Verdict::refused;
    case 409:
      co_return codes::Verdict::not_active_yet;
    default:
      co_return refusal(*answer);
  }
}

Task<Result<std::string>> ApiClient::show(std::string id) {
  return expect_text(http::Method::get, "/api/v1/codes/" + percent_encode(id), {});
}

Task<Result<std::string>> ApiClient::revoke(std::string id) {
  return expect_text(http::Method::post, "/api/v1/codes/" + percent_encode(id) + "/revoke", {});
}

Task<Result<std::string>> ApiClient::revoke_subject(codes::Binding binding) {
  return expect_text(http::Method::post, "/api/v1/codes/revoke", body_for(binding));
}

Task<Result<std::string>> ApiClient::expect_text(http::Method method, std::string path,
                                                 json::object body) {
  auto answer = co_await send(method, std::move(path), std::move(body));
  if (!answer) co_return fail(answer.error());
  if (answer->status != 200 && answer->status != 201) co_return refusal(*answer);
  co_return std::move(answer->body);
}

}  // namespace latchkey::app

#include "app/api_client.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace latchkey::app {

ApiClient::ApiClient(const std::string& url, Trust trust, World world)
    : url_(http::parse_url(url)), http_(world.executor, std::move(trust), world.clock) {}

Task<Result<http::Response>> ApiClient::send(http::Method method, std::string path,
                                             std::string body) {
  if (!url_) co_return fail(url_.error());
  http::ClientRequest request;
  request.method = method;
  request.url = url_->with_path(std::move(path));
  request.body = std::move(body);
  if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
  co_return co_await http_.send(std::move(request));
}

Task<Result<ApiClient::NewCode>> ApiClient::new_code() {
  auto answer = co_await send(http::Method::get, "/api/v1/getcode", {});
  if (!answer) co_return fail(answer.error());
  if (answer->status != 200) {
    co_return fail(ErrorKind::unavailable, "NoCode",
                   fmt::format("the API answered {}: {}", answer->status, answer->body));
  }
  boost::json::error_code error;
  const auto document = boost::json::parse(answer->body, error);
  const auto* code =
      error || !document.is_object() ? nullptr : document.get_object().if_contains("code");
  if (code == nullptr || !code->is_string()) {
    co_return fail(ErrorKind::protocol, "NoCode", "the API's answer holds no code");
  }
  NewCode made{Secret(std::string(std::string_view(code->get_string()))), answer->body};
  co_return made;
}

Task<Result<codes::Verdict>> ApiClient::verify(Secret code) {
  const boost::json::object body = {{"code", code.reveal()}};
  auto answer = co_await send(http::Method::post, "/api/v1/verify", boost::json::serialize(body));
  if (!answer) co_return fail(answer.error());
  switch (answer->status) {
    case 200:
      co_return codes::Verdict::accepted;
    case 403:
      co_return codes::Verdict::refused;
    case 409:
      co_return codes::Verdict::not_active_yet;
    default:
      co_return fail(ErrorKind::unavailable, "NoVerdict",
                     fmt::format("the API answered {}: {}", answer->status, answer->body));
  }
}

}  // namespace latchkey::app

#include "azure/storage_sender.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/time_text.hpp"
#include "wire/shared_key.hpp"

namespace latchkey::azure {
namespace {

/// The audience of Storage in every Azure cloud.
const std::string& storage_resource() {
  static const std::string resource = "https://storage.azure.com";
  return resource;
}

}  // namespace

StorageSender::StorageSender(StorageAddress address, http::HttpClient& http, Clock& clock,
                             Random& random, Options options)
    : address_(std::move(address)),
      http_(&http),
      clock_(&clock),
      random_(&random),
      options_(options) {
  LK_ASSERT(address_.credential == nullptr || address_.url.is_https());
}

std::string_view StorageSender::name() const {
  return std::string_view(path()).substr(path().rfind('/') + 1);
}

void StorageSender::rename(std::string_view name) {
  std::string& path = address_.url.path;
  path.replace(path.rfind('/') + 1, std::string::npos, name);
}

http::ClientRequest StorageSender::request(http::Method method, std::string path,
                                           std::string_view query) const {
  http::ClientRequest request;
  request.method = method;
  request.url = address_.url;
  request.url.path = std::move(path);
  if (!query.empty()) {
    const std::string& sas = address_.url.query;
    request.url.query = query;
    if (!sas.empty()) request.url.query.append("&").append(sas);
  }
  request.headers.add("x-ms-version", options_.version);
  return request;
}

Task<Result<StorageSender::Answer>> StorageSender::send(http::ClientRequest request) {
  const std::string id = request.trace ? to_hex(request.trace.trace_id) : random_->uuid();
  request.headers.add("x-ms-client-request-id", id);
  int tries = 0;
  RetryPolicy policy(*http_, *clock_, *random_, options_.retry);
  RetryPolicy::Prepare make = [this, &request, &tries] {
    ++tries;
    return prepare(request);
  };
  Result<http::Response> response = co_await policy.send(make);
  int refused = 0;
  if (by_identity() && response && response->status == 401) {
    address_.credential->forget(storage_resource());
    refused = 1;  // The refused try did nothing.
    response = co_await policy.send(std::move(make));
  }
  if (!response) co_return fail(std::move(response.error()));
  co_return Answer{.response = std::move(*response), .repeated = tries - refused > 1};
}

Task<Result<http::ClientRequest>> StorageSender::prepare(http::ClientRequest request) {
  request.headers.set("x-ms-date", to_rfc1123(clock_->now()));
  if (!by_identity()) {
    if (!address_.account_key.empty()) sign(request);
    co_return request;
  }
  std::string authorization = "Bearer ";
  if (const AccessToken* token = address_.credential->cached_token(storage_resource())) {
    authorization += token->value.reveal();
  } else {
    Result<AccessToken> fetched = co_await address_.credential->get_token(storage_resource());
    if (!fetched) co_return fail(std::move(fetched.error()));
    authorization += fetched->value.reveal();
  }
  request.headers.add("Authorization", authorization);
  co_return request;
}

void StorageSender::sign(http::ClientRequest& request) const {
  // What we wrote ourselves can be read back.
  const auto query = http::parse_query(request.url.query);
  LK_ASSERT(query.has_value());
  const wire::SignedRequest to_sign{.method = request.method,
                                    .path = request.url.path,
                                    .query = &*query,
                                    .headers = &request.headers,
                                    .content_length = request.body.size()};
  const std::string text = options_.form == Form::table
                               ? wire::shared_key_table_string_to_sign(to_sign, address_.account)
                               : wire::shared_key_string_to_sign(to_sign, address_.account);
  request.headers.add("Authorization", "SharedKey " + address_.account + ":" +
                                           wire::sign_with_key(text, address_.account_key));
}

}  // namespace latchkey::azure

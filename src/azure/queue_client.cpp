#include "azure/queue_client.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "wire/storage_error.hpp"

namespace latchkey::azure {
namespace {
constexpr std::string_view kReader = "Storage Queue Data Reader";
constexpr std::string_view kSender = "Storage Queue Data Message Sender";
constexpr std::string_view kProcessor = "Storage Queue Data Message Processor";
constexpr std::string_view kContributor = "Storage Queue Data Contributor";
constexpr std::string_view kMetadataPrefix = "x-ms-meta-";

void append_number(std::string& query, std::string_view key, std::int64_t value) {
  if (!query.empty()) query += '&';
  query.append(key).append("=").append(std::to_string(value));
}

/// Names are C# identifiers; values must fit in a header.
bool is_metadata(const wire::Metadata& metadata) {
  for (const auto& [name, value] : metadata) {
    const bool name_fits = !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
                           std::all_of(name.begin(), name.end(), [](char c) {
                             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                                    (c >= 'A' && c <= 'Z') || c == '_';
                           });
    const bool value_fits =
        std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
    if (!name_fits || !value_fits) return false;
  }
  return true;
}

tl::unexpected<Error> refuse_metadata() {
  return fail(ErrorKind::invalid_argument, "InvalidMetadata",
              "names of metadata are letters, digits and '_', not beginning with a digit; values "
              "are printable ASCII");
}
}  // namespace

struct QueueClient::Call {
  http::Method method = http::Method::get;
  std::string path{};       ///< behind the queue's: "/messages/ID"
  bool to_account = false;  ///< `path` stands behind the account's instead
  std::string query{};      ///< encoded; the SAS comes behind it
  wire::Metadata metadata{};
  std::string body{};
  int success = 200;
  std::string_view role;   ///< the least that allows it
  bool replayable = true;  ///< by the pool, unseen
  Trace trace{};
};

QueueClient::QueueClient(QueueAddress address, http::HttpClient& http, Clock& clock, Random& random,
                         RetryOptions retry)
    : sender_(std::move(address), http, clock, random,
              {.form = StorageSender::Form::queue, .version = kApiVersion, .retry = retry}),
      name_(sender_.name()) {
  LK_ASSERT(is_queue_name(name_));
}

Task<Result<>> QueueClient::create(wire::Metadata metadata) {
  if (!is_metadata(metadata)) co_return refuse_metadata();
  Call call{.method = http::Method::put, .success = 201, .role = kContributor};
  call.metadata = std::move(metadata);
  Result<http::Response> answer = co_await send(std::move(call));
  if (answer) co_return Result<>{};
  const Error& error = answer.error();
  // 204: there with the same metadata. 409: with other metadata, which stays.
  if (error.http_status == 204 || error.code == "QueueAlreadyExists") co_return Result<>{};
  co_return fail(std::move(answer.error()));
}

Task<Result<>> QueueClient::remove() {
  Call call{.method = http::Method::delete_, .success = 204, .role = kContributor};
  Result<http::Response> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  co_return Result<>{};
}

Task<Result<QueueClient::Properties>> QueueClient::properties() {
  Call call{.query = "comp=metadata", .role = kReader};
  Result<http::Response> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  const auto count = parse_integer<std::int64_t>(
      answer->headers.find("x-ms-approximate-messages-count").value_or(""));
  if (!count) {
    co_return fail(ErrorKind::protocol, "MissingHeader",
                   who() + ": the answer has no x-ms-approximate-messages-count");
  }
  Properties properties;
  properties.approximate_message_count = *count;
  for (const auto field : answer->headers) {
    if (!istarts_with(field.name, kMetadataPrefix)) continue;
    properties.metadata.emplace_back(field.name.substr(kMetadataPrefix.size()), field.value);
  }
  co_return properties;
}

Task<Result<>> QueueClient::set_metadata(wire::Metadata metadata) {
  if (!is_metadata(metadata)) co_return refuse_metadata();
  Call call{
      .method = http::Method::put, .query = "comp=metadata", .success = 204, .role = kContributor};
  call.metadata = std::move(metadata);
  Result<http::Response> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  co_return Result<>{};
}

Task<Result<wire::QueueMessage>> QueueClient::put(std::string text, PutOptions options) {
  Call call{.method = http::Method::post,
            .path = "/messages",
            .success = 201,
            .role = kSender,
            .replayable = false,
            .trace = options.trace};
  if (options.visibility_timeout) {
    append_number(call.query, "visibilitytimeout", options.visibility_timeout->count());
  }
  if (options.time_to_live) append_number(call.query, "messagettl", options.time_to_live->count());
  call.body = wire::render_message_request(text);
  Result<http::Response> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  Result<std::vector<wire::QueueMessage>> messages = messages_in(*answer);
  if (!messages) co_return fail(std::move(messages.error()));
  if (messages->size() != 1) {
    co_return fail(
        ErrorKind::protocol, "UnexpectedMessageCount",
        who() + ": the answer to one message tells of " + std::to_string(messages->size()));
  }
  co_return std::move(messages->front());
}

Task<Result<std::vector<wire::QueueMessage>>> QueueClient::get(GetOptions options) {
  Call call{.path = "/messages", .role = kProcessor, .replayable = false};
  append_number(call.query, "numofmessages", options.count);
  append_number(call.query, "visibilitytimeout", options.visibility_timeout.count());
  Result<http::Response> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  co_return messages_in(*answer);
}

Task<Result<std::vector<wire::QueueMessage>>> QueueClient::peek(int count) {
  Call call{.path = "/messages", .query = "peekonly=true", .role = kReader};
  append_number(call.query, "numofmessages", count);
  Result<http::Response> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  co_return messages_in(*answer);
}

Task<Result<UpdateReceipt>> QueueClient::update(std::string message_id, std::string pop_receipt,
                                                std::chrono::seconds visibility_timeout,
                                                std::optional<std::string> text, Trace trace) {
  Call call{.method = http::Method::put, .success = 204, .role = kContributor, .trace = trace};
  call.path = "/messages/" + percent_encode(message_id);
  call.query = "popreceipt=" + percent_encode(pop_receipt);
  append_number(call.query, "visibilitytimeout", visibility_timeout.count());
  if (text) call.body = wire::render_message_request(*text);
  Result<http::Response> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  const auto receipt = answer->headers.find("x-ms-popreceipt");
  const auto visible = from_rfc1123(answer->headers.find("x-ms-time-next-visible").value_or(""));
  if (!receipt || !visible) {
    co_return fail(ErrorKind::protocol, "MissingHeader",
                   who() + ": the answer lacks x-ms-popreceipt or x-ms-time-next-visible");
  }
  co_return UpdateReceipt{.pop_receipt = std::string(*receipt), .time_next_visible = *visible};
}

Task<Result<>> QueueClient::remove_message(std::string message_id, std::string pop_receipt,
                                           Trace trace) {
  Call call{.method = http::Method::delete_, .success = 204, .role = kProcessor, .trace = trace};
  call.path = "/messages/" + percent_encode(message_id);
  call.query = "popreceipt=" + percent_encode(pop_receipt);
  Result<http::Response> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  co_return Result<>{};
}

Task<Result<>> QueueClient::clear() {
  Call call{
      .method = http::Method::delete_, .path = "/messages", .success = 204, .role = kContributor};
  Result<http::Response> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  co_return Result<>{};
}

Task<Result<wire::QueueListing>> QueueClient::list_queues(std::string prefix, std::string marker) {
  Call call{.path = "/", .to_account = true, .query = "comp=list", .role = kReader};
  if (!prefix.empty()) call.query += "&prefix=" + percent_encode(prefix);
  if (!marker.empty()) call.query += "&marker=" + percent_encode(marker);
  Result<http::Response> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  Result<wire::QueueListing> listing = wire::parse_queue_listing(answer->body);
  if (listing) co_return listing;
  co_return fail(ErrorKind::protocol, "UnexpectedListing",
                 "list of queues: " + listing.error().message);
}

QueueClient QueueClient::sibling(std::string_view queue_name) const {
  LK_ASSERT(is_queue_name(queue_name));
  QueueClient other = *this;
  other.sender_.rename(queue_name);
  other.name_ = queue_name;
  return other;
}

QueueClient QueueClient::with_retry(RetryOptions retry) const {
  QueueClient other = *this;
  other.sender_.set_retry(retry);
  return other;
}

Task<Result<http::Response>> QueueClient::send(Call call) {
  const std::string asked = call.to_account ? "the account's queues" : who();
  const int success = call.success;
  const std::string_view role = call.role;
  http::ClientRequest request = request_for(std::move(call));
  Result<StorageSender::Answer> answer = co_await sender_.send(std::move(request));
  if (answer && answer->response.status == success) co_return std::move(answer->response);
  if (!answer) {
    Error error = std::move(answer.error());
    error.message = asked + ": " + error.message;
    co_return fail(std::move(error));
  }
  Error error = wire::storage_error_from(answer->response, asked);
  if (error.code == "AuthorizationPermissionMismatch") {
    error.message += sender_.by_identity() ? " Assign a role such as \"" + std::string(role) +
                                                 "\" on the queue to the identity."
                                           : " Give the shared access signature that permission.";
  } else if (error.code == "QueueNotFound") {
    error.message += " Create the queue, or correct its name in the URL.";
  }
  co_return fail(std::move(error));
}

http::ClientRequest QueueClient::request_for(Call call) const {
  std::string path = sender_.path();
  if (call.to_account) path.resize(path.rfind('/'));
  path += call.path;
  http::ClientRequest request = sender_.request(call.method, std::move(path), call.query);
  for (const auto& [name, value] : call.metadata) {
    request.headers.add(std::string(kMetadataPrefix) + name, value);
  }
  if (!call.body.empty()) {
    request.headers.add("Content-Type", "application/xml");
    request.body = std::move(call.body);
  }
  request.replayable = call.replayable;
  request.trace = call.trace;
  return request;
}

Result<std::vector<wire::QueueMessage>> QueueClient::messages_in(
    const http::Response& answer) const {
  Result<std::vector<wire::QueueMessage>> messages = wire::parse_messages(answer.body);
  if (messages) return messages;
  Error error = std::move(messages.error());
  error.message = who() + ": " + error.message;
  return fail(std::move(error));
}

}  // namespace latchkey::azure

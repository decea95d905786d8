#include "cloud/queues/queue_handlers.hpp"

#include <algorithm>

#include "base/time_text.hpp"
#include "cloud/queues/queue_answers.hpp"
#include "cloud/queues/queue_rules.hpp"
#include "wire/queue_xml.hpp"
#include "wire/storage_error_table.hpp"

namespace latchkey::cloud {
namespace {
using std::chrono::seconds;

/// Before this version a message lived for seven days at most.
constexpr std::string_view kAnyLifeSince = "2017-07-29";

/// The text of a QueueMessage document. Errors: InvalidXmlDocument, RequestBodyTooLarge.
Served<std::string> read_text(const http::Request& request) {
  wire::XmlFault fault;
  auto text = wire::parse_message_request(request.body, fault);
  if (!text) return refuse(wire::invalid_xml_document(fault));
  if (text->size() > kTextBytesMax) {
    return refuse(
        wire::storage_error("RequestBodyTooLarge", {{"MaxLimit", std::to_string(kTextBytesMax)}}));
  }
  return std::move(*text);
}

/// messagettl and visibilitytimeout of a Put.
Served<QueueStore::PutOptions> read_put_options(const QueueCall& call) {
  const http::Query& query = call.query;
  constexpr std::int64_t kNever = -1;
  const auto visibility = integer_parameter(
      query, {.name = "visibilitytimeout", .min = 0, .max = kVisibilitySecondsMax});
  if (!visibility) return refuse(visibility.error());
  // A life so long that its end has no date is a life without end.
  constexpr std::int64_t kLifeMax = 200'000'000'000;
  const std::string* life_text = http::find_parameter(query, "messagettl");
  std::int64_t life = kLifeSecondsDefault;
  const bool any_life = call.version >= kAnyLifeSince;
  if (any_life && life_text != nullptr && *life_text == "-1") {
    life = kNever;
  } else {
    const std::int64_t longest =
        any_life ? std::numeric_limits<std::int64_t>::max() : kLifeSecondsDefault;
    const auto given = integer_parameter(query, {.name = "messagettl", .min = 1, .max = longest});
    if (!given) return refuse(given.error());
    life = given->value_or(kLifeSecondsDefault);
    if (life > kLifeMax) life = kNever;
  }
  const std::int64_t hidden = visibility->value_or(0);
  if (life != kNever && hidden >= life) {
    return refuse(invalid_parameter("visibilitytimeout", std::to_string(hidden),
                                    "must be smaller than messagettl"));
  }
  QueueStore::PutOptions options{.visibility = seconds{hidden}, .life = std::nullopt};
  if (life != kNever) options.life = seconds{life};
  return options;
}

Served<std::size_t> read_count(const http::Query& query) {
  const auto count =
      integer_parameter(query, {.name = "numofmessages", .min = 1, .max = kMessagesMax});
  if (!count) return refuse(count.error());
  return static_cast<std::size_t>(count->value_or(1));
}

std::optional<std::string> given(const http::Query& query, std::string_view name) {
  const std::string* value = http::find_parameter(query, name);
  if (value == nullptr) return std::nullopt;
  return *value;
}

}  // namespace

Task<Served<http::Response>> QueueHandlers::serve(const QueueCall& call, const Caller& caller) {
  switch (call.operation) {
    case QueueOperation::list_queues:
      co_return list_queues(call);
    case QueueOperation::get_service_properties:
      co_return xml_response(
          200, wire::render_service_properties(settings_.properties(call.address.account)));
    case QueueOperation::set_service_properties:
      co_return co_await set_service_properties(call);
    case QueueOperation::get_service_stats:
      co_return get_service_stats(call);
    case QueueOperation::get_user_delegation_key:
      co_return get_user_delegation_key(call, caller);
    default:
      co_return co_await serve_queue(call);
  }
}

Task<Served<http::Response>> QueueHandlers::serve_queue(const QueueCall& call) {
  if (auto refusal = check_queue_name(call.address.queue)) co_return refuse(std::move(*refusal));
  switch (call.operation) {
    case QueueOperation::create_queue:
      co_return co_await create_queue(call);
    case QueueOperation::delete_queue:
      co_return co_await delete_queue(call);
    case QueueOperation::get_metadata:
      co_return get_metadata(call);
    case QueueOperation::set_metadata:
      co_return co_await set_metadata(call);
    case QueueOperation::get_acl:
      co_return get_acl(call);
    case QueueOperation::set_acl:
      co_return co_await set_acl(call);
    case QueueOperation::put_message:
      co_return co_await put_message(call);
    case QueueOperation::get_messages:
      co_return co_await get_messages(call);
    case QueueOperation::peek_messages:
      co_return co_await peek_messages(call);
    case QueueOperation::clear_messages:
      co_return co_await clear_messages(call);
    case QueueOperation::update_message:
      co_return co_await update_message(call);
    case QueueOperation::delete_message:
      co_return co_await delete_message(call);
    default:
      co_return refuse(wire::storage_error("InternalError"));
  }
}

Served<http::Response> QueueHandlers::list_queues(const QueueCall& call) {
  const auto maximum = integer_parameter(
      call.query,
      {.name = "maxresults", .min = 1, .max = std::numeric_limits<std::int64_t>::max()});
  if (!maximum) return refuse(maximum.error());
  wire::QueueListing listing;
  listing.service_endpoint = request_origin(call.request) + "/";
  if (call.address.path_style) {
    listing.service_endpoint.append(call.address.account)
        .append(call.address.secondary ? "-secondary" : "");
  }
  listing.prefix = given(call.query, "prefix");
  listing.marker = given(call.query, "marker");
  listing.max_results = *maximum;
  if (const auto include = given(call.query, "include"); include && !include->empty()) {
    if (*include != "metadata") {
      return refuse(invalid_parameter("include", *include, "metadata is all there is"));
    }
    listing.with_metadata = true;
  }
  const std::string marker_start = "/" + call.address.account + "/";
  std::string_view from = listing.marker ? std::string_view(*listing.marker) : std::string_view{};
  if (!from.empty()) {
    if (!from.starts_with(marker_start)) return refuse(wire::storage_error("InvalidMarker"));
    from.remove_prefix(marker_start.size());
  }
  auto page = store_.list(
      call.address.account,
      {.prefix = listing.prefix ? std::string_view(*listing.prefix) : std::string_view{},
       .from = from,
       .max = static_cast<std::size_t>(std::min(maximum->value_or(kListMax), kListMax)),
       .with_metadata = listing.with_metadata});
  listing.queues = std::move(page.queues);
  if (!page.next.empty()) listing.next_marker = marker_start + page.next;
  return xml_response(200, wire::render_queue_listing(listing));
}

Task<Served<http::Response>> QueueHandlers::create_queue(const QueueCall& call) {
  auto metadata = read_metadata(call.request.headers);
  if (!metadata) co_return refuse(metadata.error());
  if (is_being_deleted(call)) co_return refuse(wire::storage_error("QueueBeingDeleted"));
  const auto created =
      co_await store_.create_queue(call.address.account, call.address.queue, std::move(*metadata));
  if (!created) co_return refuse(store_refusal(created.error()));
  co_return empty_response(*created == QueueStore::Creation::made ? 201 : 204);
}

Task<Served<http::Response>> QueueHandlers::delete_queue(const QueueCall& call) {
  const auto queue = find_queue(call);
  if (!queue) co_return refuse(queue.error());
  const auto done = co_await store_.delete_queue(*queue);
  if (!done) co_return refuse(store_refusal(done.error()));
  if (options_.deletion_window.count() > 0) {
    deleted_until_.insert_or_assign(call.address.account + "/" + call.address.queue,
                                    clock_.now() + options_.deletion_window);
  }
  // The queue is gone, whatever becomes of this: what is left of its policies can never be read.
  (void)(co_await settings_.forget_queue(*queue)).has_value();
  co_return empty_response(204);
}

Served<http::Response> QueueHandlers::get_metadata(const QueueCall& call) {
  const auto queue = find_queue(call);
  if (!queue) return refuse(queue.error());
  http::Response response = empty_response(200);
  response.headers.set("x-ms-approximate-messages-count",
                       std::to_string(store_.approximate_count(*queue)));
  for (const auto& [name, value] : store_.metadata(*queue)) {
    response.headers.set("x-ms-meta-" + name, value);
  }
  return response;
}

Task<Served<http::Response>> QueueHandlers::set_metadata(const QueueCall& call) {
  auto metadata = read_metadata(call.request.headers);
  if (!metadata) co_return refuse(metadata.error());
  const auto queue = find_queue(call);
  if (!queue) co_return refuse(queue.error());
  const auto done = co_await store_.set_metadata(*queue, std::move(*metadata));
  if (!done) co_return refuse(store_refusal(done.error()));
  co_return empty_response(204);
}

Task<Served<http::Response>> QueueHandlers::put_message(const QueueCall& call) {
  auto text = read_text(call.request);
  if (!text) co_return refuse(text.error());
  const auto options = read_put_options(call);
  if (!options) co_return refuse(options.error());
  const auto queue = find_queue(call);
  if (!queue) co_return refuse(queue.error());
  auto message = co_await store_.put(*queue, std::move(*text), *options);
  if (!message) co_return refuse(store_refusal(message.error()));
  std::vector<wire::QueueMessage> messages;
  messages.push_back(std::move(*message));
  co_return xml_response(201, wire::render_messages(wire::MessageAnswer::put, messages));
}

Task<Served<http::Response>> QueueHandlers::get_messages(const QueueCall& call) {
  const auto count = read_count(call.query);
  if (!count) co_return refuse(count.error());
  const auto visibility = integer_parameter(
      call.query, {.name = "visibilitytimeout", .min = 1, .max = kVisibilitySecondsMax});
  if (!visibility) co_return refuse(visibility.error());
  const auto queue = find_queue(call);
  if (!queue) co_return refuse(queue.error());
  const seconds hidden{visibility->value_or(30)};
  const auto messages = co_await store_.get(*queue, *count, hidden);
  if (!messages) co_return refuse(store_refusal(messages.error()));
  co_return xml_response(200, wire::render_messages(wire::MessageAnswer::get, *messages));
}

Task<Served<http::Response>> QueueHandlers::peek_messages(const QueueCall& call) {
  const auto count = read_count(call.query);
  if (!count) co_return refuse(count.error());
  const auto queue = find_queue(call);
  if (!queue) co_return refuse(queue.error());
  const auto messages = co_await store_.peek(*queue, *count);
  if (!messages) co_return refuse(store_refusal(messages.error()));
  co_return xml_response(200, wire::render_messages(wire::MessageAnswer::peek, *messages));
}

Task<Served<http::Response>> QueueHandlers::clear_messages(const QueueCall& call) {
  const auto queue = find_queue(call);
  if (!queue) co_return refuse(queue.error());
  const auto done = co_await store_.clear(*queue);
  if (!done) co_return refuse(store_refusal(done.error()));
  co_return empty_response(204);
}

Task<Served<http::Response>> QueueHandlers::update_message(const QueueCall& call) {
  const auto receipt = read_receipt(call);
  if (!receipt) co_return refuse(receipt.error());
  const auto visibility = integer_parameter(
      call.query, {.name = "visibilitytimeout", .min = 0, .max = kVisibilitySecondsMax});
  if (!visibility) co_return refuse(visibility.error());
  if (!*visibility) co_return refuse(missing_parameter("visibilitytimeout"));
  std::optional<std::string> text;
  if (!call.request.body.empty()) {
    auto read = read_text(call.request);
    if (!read) co_return refuse(read.error());
    text = std::move(*read);
  }
  const auto queue = find_queue(call);
  if (!queue) co_return refuse(queue.error());
  const seconds hidden{**visibility};
  const auto updated =
      co_await store_.update(*queue, call.address.message_id, *receipt, hidden, std::move(text));
  if (!updated) {
    if (updated.error().code == "InvalidQueryParameterValue") {
      co_return refuse(invalid_parameter("visibilitytimeout", std::to_string(hidden.count()),
                                         updated.error().message));
    }
    co_return refuse(store_refusal(updated.error()));
  }
  http::Response response = empty_response(204);
  response.headers.set("x-ms-popreceipt", updated->pop_receipt);
  response.headers.set("x-ms-time-next-visible", to_rfc1123(updated->time_next_visible));
  co_return response;
}

Task<Served<http::Response>> QueueHandlers::delete_message(const QueueCall& call) {
  const auto receipt = read_receipt(call);
  if (!receipt) co_return refuse(receipt.error());
  const auto queue = find_queue(call);
  if (!queue) co_return refuse(queue.error());
  const auto done = co_await store_.remove(*queue, call.address.message_id, *receipt);
  if (!done) co_return refuse(store_refusal(done.error()));
  co_return empty_response(204);
}

Served<QueueNumber> QueueHandlers::find_queue(const QueueCall& call) const {
  const auto queue = store_.find_queue(call.address.account, call.address.queue);
  if (!queue) return refuse(store_refusal(queue.error()));
  return *queue;
}

Served<MessageNames::Receipt> QueueHandlers::read_receipt(const QueueCall& call) const {
  const std::string* text = http::find_parameter(call.query, "popreceipt");
  if (text == nullptr) return refuse(missing_parameter("popreceipt"));
  const auto receipt = store_.parse_receipt(*text);
  if (!receipt) return refuse(invalid_parameter("popreceipt", *text, "not a pop receipt"));
  return *receipt;
}

bool QueueHandlers::is_being_deleted(const QueueCall& call) {
  const UtcTime now = clock_.now();
  std::erase_if(deleted_until_, [now](const auto& entry) { return entry.second <= now; });
  return deleted_until_.contains(call.address.account + "/" + call.address.queue);
}

wire::StorageError store_refusal(const Error& error) {
  std::string_view code = error.code;
  if (wire::find_storage_error(code) == nullptr) {
    code = error.kind == ErrorKind::throttled ? "ServerBusy" : "InternalError";
  }
  auto refusal = wire::storage_error(code);
  if (error.retry_after) {
    const auto wait = std::chrono::ceil<seconds>(*error.retry_after);
    refusal.headers.emplace_back("Retry-After", std::to_string(wait.count()));
  }
  return refusal;
}

}  // namespace latchkey::cloud

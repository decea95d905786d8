#include "azure/table_client.hpp"

#include <utility>

#include "base/assert.hpp"
#include "wire/storage_error.hpp"

namespace latchkey::azure {
namespace {
using wire::TableEntity;
using wire::TablePage;

constexpr std::string_view kRole = "Storage Table Data Contributor";
/// Without types and addresses: we know what we wrote.
constexpr std::string_view kPlain = "application/json;odata=nometadata";
/// With ETags, which an answer of several entities has no header for.
constexpr std::string_view kWithEtags = "application/json;odata=minimalmetadata";

constexpr StorageResource kTableResource{.noun = "table",
                                         .host_part = ".table.",
                                         .name_rule = "3 to 63 letters and digits, a letter first",
                                         .example = "https://ACCOUNT.table.core.windows.net/TABLE",
                                         .service = wire::StorageService::table,
                                         .is_name = wire::is_table_name};

/// Who was first, or that nothing is there: part of the protocol, no failure.
bool is_about_the_entity(int status, std::string_view code) {
  return (status == 404 && code == "ResourceNotFound") ||
         (status == 409 && code == "EntityAlreadyExists") ||
         (status == 412 && (code == "UpdateConditionNotSatisfied" || code == "ConditionNotMet"));
}

std::optional<TablePage::Continuation> continuation_in(const http::Headers& headers) {
  const auto partition = headers.find("x-ms-continuation-NextPartitionKey");
  if (!partition || partition->empty()) return std::nullopt;
  const auto row = headers.find("x-ms-continuation-NextRowKey").value_or("");
  return TablePage::Continuation{.partition_key = std::string(*partition),
                                 .row_key = std::string(row)};
}

}  // namespace

struct TableClient::Call {
  http::Method method = http::Method::get;
  std::string path{};
  std::string query{};  ///< encoded
  std::string_view accept = kPlain;
  std::string etag{};  ///< If-Match
  std::string body{};
  Trace trace{};
};

Result<TableAddress> table_address_from_url(std::string_view url, TokenCredential* credential) {
  return storage_address_from_url(url, credential, kTableResource);
}

Result<TableAddress> table_address_from_connection_string(std::string_view text,
                                                          std::string_view table) {
  return storage_address_from_connection_string(text, table, kTableResource);
}

TableClient::TableClient(TableAddress address, http::HttpClient& http, Clock& clock, Random& random,
                         RetryOptions retry)
    : sender_(std::move(address), http, clock, random,
              {.form = StorageSender::Form::table, .version = kApiVersion, .retry = retry}) {
  LK_ASSERT(wire::is_table_name(name()));
}

Task<Result<>> TableClient::create() {
  std::string account = sender_.path();
  account.resize(account.rfind('/') + 1);
  Call call{.method = http::Method::post,
            .path = account + "Tables",
            .body = wire::render_table_name(name())};
  Result<StorageSender::Answer> answer = co_await send_once(call);
  if (!answer) co_return fail(std::move(answer.error()));
  const int status = answer->response.status;
  if (status == 201 || status == 204) co_return Result<>{};
  Error error = failure_of(answer->response);
  if (error.code == "TableAlreadyExists") co_return Result<>{};
  co_return fail(std::move(error));
}

Task<Result<TableClient::Written>> TableClient::insert(TableEntity entity, Trace trace) {
  LK_ASSERT(wire::is_table_key(entity.partition_key) && wire::is_table_key(entity.row_key));
  Call call{.method = http::Method::post,
            .path = sender_.path(),
            .body = wire::render_entity(entity),
            .trace = trace};
  co_return co_await write(std::move(call), 204);
}

Task<Result<TableClient::Written>> TableClient::update(TableEntity entity, Trace trace) {
  LK_ASSERT(!entity.etag.empty());  // Without one it would be Insert Or Replace.
  Call call{.method = http::Method::put,
            .path = sender_.path() + wire::entity_path(entity.partition_key, entity.row_key),
            .etag = entity.etag,
            .body = wire::render_entity(entity),
            .trace = trace};
  co_return co_await write(std::move(call), 204);
}

Task<Result<TableClient::Written>> TableClient::remove(std::string partition_key,
                                                       std::string row_key, std::string etag,
                                                       Trace trace) {
  LK_ASSERT(!etag.empty());
  Call call{.method = http::Method::delete_,
            .path = sender_.path() + wire::entity_path(partition_key, row_key),
            .etag = std::move(etag),
            .trace = trace};
  co_return co_await write(std::move(call), 204);
}

Task<Result<std::optional<TableEntity>>> TableClient::get(std::string partition_key,
                                                          std::string row_key, Trace trace) {
  Call call{.path = sender_.path() + wire::entity_path(partition_key, row_key), .trace = trace};
  Result<StorageSender::Answer> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  if (answer->response.status != 200) co_return std::nullopt;
  Result<TableEntity> entity = wire::parse_entity(answer->response.body);
  if (!entity) co_return fail(std::move(entity.error()));
  entity->etag = answer->response.headers.find("ETag").value_or("");
  if (entity->etag.empty()) {
    co_return fail(ErrorKind::protocol, "MissingHeader", who() + ": the answer has no ETag");
  }
  co_return std::move(*entity);
}

Task<Result<TablePage>> TableClient::query(TableQuery query, Trace trace) {
  Call call{.path = sender_.path() + "()", .accept = kWithEtags, .trace = trace};
  call.query = "$filter=" + percent_encode(query.filter) + "&$top=" + std::to_string(query.top);
  if (query.from) {
    call.query += "&NextPartitionKey=" + percent_encode(query.from->partition_key);
    call.query += "&NextRowKey=" + percent_encode(query.from->row_key);
  }
  Result<StorageSender::Answer> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  if (answer->response.status != 200) co_return fail(failure_of(answer->response));
  Result<std::vector<TableEntity>> entities = wire::parse_entities(answer->response.body);
  if (!entities) co_return fail(std::move(entities.error()));
  co_return TablePage{.entities = std::move(*entities),
                      .next = continuation_in(answer->response.headers)};
}

Task<Result<TableClient::Written>> TableClient::write(Call call, int success) {
  Result<StorageSender::Answer> answer = co_await send(std::move(call));
  if (!answer) co_return fail(std::move(answer.error()));
  const int status = answer->response.status;
  // 201 where the service does not know "return-no-content".
  const bool done = status == success || status == 201;
  co_return Written{.done = done, .repeated = answer->repeated};
}

Task<Result<StorageSender::Answer>> TableClient::send(Call call) {
  Result<StorageSender::Answer> answer = co_await send_once(call);
  if (!answer) co_return answer;
  if (answer->response.status < 300) co_return answer;
  Error error = failure_of(answer->response);
  if (error.code == "TableNotFound") {
    Result<> created = co_await create();
    if (!created) co_return fail(std::move(created.error()));
    answer = co_await send_once(call);
    if (!answer || answer->response.status < 300) co_return answer;
    error = failure_of(answer->response);
  }
  if (is_about_the_entity(error.http_status, error.code)) co_return answer;
  co_return fail(std::move(error));
}

Task<Result<StorageSender::Answer>> TableClient::send_once(const Call& call) {
  http::ClientRequest request = sender_.request(call.method, call.path, call.query);
  request.headers.add("Accept", call.accept);
  request.headers.add("DataServiceVersion", "3.0;NetFx");
  request.headers.add("MaxDataServiceVersion", "3.0;NetFx");
  if (!call.etag.empty()) request.headers.add("If-Match", call.etag);
  if (!call.body.empty()) {
    request.headers.add("Content-Type", "application/json");
    if (call.method == http::Method::post) request.headers.add("Prefer", "return-no-content");
    request.body = call.body;
  }
  // A write that is sent twice must be known to be: the pool does not repeat it unseen.
  request.replayable = call.method == http::Method::get;
  request.trace = call.trace;
  Result<StorageSender::Answer> answer = co_await sender_.send(std::move(request));
  if (answer) co_return answer;
  Error error = std::move(answer.error());
  error.message = who() + ": " + error.message;
  co_return fail(std::move(error));
}

Error TableClient::failure_of(const http::Response& response) const {
  Error error = wire::storage_error_from(response, who());
  if (error.code == "AuthorizationPermissionMismatch") {
    error.message += sender_.by_identity() ? " Assign a role such as \"" + std::string(kRole) +
                                                 "\" on the table to the identity."
                                           : " Give the shared access signature that permission.";
  }
  return error;
}

}  // namespace latchkey::azure

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "azure/storage_sender.hpp"
#include "base/trace.hpp"
#include "wire/table_json.hpp"

namespace latchkey::azure {

using TableAddress = StorageAddress;

/// https://ACCOUNT.table.core.windows.net/TABLE, as storage_address_from_url reads it.
Result<TableAddress> table_address_from_url(std::string_view url, TokenCredential* credential);
/// From a connection string and a table name.
Result<TableAddress> table_address_from_connection_string(std::string_view text,
                                                          std::string_view table);

struct TableQuery {
  std::string filter{};      ///< OData, not yet percent-encoded
  std::int64_t top = 1'000;  ///< 1 to 1,000: of one page
  std::optional<wire::TablePage::Continuation> from{};
};

/// One table of Table Storage. Every write is conditional: on the entity's absence (insert) or on
/// its being as it was read (update, remove: by its ETag), which is all that the service offers
/// across partitions. That somebody else was first is an answer here, not an Error.
///
/// Calls are retried as RetryPolicy has it. A write that had to be sent again, though an earlier
/// try may have taken effect, says so: `repeated` and not `done` may then be the caller's own work.
///
/// A table that is missing is created at the first call that needs it. Errors as
/// wire::storage_error_from gives them. One executor; the object and what it refers to must outlive
/// its calls.
/// Source: REST reference, "Table Storage REST API".
class TableClient {
 public:
  static constexpr std::string_view kApiVersion = "2020-12-06";

  TableClient(TableAddress address, http::HttpClient& http, Clock& clock, Random& random,
              RetryOptions retry = {});

  Task<Result<>> create();  ///< also fine when it exists already

  struct Written {
    bool done = false;      ///< else: it exists (insert), was changed, or is gone
    bool repeated = false;  ///< after a try whose answer was lost
  };
  Task<Result<Written>> insert(wire::TableEntity entity, Trace trace = {});
  /// Replaces the entity if its ETag is still `entity.etag`.
  Task<Result<Written>> update(wire::TableEntity entity, Trace trace = {});
  /// Deletes the entity if its ETag is still `etag`; "*" deletes it as it is.
  Task<Result<Written>> remove(std::string partition_key, std::string row_key, std::string etag,
                               Trace trace = {});

  /// Nothing if there is none.
  Task<Result<std::optional<wire::TableEntity>>> get(std::string partition_key, std::string row_key,
                                                     Trace trace = {});
  /// One page, in order of the keys, with ETags.
  Task<Result<wire::TablePage>> query(TableQuery query, Trace trace = {});

  std::string_view name() const { return sender_.name(); }

 private:
  struct Call;
  /// An answer of whatever status that is no failure of the service's.
  Task<Result<StorageSender::Answer>> send(Call call);
  Task<Result<StorageSender::Answer>> send_once(const Call& call);
  Task<Result<Written>> write(Call call, int success);
  Error failure_of(const http::Response& response) const;
  /// "table codes", for messages.
  std::string who() const { return "table " + std::string(name()); }

  StorageSender sender_;
};

}  // namespace latchkey::azure

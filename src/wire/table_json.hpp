#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/result.hpp"

/// Entities of Table Storage as OData JSON. Source: REST reference, "Payload format for Table
/// Storage operations" and "Understanding the Table service data model".
namespace latchkey::wire {

/// Edm.String, Edm.Int64, Edm.DateTime and Edm.Binary: all types that we keep.
using TableValue = std::variant<std::string, std::int64_t, UtcTime, Bytes>;

/// A row of a table. What was read holds texts and whole numbers only, for answers without metadata
/// do not say the types: ask by the functions below, which take either form.
struct TableEntity {
  std::string partition_key{};
  std::string row_key{};
  std::string etag{};  ///< where the answer has it
  std::map<std::string, TableValue, std::less<>> properties{};

  /// The property; empty or zero when it is absent or no such thing.
  std::string text(std::string_view name) const;
  std::int64_t number(std::string_view name) const;
  UtcTime time(std::string_view name) const;
  Bytes binary(std::string_view name) const;
};

/// A query's answer.
struct TablePage {
  std::vector<TableEntity> entities{};
  /// Where the next page begins; none on the last one. A page may be empty and not the last.
  struct Continuation {
    std::string partition_key{};
    std::string row_key{};
  };
  std::optional<Continuation> next{};
};

/// The body of Insert Entity and Update Entity; the ETag is none of it.
std::string render_entity(const TableEntity& entity);
/// The body of Create Table.
std::string render_table_name(std::string_view name);
/// Error: protocol, code "InvalidEntity".
Result<TableEntity> parse_entity(std::string_view body);
/// Error: as parse_entity. `next` is in the answer's head, not here.
Result<std::vector<TableEntity>> parse_entities(std::string_view body);

/// (PartitionKey='...',RowKey='...') as it stands in a URL's path.
std::string entity_path(std::string_view partition_key, std::string_view row_key);
/// 'text' in a query's $filter, before percent-encoding.
std::string filter_text(std::string_view text);
/// datetime'...' in a query's $filter.
std::string filter_time(UtcTime time);

/// True for what may safely be a PartitionKey or RowKey: no '/', '\', '#', '?', no control
/// characters; nor '%', which some servers decode twice; at most 512 bytes (Azure: 1 KiB as
/// UTF-16).
bool is_table_key(std::string_view text);
/// 3 to 63 letters and digits, a letter first; not "tables".
bool is_table_name(std::string_view text);

}  // namespace latchkey::wire

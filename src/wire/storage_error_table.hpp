#pragma once

#include <span>
#include <string_view>

/// Codes, statuses and texts of Azure Storage's errors. Source: REST reference, "Common REST API
/// error codes" and "Queue service error codes"; spelling corrected where the service errs.
namespace latchkey::wire {

struct StorageErrorRow {
  int status;
  std::string_view code;
  std::string_view message;
};

/// Sorted by code.
std::span<const StorageErrorRow> storage_error_table();
/// Nullptr when the code is not in the table. Codes compare with case.
const StorageErrorRow* find_storage_error(std::string_view code);

}  // namespace latchkey::wire

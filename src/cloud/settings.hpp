#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/sqlite.hpp"

/// Values that are made at the first start and stay: the tenant's ids, the storage account's key.
namespace latchkey::cloud {

/// Makes the table.
Result<> prepare_settings(sqlite::Database& database);
/// The value that is kept under `name`; what `make` gives is kept when there is none.
Result<std::string> keep_setting(sqlite::Database& database, std::string_view name,
                                 const std::function<std::string()>& make);

}  // namespace latchkey::cloud

#pragma once

#include <memory>

#include "app/azure_access.hpp"
#include "codes/code_tables.hpp"

namespace latchkey::app {

/// The tables that the settings name, and what they need to reach their store.
struct OpenCodeTables {
  std::unique_ptr<AzureAccess> azure{};             ///< where that takes a token or the vault
  std::unique_ptr<azure::CachedSecret> password{};  ///< CODE_TABLE_SECRET_NAME
  codes::CodeTables tables{};
};

/// A file is opened; its error is the start's. A service is not asked yet: while it cannot be
/// reached, /readyz says so, the API answers 503 and the watcher takes no messages.
Result<OpenCodeTables> open_code_tables(const ServiceSettings& settings, Trust trust, World world);

}  // namespace latchkey::app

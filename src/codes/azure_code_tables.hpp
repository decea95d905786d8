#pragma once

#include <memory>

#include "azure/table_client.hpp"
#include "codes/code_tables.hpp"

namespace latchkey::codes {

struct AzureTablesWorld {
  std::shared_ptr<http::HttpClient> http;  ///< of its own, or one that others use as well
  Clock& clock;
  Random& random;
  Executor executor;
};

/// Codes and answers in one table of Azure Table Storage, which any number of processes may share:
/// decision 0013. Asks nothing of the service yet; the table is created when it is missing. Errors
/// of the tables: unavailable for all that may pass or can be mended from outside (unreachable,
/// throttled, no right), storage for a table that holds something else. Clock and
/// randomness must outlive the tables, and these their calls.
CodeTables open_azure_tables(azure::TableAddress address, AzureTablesWorld world,
                             azure::RetryOptions retry = {});

}  // namespace latchkey::codes

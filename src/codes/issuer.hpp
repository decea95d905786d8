#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "azure/queue_shards.hpp"
#include "codes/audit.hpp"
#include "codes/code.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_table.hpp"
#include "codes/number_api.hpp"
#include "codes/rate_limiter.hpp"
#include "codes/rules.hpp"

namespace latchkey::codes {

class CodeMetrics;

struct IssueRequest {
  Binding binding{};
  std::string caller{};  ///< who asks, for limits and the audit
  /// At most the rules' lifetime (asserted), which is what counts when absent.
  std::optional<std::chrono::milliseconds> lifetime{};
  Trace trace{};
};

struct IssuedCode {
  std::string id{};
  Secret code{};
  UtcTime issued{};
  UtcTime expires{};
  /// How many more the subject may get, and when the count starts anew; absent without a subject.
  struct Quota {
    std::int64_t left = 0;
    std::chrono::seconds reset{0};
  };
  std::optional<Quota> quota{};
};

struct IssuerOptions {
  LifetimeRules rules{};
  Limits limits{};
  bool message_base64 = false;  ///< some consumers expect Base64 text
};

/// Makes a code: number, letters, then the PENDING row, then the message; answers only when both
/// are durable. A collision draws again (up to 5 times). The row's key says which of several queues
/// the message goes to. When no queue takes it the row is revoked as far as the table lets us.
///
/// Why the row first and not both at once: decision 0005.
///
/// Behind a queue output binding of Azure Functions the message is not ours to put:
/// `issue_unannounced` does all but that, and whoever called it hands the message on. When that
/// fails the code stays pending until the sweep takes its row: nobody can use it.
///
/// Errors: throttled, code "IssueLimit", with retry_after, when a limit of the subject or the
/// caller is reached; as NumberApi; or unavailable with code "QueueUnavailable" or
/// "TableUnavailable" and http_status 0, the cause in the message: http_status is never anybody's
/// but the number API's.
class Issuer {
 public:
  struct Dependencies {
    NumberApi& number_api;
    azure::QueueShards& queues;
    CodeTable& table;
    const CodeHasher& hasher;
    RateLimiter& callers;  ///< issues for each caller, and in all
    Audit& audit;
    Clock& clock;
    Random& random;
    CodeMetrics* metrics = nullptr;  ///< nobody counts
  };
  Issuer(Dependencies dependencies, IssuerOptions options);
  Task<Result<IssuedCode>> issue(IssueRequest request);
  Task<Result<IssuedCode>> issue_unannounced(IssueRequest request);
  const IssuerOptions& options() const { return options_; }

 private:
  Task<Result<IssuedCode>> make_and_announce(const IssueRequest& request);
  void ended(const Result<IssuedCode>& issued, SteadyTime begun);
  Task<Result<IssuedCode>> make_pending(const IssueRequest& request);
  Task<Result<IssuedCode>> insert_new(std::int64_t number, const IssueRequest& request);
  Task<Result<>> announce(const IssuedCode& issued, const IssueRequest& request);
  tl::unexpected<Error> limited(std::chrono::seconds retry_after, const IssueRequest& request,
                                std::string_view whose);
  void record(AuditEventKind kind, std::string_view id, const IssueRequest& request,
              std::string_view reason);

  Dependencies with_;
  IssuerOptions options_;
};

}  // namespace latchkey::codes

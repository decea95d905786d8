#pragma once

#include <string>

#include "azure/queue_client.hpp"
#include "codes/code.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_table.hpp"
#include "codes/number_api.hpp"
#include "codes/rules.hpp"

namespace latchkey::codes {

struct IssuedCode {
  Secret code;
  UtcTime issued{};
  UtcTime expires{};
};

/// Makes a code: number, letters, then the PENDING row, then the message; answers only when both
/// are durable. A collision draws again (up to 5 times). When the put fails the row is revoked as
/// far as the table lets us.
///
/// Why the row first and not both at once: then a message without a row means "never issued", at
/// once and for certain. Put and insert side by side would save one table write of latency (an
/// estimate: 0.2 to 2 ms of SQLite beside 10 ms of Put Message), but the watcher could see the
/// message before the row. It would have to wait some time before it calls a message forged, and an
/// insert slower than that time (a busy file, a throttled table) would leave a code that was
/// answered with 200 and never becomes valid. A collision, for its part, would be harmless either
/// way: the second message activates and removes by the first row's own times.
///
/// Errors: as NumberApi; or unavailable with code "QueueUnavailable" or "TableUnavailable" and
/// http_status 0, the cause in the message: http_status is never anybody's but the number API's.
class Issuer {
 public:
  struct Dependencies {
    NumberApi& number_api;
    azure::QueueClient& queue;
    CodeTable& table;
    const CodeHasher& hasher;
    Clock& clock;
    Random& random;
  };
  Issuer(Dependencies dependencies, LifetimeRules rules);
  /// `message_base64`: some consumers expect Base64 text.
  bool message_base64 = false;
  Task<Result<IssuedCode>> issue(Binding binding = {});

 private:
  /// Draws until a row could be inserted.
  Task<Result<IssuedCode>> insert_new(std::int64_t number, Binding binding);
  /// Puts the message of `issued`; revokes the row when that fails.
  Task<Result<>> announce(const IssuedCode& issued);

  Dependencies with_;
  LifetimeRules rules_;
};

}  // namespace latchkey::codes

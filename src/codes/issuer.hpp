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

/// Makes a code: number, letters, then the PENDING row and the message at once; answers only when
/// both are durable. A collision draws again (up to 5 times). When the put fails the row is
/// revoked. Errors: as NumberApi (stage "number_api"), or unavailable with code "QueueUnavailable"
/// / "TableUnavailable".
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
  Dependencies with_;
  LifetimeRules rules_;
};

}  // namespace latchkey::codes

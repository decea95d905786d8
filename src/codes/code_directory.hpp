#pragma once

#include <optional>
#include <string>

#include "codes/audit.hpp"
#include "codes/code_table.hpp"

namespace latchkey::codes {

/// What may be done with issued codes besides verifying them: look, and take back. By id, never by
/// code. Errors: kind storage or unavailable.
class CodeDirectory {
 public:
  CodeDirectory(CodeTable& table, Audit& audit, Clock& clock);

  enum class Standing { pending, valid, used, revoked, expired };
  struct View {
    std::string id;
    Standing standing{};
    Binding binding;
    UtcTime issued{};
    UtcTime expires{};
  };
  /// Consumes and counts nothing; nullopt for an id that is not (or no longer) known.
  Task<Result<std::optional<View>>> look(std::string id, Trace trace = {});

  enum class Revoked { yes, already, used, unknown };
  Task<Result<Revoked>> revoke(std::string id, std::string caller, Trace trace = {});
  /// How many codes that could still be used were revoked.
  Task<Result<std::int64_t>> revoke_subject(std::string subject, std::optional<std::string> purpose,
                                            std::string caller, Trace trace = {});

 private:
  CodeTable& table_;
  Audit& audit_;
  Clock& clock_;
};
const char* to_string(CodeDirectory::Standing standing);

}  // namespace latchkey::codes

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "codes/audit_log_chain.hpp"

namespace latchkey::codes {

struct AuditProblem {
  std::string file;
  std::uint64_t line = 0;  ///< from 1; 0 where no line is to blame
  std::string what;
};

struct AuditReport {
  std::vector<std::string> files;
  std::uint64_t lines = 0;
  std::map<std::string, std::uint64_t> events;  ///< how many of each kind
  /// Bytes behind the last line break of files that are written: a process that was killed while it
  /// wrote, or one that writes now. No problem.
  std::uintmax_t torn_bytes = 0;
  std::vector<AuditHead> heads;        ///< of each chain; for the next verification
  std::vector<AuditProblem> problems;  ///< the first of each file, and each head that is missing
  bool good() const { return problems.empty(); }
};

/// Reads the whole audit log and tells whether every chain is unbroken and holds all heads that are
/// known of it: those that the chains note of one another, and `expected` (from a process log, or
/// from an earlier report).
///
/// What nobody can tell without an expected head: a tail that was cut, or a chain that was removed,
/// when no process has started since; and a chain that was forged anew as a whole.
///
/// Time is linear in the log's size. Memory does not grow with it, but for one entry for each head
/// that is noted, a few for each start of a process. May run while the log is written: events that
/// come meanwhile are seen or not; a file that is put aside at that very time looks like a gap.
/// Errors: not_found (no such folder, or nothing in it), storage.
Result<AuditReport> verify_audit(std::filesystem::path folder, std::vector<AuditHead> expected);

}  // namespace latchkey::codes

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

/// The form of the audit log on disk, for its writer and its verifier.
///
///   folder  := chain*
///   chain   := <name>.<seq>.jsonl* <name>.jsonl   full files by the seq of their first line, then
///                                                 the one that is written; <name> is <role>-<slot>
///   line    := {"seq":N,"time":"..","event":"..", more members, "previous":"H","hash":"H"} LF
///
/// `hash` is SHA-256 of the line's text in front of ,"hash" and `previous` the hash of the line
/// before, 64 zeros for the first: whoever changes, removes or inserts a line has to change all
/// that follow. Whoever can write to the folder can do that; then heads, kept elsewhere, tell.
namespace latchkey::codes {

inline constexpr std::size_t kAuditLineBytesMax = std::size_t{256} * 1024;

/// Where a chain stood: its name, and number and hash of a line.
struct AuditHead {
  std::string chain;
  std::uint64_t seq = 0;
  std::string hash = std::string(64, '0');
  friend bool operator==(const AuditHead&, const AuditHead&) = default;
};
/// "api-1:1234:<64 hex digits>", as the process log has it.
std::string to_string(const AuditHead& head);
/// Error: invalid_argument.
Result<AuditHead> parse_audit_head(std::string_view text);

struct AuditLine {
  std::uint64_t seq = 0;
  std::string event;
  std::string previous;
  std::string hash;
  std::string chain;             ///< in "audit_opened" only
  std::vector<AuditHead> heads;  ///< in "audit_opened" only: of the other chains at that time
};
/// `text` without its line break. Error: protocol; the message says what is wrong with the line.
Result<AuditLine> read_audit_line(std::string_view text);
/// The line's own hash as it stands there, unchecked; empty when there is none.
std::string_view audit_hash_in(std::string_view text);

/// A line with its line break, and the head that the chain then has. `members` are more members,
/// each led by a comma: ,"reason":"expired"
struct SealedAuditLine {
  std::string text;
  AuditHead head;
};
SealedAuditLine seal_audit_line(const AuditHead& before, UtcTime time, std::string_view event,
                                std::string_view members);

using AuditChains = std::map<std::string, std::vector<std::filesystem::path>>;
/// The files of each chain in the folder, in order. Error: storage.
Result<AuditChains> find_audit_chains(const std::filesystem::path& folder);

/// Lines of a file of any size in constant memory. A line beyond kAuditLineBytesMax comes in
/// pieces.
class AuditFileReader {
 public:
  explicit AuditFileReader(const std::filesystem::path& file);
  ~AuditFileReader();
  AuditFileReader(const AuditFileReader&) = delete;
  AuditFileReader& operator=(const AuditFileReader&) = delete;

  /// Without the line break; valid until the next call. Nullopt at the end, or when the file cannot
  /// be read.
  std::optional<std::string_view> next();
  /// Whether what `next` gave last ended with a line break.
  bool complete() const { return complete_; }
  bool failed() const { return failed_; }

 private:
  void fill();
  int fd_;
  std::string buffer_;
  std::size_t at_ = 0;
  bool ended_ = false;
  bool complete_ = true;
  bool failed_ = false;
};

/// The end of a file that is written line by line.
struct AuditTail {
  std::string line;          ///< the last complete one; empty when there is none
  std::uintmax_t whole = 0;  ///< bytes of complete lines
  std::uintmax_t torn = 0;   ///< bytes behind them: a writer that was killed, or writes now
};
/// Reads no more than the last two lines may take. Error: storage; not_found (no such file).
Result<AuditTail> read_audit_tail(const std::filesystem::path& file);

}  // namespace latchkey::codes

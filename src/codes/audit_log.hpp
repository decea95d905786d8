#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "codes/audit.hpp"
#include "codes/audit_log_chain.hpp"

namespace latchkey::codes {

/// The audit log: JSON lines, chained by hashes so that a change or a removal shows
/// (audit_log_verifier.hpp; the form is in audit_log_chain.hpp).
///
/// Each process has a chain of its own, the first free of <role>-1, <role>-2, ...; a lock file says
/// which are taken. No lock is ever waited for: a process that stands still must not stop others.
/// The chain of a process that has ended is continued by the next.
///
/// An event is one write to the file and not synced: it survives the process, kill -9 included, but
/// not a loss of power. What cannot be written is counted, told in the log, and noted in the chain
/// ("audit_resumed") when writing works again; the caller's work goes on.
///
/// The chain's head goes to the process log at the start, every kHeadInterval events and at the end
/// ("audit_head"), and at the start ("audit_opened") each chain notes the heads of all others: so a
/// file that was removed or cut shows as well.
///
/// One thread.
class AuditLog final : public Audit {
 public:
  static constexpr std::uintmax_t kFileBytesMax = std::uintmax_t{256} * 1024 * 1024;
  static constexpr int kSlotsMax = 100;
  static constexpr std::uint64_t kHeadInterval = 1000;
  /// Of subject, purpose, caller and the like; the rest is cut off.
  static constexpr std::size_t kMemberBytesMax = 256;

  /// The folder is made if need be. `role`: 1 to 32 small letters and digits. A file that has
  /// `file_bytes_max` is put aside, and the chain goes on in a new one.
  /// Errors: invalid_argument (role), storage, conflict (no slot is free).
  static Result<std::unique_ptr<AuditLog>> open(std::filesystem::path folder, std::string role,
                                                Clock& clock,
                                                std::uintmax_t file_bytes_max = kFileBytesMax);
  ~AuditLog() override;
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  void record(const AuditEvent& event) override;

  const AuditHead& head() const { return head_; }
  /// Events that could not be written, ever.
  std::uint64_t lost() const { return lost_; }

 private:
  AuditLog(std::filesystem::path folder, std::string chain, Clock& clock,
           std::uintmax_t file_bytes_max, int lock);
  Result<> continue_chain();
  std::string heads_of_others() const;
  void append(std::string_view event, const std::string& members);
  bool write_line(std::string_view event, const std::string& members);
  bool write_whole(const std::string& text);
  void rotate();
  std::filesystem::path written_file() const { return folder_ / (head_.chain + ".jsonl"); }
  void tell_head() const;

  const std::filesystem::path folder_;
  Clock& clock_;
  const std::uintmax_t file_bytes_max_;
  const int lock_;
  int file_ = -1;
  std::uintmax_t size_ = 0;      ///< bytes of whole lines in the file
  std::uint64_t first_seq_ = 1;  ///< of the file's first line
  AuditHead head_;
  std::uint64_t lost_ = 0;
  std::uint64_t lost_told_ = 0;  ///< of these, what the chain tells of
  bool rotation_failing_ = false;
};

}  // namespace latchkey::codes

#include "codes/audit_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"

namespace latchkey::codes {
namespace {

constexpr std::size_t kRoleBytesMax = 32;
constexpr mode_t kOwnerOnly = 0600;

bool is_role(std::string_view role) {
  return !role.empty() && role.size() <= kRoleBytesMax && std::ranges::all_of(role, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

tl::unexpected<Error> storage_error(const std::filesystem::path& place) {
  return fail(ErrorKind::storage, "AuditFileFailed",
              fmt::format("{}: {}", place.string(), std::strerror(errno)));
}

/// As much as the log takes of a text from outside, in a form that JSON can carry.
std::string clean(std::string_view text) {
  if (text.size() > AuditLog::kMemberBytesMax) {
    std::size_t end = AuditLog::kMemberBytesMax;
    // Not within a character: its other bytes are 10xxxxxx.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text = text.substr(0, end);
  }
  std::string out(text);
  if (!is_utf8(out)) {
    std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  }
  return out;
}

void add_member(std::string& members, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  // Boost.JSON escapes quotes and control characters, line breaks among them.
  members +=
      fmt::format(R"(,"{}":{})", name, boost::json::serialize(boost::json::value(clean(value))));
}

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(std::filesystem::path folder, std::string role,
                                                 Clock& clock, std::uintmax_t file_bytes_max) {
  if (!is_role(role)) {
    return fail(ErrorKind::invalid_argument, "BadAuditRole",
                "an audit role has 1 to 32 small letters and digits");
  }
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return storage_error(folder);
  for (int slot = 1; slot <= kSlotsMax; ++slot) {
    const std::string chain = fmt::format("{}-{}", role, slot);
    const auto lock_file = folder / (chain + ".lock");
    const int lock = ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
    if (lock < 0) return storage_error(lock_file);
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
      const bool taken = errno == EWOULDBLOCK;
      auto error = storage_error(lock_file);
      ::close(lock);
      if (taken) continue;
      return error;
    }
    std::unique_ptr<AuditLog> log(new AuditLog(folder, chain, clock, file_bytes_max, lock));
    const auto continued = log->continue_chain();
    if (continued) return log;
    if (continued.error().kind != ErrorKind::protocol) return fail(continued.error());
    // What somebody damaged stays as it is, to be looked at.
    log::error("audit_chain_damaged", {{"chain", chain}, {"problem", continued.error().message}});
  }
  return fail(ErrorKind::conflict, "NoAuditSlot",
              fmt::format("{}: all {} chains of {} are taken or damaged", folder.string(),
                          kSlotsMax, role));
}

AuditLog::AuditLog(std::filesystem::path folder, std::string chain, Clock& clock,
                   std::uintmax_t file_bytes_max, int lock)
    : folder_(std::move(folder)),
      clock_(clock),
      file_bytes_max_(file_bytes_max),
      lock_(lock),
      head_{.chain = std::move(chain)} {}

AuditLog::~AuditLog() {
  if (file_ >= 0) {
    tell_head();
    ::close(file_);
  }
  ::close(lock_);
}

void AuditLog::record(const AuditEvent& event) {
  std::string members;
  add_member(members, "code_id", event.code_id);
  add_member(members, "subject", event.subject);
  add_member(members, "purpose", event.purpose);
  add_member(members, "caller", event.caller);
  add_member(members, "reason", event.reason);
  append(to_string(event.kind), members);
}

/// Opens the file behind the last whole line of the chain. Error: protocol when that line is not
/// one, so that nothing can be chained to it.
Result<> AuditLog::continue_chain() {
  const auto chains = find_audit_chains(folder_);
  if (!chains) return fail(chains.error());
  const auto ours = chains->find(head_.chain);
  const auto files = ours == chains->end() ? std::vector<std::filesystem::path>() : ours->second;
  // The newest file may be empty: its process ended before it wrote.
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    const auto tail = read_audit_tail(*file);
    if (!tail) return fail(tail.error());
    if (tail->line.empty()) continue;
    const auto line = read_audit_line(tail->line);
    if (!line) return fail(line.error());
    head_.seq = line->seq;
    head_.hash = line->hash;
    break;
  }
  file_ = ::open(written_file().c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, kOwnerOnly);
  if (file_ < 0) return storage_error(written_file());
  const auto tail = read_audit_tail(written_file());
  if (!tail) return fail(tail.error());
  size_ = tail->whole;
  first_seq_ = head_.seq + 1;
  if (size_ > 0) {
    AuditFileReader reader(written_file());
    const auto first = read_audit_line(reader.next().value_or(""));
    if (!first) return fail(first.error());
    first_seq_ = first->seq;
  }
  std::string members = fmt::format(R"(,"chain":"{}")", head_.chain);
  if (tail->torn > 0) {
    // A process was killed while it wrote: nobody has acted on that event.
    if (::ftruncate(file_, static_cast<off_t>(size_)) != 0) return storage_error(written_file());
    members += fmt::format(R"(,"torn_bytes":{})", tail->torn);
  }
  members += heads_of_others();
  append("audit_opened", members);
  if (lost_ > 0) {
    return fail(ErrorKind::storage, "AuditFileFailed",
                written_file().string() + ": cannot be written; see the log");
  }
  tell_head();
  return {};
}

std::string AuditLog::heads_of_others() const {
  std::string list;
  const auto chains = find_audit_chains(folder_);
  if (!chains) return list;
  for (const auto& [name, files] : *chains) {
    for (auto file = files.rbegin(); file != files.rend() && name != head_.chain; ++file) {
      const auto tail = read_audit_tail(*file);
      if (!tail || tail->line.empty()) continue;
      const auto line = read_audit_line(tail->line);
      if (!line) break;  // Damaged, which the verifier tells.
      const AuditHead head{.chain = name, .seq = line->seq, .hash = line->hash};
      list += fmt::format(R"({}"{}")", list.empty() ? "" : ",", codes::to_string(head));
      break;
    }
  }
  return list.empty() ? list : fmt::format(R"(,"heads":[{}])", list);
}

void AuditLog::append(std::string_view event, const std::string& members) {
  if (lost_ > lost_told_) {
    const std::uint64_t lost = lost_ - lost_told_;
    if (write_line("audit_resumed", fmt::format(R"(,"lost":{})", lost))) {
      lost_told_ = lost_;
      log::info("audit_recovered", {{"chain", head_.chain}, {"lost", lost}});
    }
  }
  const bool was_failing = lost_ > lost_told_;
  if (!was_failing && write_line(event, members)) return;
  if (!was_failing) {
    log::error("audit_failing", {{"chain", head_.chain}, {"problem", std::strerror(errno)}});
  }
  ++lost_;
}

bool AuditLog::write_line(std::string_view event, const std::string& members) {
  const auto line = seal_audit_line(head_, clock_.now(), event, members);
  if (size_ > 0 && size_ + line.text.size() > file_bytes_max_) rotate();
  if (!write_whole(line.text)) return false;
  size_ += line.text.size();
  head_ = line.head;
  if (head_.seq % kHeadInterval == 0) tell_head();
  return true;
}

bool AuditLog::write_whole(const std::string& text) {
  const ssize_t written = ::write(file_, text.data(), text.size());
  if (written == static_cast<ssize_t>(text.size())) return true;
  if (written >= 0) errno = ENOSPC;
  // A piece of a line must not stay in front of the next one.
  const int reason = errno;
  if (::ftruncate(file_, static_cast<off_t>(size_)) != 0) {
    log::error("audit_truncate_failed", {{"chain", head_.chain}});
  }
  errno = reason;
  return false;
}

void AuditLog::rotate() {
  const auto full = folder_ / fmt::format("{}.{}.jsonl", head_.chain, first_seq_);
  int next = -1;
  if (::rename(written_file().c_str(), full.c_str()) == 0) {
    next = ::open(written_file().c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
                  kOwnerOnly);
    if (next < 0) ::rename(full.c_str(), written_file().c_str());
  }
  if (next < 0) {
    // The old file goes on being written; the next event tries again.
    if (!std::exchange(rotation_failing_, true)) {
      log::error("audit_rotation_failing", {{"chain", head_.chain}});
    }
    return;
  }
  rotation_failing_ = false;
  ::close(std::exchange(file_, next));
  size_ = 0;
  first_seq_ = head_.seq + 1;
}

void AuditLog::tell_head() const {
  log::info("audit_head", {{"head", codes::to_string(head_)}});
}

}  // namespace latchkey::codes

#include "codes/audit_log_verifier.hpp"

#include <fmt/format.h>

#include <utility>

namespace latchkey::codes {
namespace {

/// Who says that a line must be there.
struct Claim {
  std::uint64_t seq = 0;
  std::string by;
};
/// Per chain, by the line's hash.
using Claims = std::map<std::string, std::map<std::string, Claim, std::less<>>>;

/// Reads chain after chain and keeps what it finds.
class Verification {
 public:
  void claim(const AuditHead& head, std::string by) {
    if (head.seq == 0) return;  // Of a chain without a line.
    claims_[head.chain].try_emplace(head.hash, Claim{.seq = head.seq, .by = std::move(by)});
  }
  Result<> read_chain(const std::string& name, const std::vector<std::filesystem::path>& files);
  Result<> check_claims(const AuditChains& chains);
  AuditReport take() { return std::move(report_); }

 private:
  Result<> read_file(const std::filesystem::path& file, bool is_written);
  /// What is wrong with a line that stands behind head_; empty when nothing is.
  std::string take_line(std::string_view text, const std::string& place);

  AuditReport report_;
  Claims claims_;
  AuditHead head_;       ///< of the chain that is being read
  bool follows_ = true;  ///< false behind a line that could not be read: any may follow
};

Result<> unreadable(const std::filesystem::path& file) {
  return fail(ErrorKind::storage, "AuditFileUnreadable", "cannot read " + file.string());
}

Result<> Verification::read_chain(const std::string& name,
                                  const std::vector<std::filesystem::path>& files) {
  head_ = {.chain = name};
  follows_ = true;
  for (const auto& file : files) {
    auto read = read_file(file, file == files.back());
    if (!read) return read;
  }
  report_.heads.push_back(head_);
  return {};
}

Result<> Verification::read_file(const std::filesystem::path& file, bool is_written) {
  const std::string name = file.filename();
  report_.files.push_back(name);
  AuditFileReader reader(file);
  bool sound = true;
  for (std::uint64_t number = 1;; ++number) {
    const auto text = reader.next();
    if (!text) break;
    const bool at_end = !reader.complete() && text->size() < kAuditLineBytesMax;
    if (at_end && is_written) {
      report_.torn_bytes += text->size();
      break;
    }
    auto what = take_line(*text, fmt::format("{} line {}", name, number));
    if (sound && !what.empty()) {
      report_.problems.push_back({.file = name, .line = number, .what = std::move(what)});
      sound = false;
    }
  }
  return reader.failed() ? unreadable(file) : Result<>{};
}

std::string Verification::take_line(std::string_view text, const std::string& place) {
  ++report_.lines;
  auto line = read_audit_line(text);
  if (!line) {
    follows_ = false;
    return line.error().message;
  }
  std::string what;
  if (follows_ && line->seq != head_.seq + 1) {
    what = fmt::format("has number {} where {} must follow: lines were removed, added or moved",
                       line->seq, head_.seq + 1);
  } else if (follows_ && line->previous != head_.hash) {
    what = "does not continue the line before it: one of the two was exchanged";
  } else if (!line->chain.empty() && line->chain != head_.chain) {
    what = fmt::format("belongs to chain {}: the file was renamed", line->chain);
  }
  follows_ = true;
  head_.seq = line->seq;
  head_.hash = std::move(line->hash);
  ++report_.events[line->event];
  for (const AuditHead& head : line->heads) claim(head, place);
  return what;
}

Result<> Verification::check_claims(const AuditChains& chains) {
  for (auto& [chain, wanted] : claims_) {
    const auto found = chains.find(chain);
    const auto files = found == chains.end() ? std::vector<std::filesystem::path>() : found->second;
    for (const auto& file : files) {
      AuditFileReader reader(file);
      while (!wanted.empty()) {
        const auto text = reader.next();
        if (!text) break;
        const auto line = wanted.find(audit_hash_in(*text));
        if (line != wanted.end()) wanted.erase(line);
      }
      if (reader.failed()) return unreadable(file);
    }
    for (const auto& [hash, claim] : wanted) {
      report_.problems.push_back(
          {.file = chain + ".jsonl",
           .line = 0,
           .what = fmt::format("event {} is missing or was exchanged: {} knows of it", claim.seq,
                               claim.by)});
    }
  }
  return {};
}

}  // namespace

Result<AuditReport> verify_audit(std::filesystem::path folder, std::vector<AuditHead> expected) {
  if (!std::filesystem::is_directory(folder)) {
    return fail(ErrorKind::not_found, "NoAuditFolder", "there is no folder " + folder.string());
  }
  const auto chains = find_audit_chains(folder);
  if (!chains) return fail(chains.error());
  if (chains->empty()) {
    return fail(ErrorKind::not_found, "NoAuditFiles",
                "there is no audit log in " + folder.string());
  }
  Verification verification;
  for (const AuditHead& head : expected) verification.claim(head, "a given head");
  for (const auto& [name, files] : *chains) {
    auto read = verification.read_chain(name, files);
    if (!read) return fail(read.error());
  }
  auto checked = verification.check_claims(*chains);
  if (!checked) return fail(checked.error());
  return verification.take();
}

}  // namespace latchkey::codes

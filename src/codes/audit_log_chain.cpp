#include "codes/audit_log_chain.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"

namespace latchkey::codes {
namespace {
namespace json = boost::json;

constexpr std::string_view kHashMember = R"(,"hash":")";
constexpr std::string_view kEnd = R"("})";
constexpr std::string_view kExtension = ".jsonl";
constexpr std::size_t kHashDigits = 64;
/// The file that is written comes behind all full ones.
constexpr std::uint64_t kWritten = UINT64_MAX;

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

tl::unexpected<Error> bad_line(std::string why) {
  return fail(ErrorKind::protocol, "BadAuditLine", std::move(why));
}

tl::unexpected<Error> unreadable(const std::filesystem::path& file) {
  const bool missing = errno == ENOENT;
  return fail(missing ? ErrorKind::not_found : ErrorKind::storage, "AuditFileUnreadable",
              fmt::format("{}: {}", file.string(), std::strerror(errno)));
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string().c_str()) : "";
}

}  // namespace

std::string to_string(const AuditHead& head) {
  return fmt::format("{}:{}:{}", head.chain, head.seq, head.hash);
}

Result<AuditHead> parse_audit_head(std::string_view text) {
  const auto parts = split(text, ':');
  const auto seq = parts.size() == 3 ? parse_integer<std::uint64_t>(parts[1]) : std::nullopt;
  if (!seq || parts[0].empty() || !is_hash(parts[2])) {
    return fail(ErrorKind::invalid_argument, "BadAuditHead",
                "a head is CHAIN:NUMBER:HASH, as the log's audit_head lines have it");
  }
  return AuditHead{.chain = std::string(parts[0]), .seq = *seq, .hash = std::string(parts[2])};
}

std::string_view audit_hash_in(std::string_view text) {
  if (!text.ends_with(kEnd) || text.size() < kHashMember.size() + kHashDigits + kEnd.size()) {
    return {};
  }
  text.remove_suffix(kEnd.size());
  const auto hash = text.substr(text.size() - kHashDigits);
  text.remove_suffix(kHashDigits);
  return text.ends_with(kHashMember) && is_hash(hash) ? hash : std::string_view();
}

Result<AuditLine> read_audit_line(std::string_view text) {
  AuditLine line;
  line.hash = audit_hash_in(text);
  if (line.hash.empty()) return bad_line("is not a whole line of an audit log");
  const auto covered = text.substr(0, text.size() - kHashMember.size() - kHashDigits - kEnd.size());
  if (to_hex(sha256(covered)) != line.hash) return bad_line("was changed: its hash is another");

  json::error_code error;
  const json::value parsed = json::parse(text, error);
  const json::object* object = error ? nullptr : parsed.if_object();
  const json::value* seq = object == nullptr ? nullptr : object->if_contains("seq");
  if (seq == nullptr || !seq->is_int64() || seq->get_int64() < 1) return bad_line("has no seq");
  line.seq = static_cast<std::uint64_t>(seq->get_int64());
  line.event = text_of(*object, "event");
  line.previous = text_of(*object, "previous");
  line.chain = text_of(*object, "chain");
  const json::value* heads = object->if_contains("heads");
  if (heads == nullptr) return line;
  if (!heads->is_array()) return bad_line("has heads that are no list");
  for (const json::value& each : heads->get_array()) {
    auto head = parse_audit_head(each.is_string() ? each.get_string().c_str() : "");
    if (!head) return bad_line("names a head that is none");
    line.heads.push_back(std::move(*head));
  }
  return line;
}

SealedAuditLine seal_audit_line(const AuditHead& before, UtcTime time, std::string_view event,
                                std::string_view members) {
  SealedAuditLine sealed;
  sealed.head = {.chain = before.chain, .seq = before.seq + 1};
  sealed.text = fmt::format(R"({{"seq":{},"time":"{}","event":"{}"{},"previous":"{}")",
                            sealed.head.seq, to_iso8601(time), event, members, before.hash);
  sealed.head.hash = to_hex(sha256(sealed.text));
  sealed.text.append(kHashMember).append(sealed.head.hash).append(kEnd).append("\n");
  return sealed;
}

Result<AuditChains> find_audit_chains(const std::filesystem::path& folder) {
  std::map<std::string, std::map<std::uint64_t, std::filesystem::path>> found;
  std::error_code problem;
  for (std::filesystem::directory_iterator at(folder, problem), end; !problem && at != end;
       at.increment(problem)) {
    const std::string name = at->path().filename();
    if (!name.ends_with(kExtension)) continue;
    const std::string_view stem = std::string_view(name).substr(0, name.size() - kExtension.size());
    const auto dot = stem.find('.');
    const auto first =
        dot == stem.npos ? kWritten : parse_integer<std::uint64_t>(stem.substr(dot + 1));
    if (first) found[std::string(stem.substr(0, dot))][*first] = at->path();
  }
  if (problem) {
    return fail(ErrorKind::storage, "AuditFolderUnreadable",
                folder.string() + ": " + problem.message());
  }
  AuditChains chains;
  for (auto& [name, files] : found) {
    for (auto& [first, file] : files) chains[name].push_back(std::move(file));
  }
  return chains;
}

AuditFileReader::AuditFileReader(const std::filesystem::path& file)
    : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)), ended_(fd_ < 0), failed_(fd_ < 0) {}

AuditFileReader::~AuditFileReader() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<std::string_view> AuditFileReader::next() {
  auto end = buffer_.find('\n', at_);
  while (end == buffer_.npos && !ended_ && buffer_.size() - at_ < kAuditLineBytesMax) {
    fill();
    end = buffer_.find('\n', at_);
  }
  if (at_ == buffer_.size()) return std::nullopt;
  complete_ = end != buffer_.npos;
  const auto line = std::string_view(buffer_).substr(at_, complete_ ? end - at_ : end);
  at_ = complete_ ? end + 1 : buffer_.size();
  return line;
}

void AuditFileReader::fill() {
  buffer_.erase(0, std::exchange(at_, 0));
  const std::size_t before = buffer_.size();
  buffer_.resize(before + std::size_t{64} * 1024);
  const auto got = ::read(fd_, buffer_.data() + before, buffer_.size() - before);
  failed_ = got < 0;
  ended_ = got <= 0;
  buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
}

Result<AuditTail> read_audit_tail(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return unreadable(file);
  const off_t size = ::lseek(fd, 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size - static_cast<off_t>(2 * kAuditLineBytesMax));
  std::string end(static_cast<std::size_t>(std::max<off_t>(size, 0) - start), '\0');
  const ssize_t got = ::pread(fd, end.data(), end.size(), start);
  ::close(fd);
  if (size < 0 || got != static_cast<ssize_t>(end.size())) return unreadable(file);

  AuditTail tail;
  const auto last_break = end.rfind('\n');
  const std::size_t whole = last_break == end.npos ? 0 : last_break + 1;
  tail.torn = end.size() - whole;
  tail.whole = static_cast<std::uintmax_t>(start) + whole;
  if (whole == 0) return tail;
  const auto line = std::string_view(end).substr(0, last_break);
  const auto before = line.rfind('\n');
  tail.line = line.substr(before == line.npos ? 0 : before + 1);
  return tail;
}

}  // namespace latchkey::codes

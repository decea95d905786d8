#include "azure/queue_shards.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace latchkey::azure {
namespace {

tl::unexpected<Error> bad_list(std::string what) {
  return fail(ErrorKind::invalid_argument, "InvalidQueueList", std::move(what));
}

struct Range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::size_t width = 0;
};

/// "00..15".
std::optional<Range> parse_range(std::string_view text) {
  const auto dots = text.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  const auto first = parse_integer<std::uint32_t>(text.substr(0, dots));
  const auto last = parse_integer<std::uint32_t>(text.substr(dots + 2));
  if (!first || !last || *first > *last) return std::nullopt;
  return Range{.first = *first, .last = *last, .width = dots};
}

/// Adds to `urls` what `pattern` stands for, with `query` behind each.
Result<> expand(const std::string& pattern, std::string_view query,
                std::vector<std::string>& urls) {
  const auto open = pattern.find('{');
  const auto close = pattern.find('}');
  if (open == std::string::npos && close == std::string::npos) {
    if (urls.size() == kQueuesMax) {
      return bad_list(fmt::format("it lists more than {} queues", kQueuesMax));
    }
    urls.push_back(pattern + std::string(query));
    return {};
  }
  const bool closed = open < close && close != std::string::npos;
  const auto range = closed
                         ? parse_range(std::string_view(pattern).substr(open + 1, close - open - 1))
                         : std::nullopt;
  if (!range) {
    return bad_list("a pattern is two numbers in braces, the smaller one first, such as {00..15}");
  }
  for (std::uint32_t number = range->first; number <= range->last; ++number) {
    const auto digits = fmt::format("{:0{}}", number, range->width);
    const auto rest = pattern.substr(close + 1);
    auto expanded = expand(pattern.substr(0, open) + digits + rest, query, urls);
    if (!expanded) return expanded;
  }
  return {};
}

std::string_view without_query(std::string_view url) {
  return url.substr(0, url.find('?'));
}

std::uint64_t first_bytes(const Sha256& hash) {
  std::uint64_t value = 0;
  std::memcpy(&value, hash.data(), sizeof value);
  return value;
}

/// Each bit of the sum decides about each bit of the result (the finalizer of SplitMix64).
std::uint64_t mix(std::uint64_t queue, std::uint64_t key) {
  std::uint64_t z = queue + key;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

}  // namespace

Result<std::vector<std::string>> expand_queue_urls(std::string_view text) {
  std::vector<std::string> urls;
  for (const auto item : split(text, ',')) {
    const auto url = trim(item);
    if (url.empty()) return bad_list("it has an empty place between two commas");
    const auto path = without_query(url);
    auto expanded = expand(std::string(path), url.substr(path.size()), urls);
    if (!expanded) return fail(std::move(expanded.error()));
  }
  std::vector<std::string_view> seen(urls.begin(), urls.end());
  std::ranges::transform(seen, seen.begin(), without_query);
  std::ranges::sort(seen);
  const auto twice = std::ranges::adjacent_find(seen);
  if (twice != seen.end()) return bad_list(fmt::format("it lists {} twice", *twice));
  return urls;
}

std::optional<std::size_t> rendezvous(std::span<const std::uint64_t> queues, std::uint64_t key,
                                      const std::vector<bool>& without) {
  std::optional<std::size_t> best;
  std::uint64_t highest = 0;
  for (std::size_t i = 0; i < queues.size(); ++i) {
    if (without[i]) continue;
    const std::uint64_t score = mix(queues[i], key);
    if (best && score <= highest) continue;
    best = i;
    highest = score;
  }
  return best;
}

QueueShards::QueueShards(const std::vector<QueueClient>& queues, Clock& clock) : clock_(clock) {
  LK_ASSERT(!queues.empty());
  for (const QueueClient& queue : queues) {
    addresses_.push_back(first_bytes(sha256(queue.where())));
    shards_.push_back({queues.size() == 1 ? queue : queue.with_retry(kRetry)});
  }
}

Task<Result<>> QueueShards::put(Sha256 key, std::string text, PutOptions options) {
  std::vector<bool> tried(shards_.size(), false);
  Error last;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const auto chosen = choose(first_bytes(key), tried);
    if (!chosen) break;
    Shard& shard = shards_[*chosen];
    // One caller finds out whether it is back; the others keep away meanwhile.
    if (shard.failed_until) shard.failed_until = clock_.steady_now() + kRest;
    auto put = co_await shard.queue.put(text, options);
    if (put) {
      works(shard);
      co_return Result<>{};
    }
    fails(shard, put.error());
    last = std::move(put.error());
  }
  co_return fail(std::move(last));
}

Task<Result<>> QueueShards::check() {
  std::vector<bool> tried(shards_.size(), false);
  Error last;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    // A number of its own for each check leads to each queue in its turn.
    const auto chosen = choose(++checks_, tried);
    if (!chosen) break;
    QueueClient& queue = shards_[*chosen].queue;
    auto properties = co_await queue.properties();
    if (properties || properties.error().code == "AuthorizationPermissionMismatch") {
      co_return Result<>{};
    }
    last = std::move(properties.error());
    last.message += fmt::format(" ({})", queue.where());
  }
  co_return fail(std::move(last));
}

std::vector<std::string> QueueShards::resting() const {
  std::vector<std::string> found;
  for (const Shard& shard : shards_) {
    if (rests(shard)) found.push_back(shard.queue.where());
  }
  return found;
}

std::optional<std::size_t> QueueShards::choose(std::uint64_t key, std::vector<bool>& tried) const {
  std::vector<bool> without = tried;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (rests(shards_[i])) without[i] = true;
  }
  auto chosen = rendezvous(addresses_, key, without);
  if (!chosen) chosen = rendezvous(addresses_, key, tried);
  if (chosen) tried[*chosen] = true;
  return chosen;
}

bool QueueShards::rests(const Shard& shard) const {
  return shard.failed_until && clock_.steady_now() < *shard.failed_until;
}

void QueueShards::works(Shard& shard) {
  if (shard.failed_until) log::info("queue_recovered", {{"queue", shard.queue.where()}});
  shard.failed_until.reset();
}

void QueueShards::fails(Shard& shard, const Error& error) {
  if (!shard.failed_until) {
    log::warning("queue_failing", {{"queue", shard.queue.where()},
                                   {"kind", to_string(error.kind)},
                                   {"code", error.code},
                                   {"problem", error.message}});
  }
  shard.failed_until = clock_.steady_now() + kRest;
}

}  // namespace latchkey::azure

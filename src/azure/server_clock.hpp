#pragma once

#include <chrono>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "http/client.hpp"

/// Is this machine's clock right? Every answer of Azure carries a Date: what it says, and when we
/// sent and received, bounds the offset of our clock. Source: RFC 9110 section 6.6.1.
namespace latchkey::azure {

/// One executor.
class ServerClock {
 public:
  /// An answer counts for so long. Short, because whoever stops calling Azure while the clock is
  /// wrong gets no newer answer that would say that it is right again.
  static constexpr std::chrono::minutes kAnswerCounts{2};

  /// `error_max`: how wrong our clock may be (e of the lifetime rules).
  ServerClock(Clock& clock, std::chrono::milliseconds error_max);

  /// `date` has whole seconds, rounded down, and was written between `sent` and `received` (both by
  /// our clock): the offset lies in [date - received, date + 1 s - sent].
  void saw(const std::string& host, UtcTime date, UtcTime sent, UtcTime received);

  struct Standing {
    bool right = true;  ///< also while nothing is known
    /// By how much we are off at least, by the newest answer of the worst host; positive: the
    /// host's clock is ahead of ours. Zero when nothing shows that we are off.
    std::chrono::milliseconds off_by{0};
    std::string host{};  ///< which host says so
  };
  /// From each host's newest answer, if that is younger than kAnswerCounts by the steady clock. A
  /// step that our clock has made since is taken into account.
  Standing standing() const;
  bool right() const { return standing().right; }

 private:
  struct Seen {
    std::chrono::microseconds low{};
    std::chrono::microseconds high{};
    UtcTime at{};
    SteadyTime steady_at{};
  };
  Clock& clock_;
  const std::chrono::milliseconds error_max_;
  std::map<std::string, Seen> hosts_;
};

/// Shows the Date of every answer to a ServerClock. All Azure clients of a part send through one;
/// the third party's number API does not: its clock is nobody's reference.
class DatedClient final : public http::HttpClient {
 public:
  DatedClient(http::HttpClient& http, ServerClock& server_clock, Clock& clock)
      : http_(http), server_clock_(server_clock), clock_(clock) {}
  Task<Result<http::Response>> send(http::ClientRequest request) override;

 private:
  http::HttpClient& http_;
  ServerClock& server_clock_;
  Clock& clock_;
};

}  // namespace latchkey::azure

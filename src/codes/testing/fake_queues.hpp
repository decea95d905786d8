#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "azure/queue_client.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "http/client.hpp"

namespace latchkey::codes::testing {

/// Queue Storage at the world's edge, as far as issuer and watcher use it: a map of queues behind
/// an HttpClient, with real visibility, receipts, dequeue counts and lives, and faults on demand.
class FakeQueues final : public http::HttpClient {
 public:
  enum class Step { put, get, update, remove, create, properties };
  struct Call {
    Step step = Step::get;
    std::string queue;
    std::string message_id;
    std::string text;
    std::optional<std::chrono::seconds> visibility;
    std::optional<std::chrono::seconds> time_to_live;
  };
  struct Message {
    std::string id;
    std::string text;
    std::string receipt;
    UtcTime inserted{};
    UtcTime expires{};
    UtcTime visible{};
    std::int64_t dequeue_count = 0;
  };

  FakeQueues(Clock& clock, Random& random) : clock_(clock), random_(random) {}

  Task<Result<http::Response>> send(http::ClientRequest request) override;

  /// A put from outside, by the original sample or an attacker.
  Message& add(const std::string& queue, std::string text);
  std::vector<Message>& messages(const std::string& queue) { return queues_[queue]; }
  bool exists(const std::string& queue) const { return queues_.contains(queue); }

  /// What a call is answered with instead of being carried out.
  std::function<std::optional<http::Response>(const Call&)> refuse;
  /// True: the call is carried out, and its answer is lost.
  std::function<bool(const Call&)> lose_answer;
  std::vector<Call> calls;
  int count(Step step) const;

 private:
  http::Response carry_out(const Call& call, const std::string& receipt, int count);
  http::Response put(const Call& call);
  http::Response get(const Call& call, int count);
  http::Response change(const Call& call, const std::string& receipt);
  void drop_dead(std::vector<Message>& queue);

  Clock& clock_;
  Random& random_;
  std::map<std::string, std::vector<Message>> queues_;
};

/// An error answer as Storage gives it.
http::Response storage_refusal(int status, std::string_view code);

}  // namespace latchkey::codes::testing

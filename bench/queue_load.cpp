// Load for bench/queue: many kept-alive connections from one thread, each with one request under
// way, against Queue Storage over plain http or against redis. wrk could do single requests; a
// cycle needs what the last answer said (message id, pop receipt), and Lua would be what is
// measured.
//
//   queue_load PORT QUEUE_PATH QUERY KIND CONNECTIONS SECONDS COUNT RATE
//
// KIND: put, hide (a put that stays hidden), cycle (put, get, delete), get, update, peek, set
// (redis SET), code (a GET of QUEUE_PATH as it is: latchkey's getcode). Ends after SECONDS or, when
// COUNT is not 0, after COUNT requests. RATE is requests a second over all connections, 0: as fast
// as the answers come. Prints one line of JSON. A failed request ends the run.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {
using Clock = std::chrono::steady_clock;

struct Plan {
  int port;
  std::string path, query, kind;
  std::size_t connections;
  double seconds;
  std::size_t count;
  double rate;
};

// The message of the walkthrough: 62 bytes.
constexpr std::string_view kText =
    "{\"code\":\"abc-1-abc\",\"timestamp\":\"2020-04-15 16:54:48.816549\"}";

[[noreturn]] void give_up(std::string_view what) {
  std::fprintf(stderr, "queue_load: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

std::string escaped(std::string_view receipt) {
  std::string text;
  for (const char c : receipt) {
    if (c == '+')
      text += "%2B";
    else if (c == '/')
      text += "%2F";
    else if (c == '=')
      text += "%3D";
    else
      text += c;
  }
  return text;
}

std::string_view between(std::string_view text, std::string_view from, std::string_view to) {
  const auto start = text.find(from);
  if (start == std::string_view::npos) return {};
  const auto begin = start + from.size();
  return text.substr(begin, text.find(to, begin) - begin);
}

class Connection {
 public:
  Connection(const Plan& plan, std::size_t number) : plan_(plan), number_(number) {
    descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(plan.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      give_up("cannot connect");
    }
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
  }

  void send() {
    const std::string request = next_request();
    start = Clock::now();
    if (::write(descriptor, request.data(), request.size()) !=
        static_cast<ssize_t>(request.size())) {
      give_up("cannot send");
    }
    answer_.clear();
  }

  /// True when the answer is complete.
  bool receive() {
    std::array<char, 65536> part;
    const auto count = ::read(descriptor, part.data(), part.size());
    if (count <= 0) {
      if (count < 0 && errno == EAGAIN) return false;
      give_up("the connection was closed");
    }
    answer_.append(part.data(), static_cast<std::size_t>(count));
    if (!complete()) return false;
    learn();
    return true;
  }

  int descriptor = -1;
  Clock::time_point start;

 private:
  std::string http(std::string_view method, const std::string& rest, std::string_view body) const {
    std::string request(method);
    request += " " + plan_.path + "/messages" + rest + plan_.query +
               " HTTP/1.1\r\nHost: localhost:" + std::to_string(plan_.port) +
               "\r\nx-ms-version: 2021-12-02\r\n";
    if (method == "POST" || method == "PUT") {
      request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    }
    return request + "\r\n" + std::string(body);
  }
  std::string put(const char* parameters) const {
    return http(
        "POST", parameters,
        "<QueueMessage><MessageText>" + std::string(kText) + "</MessageText></QueueMessage>");
  }
  std::string next_request() {
    ++step_;
    if (plan_.kind == "set") {
      const std::string key = "m:" + std::to_string(number_) + ":" + std::to_string(step_);
      return "*3\r\n$3\r\nSET\r\n$" + std::to_string(key.size()) + "\r\n" + key + "\r\n$" +
             std::to_string(kText.size()) + "\r\n" + std::string(kText) + "\r\n";
    }
    if (plan_.kind == "code") {
      return "GET " + plan_.path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    }
    if (plan_.kind == "put") return put("?messagettl=-1&");
    if (plan_.kind == "hide") return put("?messagettl=-1&visibilitytimeout=604800&");
    if (plan_.kind == "get") return http("GET", "?visibilitytimeout=1&", "");
    if (plan_.kind == "peek") return http("GET", "?peekonly=true&", "");
    if (plan_.kind == "update") {
      if (step_ == 1) return put("?messagettl=-1&visibilitytimeout=604800&");
      return http("PUT", "/" + id_ + "?visibilitytimeout=600&popreceipt=" + receipt_ + "&", "");
    }
    switch (step_ % 3) {  // cycle
      case 1:
        return put("?messagettl=-1&");
      case 2:
        return http("GET", "?visibilitytimeout=30&", "");
      default:
        return http("DELETE", "/" + id_ + "?popreceipt=" + receipt_ + "&", "");
    }
  }
  bool complete() const {
    if (plan_.kind == "set") return answer_.ends_with("\r\n");
    const auto end = answer_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::string_view head = std::string_view(answer_).substr(0, end + 2);
    if (head.find("chunked") != std::string_view::npos) return answer_.ends_with("\r\n0\r\n\r\n");
    const auto length = between(head, "ontent-Length: ", "\r\n");
    return length.empty() || answer_.size() >= end + 4 + std::strtoull(length.data(), nullptr, 10);
  }
  void learn() {
    if (plan_.kind == "set") {
      if (!answer_.starts_with("+OK")) give_up(answer_);
      return;
    }
    // A message may be cleared between its Get and its Delete.
    const bool gone = plan_.kind == "cycle" && answer_.starts_with("HTTP/1.1 404");
    if (!gone && !answer_.starts_with("HTTP/1.1 20")) give_up(answer_);
    // Only a Get that found the queue empty has none; then the cycle begins anew.
    if (const auto header = between(answer_, "x-ms-popreceipt: ", "\r\n"); !header.empty()) {
      receipt_ = escaped(header);
    } else if (const auto id = between(answer_, "<MessageId>", "<"); !id.empty()) {
      id_ = id;
      receipt_ = escaped(between(answer_, "<PopReceipt>", "<"));
    } else if (plan_.kind == "cycle" && step_ % 3 == 2) {
      ++step_;
    }
  }

  const Plan& plan_;
  std::size_t number_;
  std::size_t step_ = 0;
  std::string id_, receipt_, answer_;
};

void report(std::vector<float>& latencies, double seconds) {
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double part) {
    return latencies[static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1))];
  };
  std::printf(
      "{\"requests\": %zu, \"seconds\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": "
      "%.3f}\n",
      latencies.size(), seconds, static_cast<double>(at(0.5)), static_cast<double>(at(0.99)),
      static_cast<double>(latencies.back()));
}

void run(const Plan& plan) {
  const int poll = ::epoll_create1(0);
  std::vector<Connection> connections;
  connections.reserve(plan.connections);
  for (std::size_t i = 0; i < plan.connections; ++i) {
    Connection& connection = connections.emplace_back(plan, i);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, connection.descriptor, &event);
  }
  std::vector<float> latencies;
  latencies.reserve(1'000'000);
  // In turn: at a low rate, one that always waited would meet the server's idle timeout.
  std::deque<std::size_t> idle;
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(plan.seconds));
  std::size_t sent = 0;
  const auto may_send = [&](Clock::time_point now) {
    if (plan.count != 0 ? sent >= plan.count : now >= end) return false;
    const double passed = std::chrono::duration<double>(now - begin).count();
    return plan.rate == 0 || static_cast<double>(sent) <= passed * plan.rate;
  };
  for (std::size_t i = 0; i < plan.connections; ++i) idle.push_back(i);
  std::array<epoll_event, 256> events;
  for (;;) {
    auto now = Clock::now();
    while (!idle.empty() && may_send(now)) {
      connections[idle.front()].send();
      idle.pop_front();
      ++sent;
    }
    const bool over = plan.count != 0 ? sent >= plan.count : now >= end;
    if (over && idle.size() == plan.connections) break;
    const int wait = plan.rate != 0 ? 1 : 100;
    const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), wait);
    now = Clock::now();
    for (int i = 0; i < ready; ++i) {
      const std::size_t number = events[static_cast<std::size_t>(i)].data.u64;
      Connection& connection = connections[number];
      if (!connection.receive()) continue;
      latencies.push_back(
          std::chrono::duration<float, std::milli>(Clock::now() - connection.start).count());
      idle.push_back(number);
    }
  }
  if (latencies.empty()) give_up("no answer");
  report(latencies, std::chrono::duration<double>(Clock::now() - begin).count());
}

}  // namespace

int main(int count, char** words) {
  if (count != 9) give_up("PORT QUEUE_PATH QUERY KIND CONNECTIONS SECONDS COUNT RATE");
  const Plan plan{.port = std::atoi(words[1]),
                  .path = words[2],
                  .query = words[3],
                  .kind = words[4],
                  .connections = std::strtoull(words[5], nullptr, 10),
                  .seconds = std::atof(words[6]),
                  .count = std::strtoull(words[7], nullptr, 10),
                  .rate = std::atof(words[8])};
  run(plan);
}

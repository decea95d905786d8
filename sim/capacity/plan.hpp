#pragma once

#include <string>

#include "sim/capacity/facts.hpp"

namespace latchkey::sim::capacity {

inline constexpr double kRates[] = {10, 100, 1'000, 10'000, 100'000};

/// What so many codes a second need: arithmetic on the facts, no more.
struct Plan {
  double codes = 0;  ///< a second
  int queues = 0;
  int accounts = 0;
  double gets = 0;            ///< Get Messages a second, by all watchers of all queues
  double queue_requests = 0;  ///< a second, the gets included
  double table_requests = 0;
  int table_accounts = 0;
  double dollars_per_million = 0;
  double dollars_per_month = 0;  ///< of 30 days at this rate
  int serve_cores = 0;
  int watch_cores = 0;

  double codes_per_queue() const { return codes / queues; }
};
Plan plan_for(double codes, const Facts& facts);

/// Get Messages a second by one watcher of a queue into which `messages` a second come, while other
/// watchers ask `others` times a second. After a Get that gave something comes the next at once;
/// after empty ones pauses that double. So a cycle from one Get with messages to the next has a
/// known mean length and a known mean number of Gets.
double gets_per_second(double messages, double others, const Facts& facts);

/// The tables of docs/capacity.md, as Markdown.
std::string render_tables(const Facts& facts);

}  // namespace latchkey::sim::capacity

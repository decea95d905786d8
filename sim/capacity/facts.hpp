#pragma once

/// The one list of constants behind docs/capacity.md: what Azure publishes, what our steps ask of
/// it, and what is assumed. Change a figure here and print the page's table anew (README.md).
namespace latchkey::sim::capacity {

/// Azure's targets. Sources, read on 2026-11-22: "Scalability and performance targets for Queue
/// Storage", "... for Table Storage" and "... for standard storage accounts", and "Azure Key Vault
/// service limits" (learn.microsoft.com).
struct Limits {
  double messages_per_queue = 2'000;     ///< a second, of 1 KiB
  double messages_per_account = 20'000;  ///< a second, of 1 KiB
  double table_requests_per_account = 20'000;
  /// What a plan makes use of. The targets are no promise, and load is never even.
  double used_share = 0.8;
};

/// What one code asks for, besides Get Messages. The queue: codes/issuer.cpp and codes/visit.cpp.
/// The table in Table Storage, of codes without a subject: decision 0013.
struct Steps {
  double puts = 1;
  double updates = 1;
  double deletes = 1;
  /// Azure does not say whether the target counts a message each time that it moves. The cautious
  /// reading, by which we plan: put, got, hidden, got again, deleted.
  double message_moves = 5;
  double numbers = 1;
  int table_insert = 2;
  int table_activate = 2;
  int table_attempt = 3;
  int table_remove = 3;
  double table() const { return table_insert + table_activate + table_attempt + table_remove; }
};

/// Time between request and answer in one region, assumed; in reality anything between a half and
/// twice of it, which changes little: what waits costs nothing.
struct Latency {
  double queue_ms = 8;
  double table_ms = 5;
  double number_ms = 20;
};

/// How the product polls by default: codes/watcher.hpp and docs/settings.md.
struct Polling {
  double min_ms = 50;
  double max_ms = 2'000;
  double mean_share = 0.75;  ///< of the longest pause: it is drawn from a half to the whole
  int watchers = 2;          ///< processes that watch each queue, so that one may end
};

/// US dollars. Assumed from the price list of East US, LRS, general purpose v2, as of 2026-11: look
/// up yours, every figure of the page is linear in these.
struct Prices {
  double queue_per_10k = 0.004;
  double table_per_10k = 0.000'36;
  double function_per_million = 0.40;  ///< executions and 128 MB for 0.1 s each
};

/// CPU time a code: bench/scale of 2026-11-23, one copy of each on two cores, Azurite's table.
/// getcode 0.23 ms and verify 0.19 ms in serve; the first visit 0.16 ms in watch. The second visit
/// was not measured and is taken to cost as much as the first. Rounded up.
struct Cpu {
  double serve_ms = 0.45;
  double watch_ms = 0.35;
  double used_share = 0.6;  ///< of a core, so that latency stays low
};

struct Facts {
  Limits limits{};
  Steps steps{};
  Latency latency{};
  Polling polling{};
  Prices prices{};
  Cpu cpu{};
};

}  // namespace latchkey::sim::capacity

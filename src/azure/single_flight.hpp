#pragma once

#include <memory>
#include <string>

#include "base/task.hpp"

namespace latchkey::azure {

/// Background work, one piece at a time, for whose end any number of callers may wait: fetching a
/// token or a secret once however many ask.
///
/// The owner may go while work runs, as objects without a closing step must allow: its destructor
/// calls cancel(), and the work ends on the executor's next turns. So the work must itself keep
/// alive what it touches (a shared_ptr parameter, which may hold this object too). A TaskGroup
/// alone does not give this, for it must be empty when it goes. One thread; the io_context must
/// outlive this object.
class SingleFlight {
 public:
  explicit SingleFlight(Executor executor);
  SingleFlight(const SingleFlight&) = delete;
  SingleFlight& operator=(const SingleFlight&) = delete;

  bool running() const;
  /// Asserts that nothing runs. `name` is for the log, should an exception leave `work`.
  void start(std::string name, Task<> work);
  /// Until what runs now has ended; at once when nothing runs. Bounded by the work's own deadline.
  Task<> wait() const;
  /// Ends what runs; nothing can be started any more.
  void cancel();

 private:
  struct Hold;
  static Task<> run(Task<> work, std::shared_ptr<Hold> hold);
  static Task<> join(std::shared_ptr<Hold> hold);
  std::shared_ptr<Hold> hold_;
};

}  // namespace latchkey::azure

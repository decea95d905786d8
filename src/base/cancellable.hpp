#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <exception>
#include <utility>

namespace latchkey {

/// What follows on a spawned coroutine's end, with the slot by which it can be cancelled. In place
/// of asio::bind_cancellation_slot, with which Asio 1.81 posts a cancellation that comes from
/// outside the executor, to a signal that may be gone when it arrives.
template <class Function>
struct Cancellable {
  using cancellation_slot_type = boost::asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return slot; }
  void operator()(const std::exception_ptr& problem) { function(problem); }

  cancellation_slot_type slot;
  Function function;
};

template <class Function>
Cancellable<Function> make_cancellable(boost::asio::cancellation_slot slot, Function function) {
  return {slot, std::move(function)};
}

}  // namespace latchkey

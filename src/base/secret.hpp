#pragma once

#include <string>
#include <string_view>

/// Holder of what must never be seen: keys, tokens, codes. It has no formatter and no stream
/// operator, so logging one does not compile; its memory is wiped when it goes.
namespace latchkey {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The value, for the one place that must send or compute with it.
  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  /// Takes the same time wherever the values differ; only their lengths may show.
  bool equals(std::string_view other) const;
  friend bool operator==(const Secret& a, const Secret& b) { return a.equals(b.value_); }

 private:
  void wipe() noexcept;
  std::string value_;
};

/// Comparison whose time does not depend on the content.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace latchkey

#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

/// Order of messages by a time. Every node knows its slot and every slot its place (through the
/// callback `Placed`), so that a message can be moved or taken out wherever it stands. Four
/// children per node: half the levels of a binary heap, and the children share a cache line.
namespace latchkey::cloud {

using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = 0xFFFF'FFFF;

/// 16 bytes. `tie` orders messages of the same microsecond by their age.
struct HeapNode {
  std::int64_t time;
  std::uint32_t tie;
  Slot slot;
  friend bool operator<(const HeapNode& a, const HeapNode& b) {
    return a.time != b.time ? a.time < b.time : a.tie < b.tie;
  }
};

/// `Placed` is called as placed(slot, position) whenever a node has come to stand somewhere.
class MessageHeap {
 public:
  bool empty() const { return nodes_.empty(); }
  std::size_t size() const { return nodes_.size(); }
  const HeapNode& top() const { return nodes_.front(); }
  const HeapNode& at(std::uint32_t position) const { return nodes_[position]; }

  template <class Placed>
  void push(HeapNode node, Placed placed) {
    nodes_.push_back(node);
    sift_up(static_cast<std::uint32_t>(nodes_.size() - 1), placed);
  }

  template <class Placed>
  void remove(std::uint32_t position, Placed placed) {
    const HeapNode last = nodes_.back();
    nodes_.pop_back();
    if (position < nodes_.size()) put(position, last, placed);
  }

  /// Gives the node at `position` another time.
  template <class Placed>
  void move(std::uint32_t position, std::int64_t time, Placed placed) {
    HeapNode node = nodes_[position];
    node.time = time;
    put(position, node, placed);
  }

  /// Calls visit(node) for the nodes with time <= `until`, earliest first, until it returns false.
  /// Cost: O(k log k) for k nodes visited, whatever the heap's size.
  template <class Visit>
  void visit_until(std::int64_t until, Visit visit) const;

  std::vector<HeapNode> release() { return std::exchange(nodes_, {}); }
  const std::vector<HeapNode>& nodes() const { return nodes_; }

 private:
  template <class Placed>
  void put(std::uint32_t position, HeapNode node, Placed placed) {
    nodes_[position] = node;
    if (position > 0 && node < nodes_[(position - 1) / 4]) {
      sift_up(position, placed);
    } else {
      sift_down(position, placed);
    }
  }
  template <class Placed>
  void sift_up(std::uint32_t position, Placed placed);
  template <class Placed>
  void sift_down(std::uint32_t position, Placed placed);

  std::vector<HeapNode> nodes_;
};

template <class Placed>
void MessageHeap::sift_up(std::uint32_t position, Placed placed) {
  const HeapNode node = nodes_[position];
  while (position > 0) {
    const std::uint32_t parent = (position - 1) / 4;
    if (!(node < nodes_[parent])) break;
    nodes_[position] = nodes_[parent];
    placed(nodes_[position].slot, position);
    position = parent;
  }
  nodes_[position] = node;
  placed(node.slot, position);
}

template <class Placed>
void MessageHeap::sift_down(std::uint32_t position, Placed placed) {
  const HeapNode node = nodes_[position];
  const auto count = static_cast<std::uint32_t>(nodes_.size());
  for (;;) {
    const std::uint32_t first = position * 4 + 1;
    if (first >= count) break;
    std::uint32_t least = first;
    const std::uint32_t end = first + 4 < count ? first + 4 : count;
    for (std::uint32_t child = first + 1; child < end; ++child) {
      if (nodes_[child] < nodes_[least]) least = child;
    }
    if (!(nodes_[least] < node)) break;
    nodes_[position] = nodes_[least];
    placed(nodes_[position].slot, position);
    position = least;
  }
  nodes_[position] = node;
  placed(node.slot, position);
}

template <class Visit>
void MessageHeap::visit_until(std::int64_t until, Visit visit) const {
  if (nodes_.empty() || nodes_.front().time > until) return;
  // The frontier: positions whose parents have been visited, as a small heap of their own.
  const auto later = [this](std::uint32_t a, std::uint32_t b) { return nodes_[b] < nodes_[a]; };
  std::vector<std::uint32_t> frontier{0};
  while (!frontier.empty()) {
    std::pop_heap(frontier.begin(), frontier.end(), later);
    const std::uint32_t position = frontier.back();
    frontier.pop_back();
    if (!visit(nodes_[position])) return;
    for (std::uint32_t child = position * 4 + 1; child <= position * 4 + 4; ++child) {
      if (child >= nodes_.size() || nodes_[child].time > until) continue;
      frontier.push_back(child);
      std::push_heap(frontier.begin(), frontier.end(), later);
    }
  }
}

}  // namespace latchkey::cloud

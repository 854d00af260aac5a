// SPDX-License-Identifier: Apache-2.0
/// Work that waits, first in, first out.
#pragma once
#include <cstdint>
#include <deque>

namespace gpuscale::sim {

class WorkQueue {
 public:
  struct Piece {
    std::int64_t arrived;  ///< tick
    double amount;         ///< node-seconds
  };

  bool empty() const { return pieces_.empty(); }
  double backlog() const { return backlog_; }
  const std::deque<Piece>& pieces() const { return pieces_; }

  void add(std::int64_t tick, double amount) {
    pieces_.push_back({tick, amount});
    backlog_ += amount;
  }
  /// Drops what arrived before `tick`; gives it to on_lost(amount).
  template <typename OnLost>
  void drop_before(std::int64_t tick, OnLost on_lost) {
    while (!pieces_.empty() && pieces_.front().arrived < tick) {
      on_lost(pieces_.front().amount);
      backlog_ -= pieces_.front().amount;
      pieces_.pop_front();
    }
  }
  /// Serves from the head; returns what is left of `capacity`. on_served(arrived, amount) for each piece.
  template <typename OnServed>
  double serve(double capacity, OnServed on_served) {
    while (!pieces_.empty() && capacity > 0) {
      Piece& head = pieces_.front();
      const bool whole = head.amount <= capacity;
      const double amount = whole ? head.amount : capacity;
      const std::int64_t arrived = head.arrived;
      if (whole) {
        pieces_.pop_front();
      } else {
        head.amount -= capacity;
      }
      capacity -= amount;
      backlog_ -= amount;
      on_served(arrived, amount);
    }
    // Rounding must not leave a crumb behind that nobody waits for.
    if (pieces_.empty()) backlog_ = 0;
    return capacity;
  }

 private:
  std::deque<Piece> pieces_;
  double backlog_ = 0;
};

}  // namespace gpuscale::sim

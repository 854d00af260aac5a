// SPDX-License-Identifier: Apache-2.0
/// A pool's nodes during one pass, by position: joined once with what the provider shows and what the agents
/// say, so that no step looks anything up by name. Works on the nodes of the input, and puts back what it
/// changed of them in the end. Not thread-safe.
#pragma once
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "scaling/reconcile.h"

namespace gpuscale::scaling {

class Roster {
 public:
  /// What the pass has already done about a node, beside its state.
  struct Marks {
    bool asked = false;  ///< its call goes out with the step planned in this pass
    bool ended = false;
  };

  /// `input` outlives the roster. Of two instances with one id the first counts.
  explicit Roster(ReconcileInput& input);
  ~Roster();
  Roster(const Roster&) = delete;
  Roster& operator=(const Roster&) = delete;

  const std::vector<NodeView>& nodes() const { return nodes_; }
  std::size_t index_of(const NodeView& view) const { return static_cast<std::size_t>(&view - nodes_.data()); }

  /// Null where the provider shows none, or could not say.
  const pool::Instance* instance(const NodeView& view) const { return instances_[index_of(view)]; }
  /// Null where it has said nothing, or telemetry could not be read.
  const NodeTelemetry* telemetry(const NodeView& view) const { return telemetry_[index_of(view)]; }
  /// Of the provider, else of its agent; "" = neither has told.
  std::string_view zone(const NodeView& view) const;
  Marks& marks(const NodeView& view) { return marks_[index_of(view)]; }
  Marks marks(const NodeView& view) const { return marks_[index_of(view)]; }

  /// Instances that no node names, each id once, in the provider's order.
  const std::vector<const pool::Instance*>& strangers() const { return strangers_; }
  /// A stranger becomes a node; references to nodes end here.
  void admit(NodeView view, const pool::Instance& instance);

  /// The only way to change a node: what it was is kept.
  NodeView& change(const NodeView& view);
  void move_to(const NodeView& view, pool::NodeState state);
  int count(pool::NodeState state) const { return counts_[static_cast<std::size_t>(state)]; }
  /// Launching, booting or ready.
  int capacity() const;
  int present() const;  ///< all but those that are gone

 private:
  const ReconcileInput& input_;
  std::vector<NodeView>& nodes_;                          ///< of the input
  std::size_t given_;                                     ///< as many; what follows them has been admitted
  std::vector<std::pair<std::size_t, NodeView>> before_;  ///< of those that were changed, at their positions
  std::vector<bool> changed_;
  std::vector<const pool::Instance*> instances_;
  std::vector<const NodeTelemetry*> telemetry_;
  std::vector<Marks> marks_;
  std::vector<const pool::Instance*> strangers_;
  std::array<int, 5> counts_{};
};

}  // namespace gpuscale::scaling

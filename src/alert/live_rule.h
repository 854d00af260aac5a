// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a rule as the engine works with it, and what it says.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "activity/ledger.h"
#include "alert/condition.h"
#include "alert/engine.h"
#include "alert/rule_store.h"
#include "alert/text_template.h"

namespace gpuscale::alert {

/// One state of a rule, with what was seen last.
struct Tracked {
  StoredInstance kept;
  std::optional<double> value;
  /// Of a series that is not there while others of its rule are. Begins anew after a restart, which only
  /// makes us more patient.
  std::optional<WallTime> unseen_since;
};

struct LiveRule {
  /// Errors: kInvalidArgument, for a spec that has faults.
  static Result<std::shared_ptr<LiveRule>> make(RuleSpec spec);

  /// What a state says of itself.
  Notification notification_of(const Tracked& tracked, const RuleState& state, WallTime now) const;
  activity::Entry entry_of(const Tracked& tracked, const Step& step, WallTime now) const;
  std::string explanation_of(const Tracked& tracked) const;
  /// Those of the condition, then those of `recover`.
  std::vector<const Reduction*> reductions() const;
  /// Whom a reduction asks; "" = the server's own store.
  std::string source_of(const Reduction& reduction) const;

  RuleSpec spec;  // these never change; a changed spec makes a new rule
  Condition condition;
  std::optional<Condition> recover;
  TextTemplate message;
  std::vector<std::pair<std::string, TextTemplate>> labels;
  std::vector<std::pair<std::string, TextTemplate>> annotations;

  std::mutex mutex;                        ///< guards what follows
  std::map<std::string, Tracked> tracked;  ///< by labels_text(); "" = the rule as a whole
  bool removed = false;
  std::optional<WallTime> evaluated_at;
  Nanos took{0};
  std::string muted_by;
  Evaluation evaluation;

  /// Why questions have no answer. Of the look alone, which never overlaps itself.
  struct WhyEmpty {
    WallTime looked_up_at;
    std::string text;
  };
  std::optional<WhyEmpty> why_empty;

  // Guarded by the engine's mutex:
  std::optional<WallTime> begun;
  bool slow = false;      ///< its last look tried the engine's patience
  bool spread = false;    ///< has its place in the interval, see LiveEngine::spread_out()
  bool replaced = false;  ///< by another set of rules; not queued again
};

/// "[Alerting] GPU usage high".
std::string title_of(const std::string& rule, State state);

}  // namespace gpuscale::alert

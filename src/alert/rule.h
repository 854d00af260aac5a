// SPDX-License-Identifier: Apache-2.0
/// A rule as its owner writes it, checked when made. See condition.h for what `condition` may say and
/// docs/alerting.md for what a rule does.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/strong_id.h"
#include "base/time.h"

namespace gpuscale::alert {

using RuleName = base::StrongId<struct RuleNameTag>;

/// What to do with a state while a query yields nothing or fails. kKeep is the default: absence is not an
/// answer. kNoData is grafana-4.4's alone: a state of its own; its kAlert is the state alerting.
enum class Absence { kKeep, kAlert, kOk, kNoData };

/// Whose semantics hold: the product's own, or those of grafana44.h.
enum class Profile { kOwn, kGrafana44 };

using Texts = std::map<std::string, std::string, std::less<>>;

struct RuleSpec {
  std::string name;
  Profile profile = Profile::kOwn;
  Nanos every = std::chrono::seconds{5};
  Texts queries;             ///< ref -> query text ("C" -> "SELECT ...")
  Texts sources;             ///< ref -> the source that is asked; missing = the server's own store
  std::string condition;     ///< "avg(C, 1m) > 45"
  std::string recover;       ///< "" = the condition's end; else a firing rule ends only where this holds
  std::string pool;          ///< whose facts the condition names; "" = none
  Nanos hold_for{0};         ///< `for`: true this long before it fires
  Nanos keep_firing_for{0};  ///< seen false this long before it ends
  Nanos repeat{0};           ///< 0 = notify once per episode; else again while it holds
  bool per_series = false;   ///< one state per label set instead of one in all
  /// A series that is no more, while others of its rule are seen, is over after this; 0 = never.
  Nanos gone_after = std::chrono::hours{1};
  bool whole_buckets = true;  ///< begin the buckets of GROUP BY time() with the window, see alignment.h
  Absence no_data = Absence::kKeep;
  Absence on_error = Absence::kKeep;
  std::vector<std::string> notify;  ///< channel names
  std::string message;              ///< for people, a template; may be empty
  Texts labels;                     ///< sent with every message; templates
  Texts annotations;                ///< the same
  bool paused = false;

  friend bool operator==(const RuleSpec&, const RuleSpec&) = default;
};

/// Whether both ask and judge the same: then what a state means stays, whatever else was edited.
bool judges_alike(const RuleSpec& a, const RuleSpec& b);

/// The names that templates of a rule may use: {{ labels.node }}, {{ explanation }} ...
const std::vector<std::string>& template_names();

/// Every fault of a spec at once, each naming its key and the mend; empty = good. Names known channels in the
/// text.
std::vector<std::string> faults_of(const RuleSpec& spec, const std::vector<std::string>& known_channels);

}  // namespace gpuscale::alert

// SPDX-License-Identifier: Apache-2.0
/// A rule as its owner writes it, checked when made. See condition.h for what `condition` may say.
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
/// answer.
enum class Absence { kKeep, kAlert, kOk };

struct RuleSpec {
  std::string name;
  Nanos every = std::chrono::seconds{5};
  std::map<std::string, std::string, std::less<>> queries;  ///< ref -> query text ("C" -> "SELECT ...")
  std::string condition;                                    ///< "avg(C, 1m) > 45"
  Nanos hold_for{0};                                        ///< `for`: true this long before it fires
  Nanos repeat{0};  ///< 0 = notify once per episode; else again while it holds
  Absence no_data = Absence::kKeep;
  Absence on_error = Absence::kKeep;
  std::vector<std::string> notify;  ///< channel names
  std::string message;              ///< free text for people, may be empty
  bool paused = false;
};

/// Every fault of a spec at once, each naming its key and the mend; empty = good. Names known channels in the
/// text.
std::vector<std::string> faults_of(const RuleSpec& spec, const std::vector<std::string>& known_channels);

}  // namespace gpuscale::alert

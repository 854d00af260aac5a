// SPDX-License-Identifier: Apache-2.0
/// A shadow policy made the one that is heard, on probation: who did it, who was heard before, and whether
/// the pool has come to harm since. Pure.
#pragma once
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "policy/council.h"

namespace gpuscale::scaling {

enum class PromotionState { kProbation, kKept, kRolledBack };
std::string_view to_string(PromotionState state);

constexpr Nanos kDefaultProbation = std::chrono::hours{24};
constexpr Nanos kLongestProbation = std::chrono::hours{24 * 30};

struct Promotion {
  std::string pool;
  std::string policy;
  std::vector<std::string> before;    ///< heard before: shadows now
  std::vector<std::string> declared;  ///< heard by the configuration; where that changes, it counts again
  std::string who;
  WallTime at;
  WallTime probation_until;
  std::vector<std::string> notify;  ///< channels, told of a roll-back
  PromotionState state = PromotionState::kProbation;
  std::string reason;  ///< why it was rolled back
  std::string correlation;
  bool told = true;  ///< false: a roll-back whose channels have not been told yet

  const std::vector<std::string> heard() const {
    return state == PromotionState::kRolledBack ? before : std::vector<std::string>{policy};
  }
  friend bool operator==(const Promotion&, const Promotion&) = default;
};

std::string to_text(const Promotion& promotion);
Result<Promotion> promotion_from_text(const std::string& text);  ///< kCorrupt

/// The names of the policies that are heard, in the order of `specs`.
std::vector<std::string> heard_among(const std::vector<policy::PolicySpec>& specs);
/// Makes exactly the promotion's policies heard. false, and nothing changed: the configuration has another
/// word since, or no longer has one that the promotion names.
bool apply(const Promotion& promotion, std::vector<policy::PolicySpec>& specs);
/// Why these policies must not be declared in place of the pool's present ones: the promotion would end, and
/// others would be heard than now. nullopt = they may.
std::optional<std::string> keeps_from(const Promotion& promotion,
                                      const std::vector<policy::PolicySpec>& next);

/// One look at the pool since the promotion.
struct HarmLook {
  bool crowded = false;        ///< the pool was all but full
  double offered = 0;          ///< work, node-seconds
  double bad = 0;              ///< of it, lost or late (policy_trial.h, of the pool as it was)
  bool others_larger = false;  ///< those heard before would have had more nodes
};
/// Five minutes of looks are judged together, and none before so many are there.
constexpr std::size_t kHarmLooks = 300 / policy::Council::kTickSeconds;
constexpr double kMostBadShare = 0.01;     ///< of the work, lost or late
constexpr double kMostCrowdedShare = 0.5;  ///< of the looks
/// Why the promotion does harm: in the last kHarmLooks more than kMostBadShare of the work was bad, or the
/// pool was crowded in more than kMostCrowdedShare of them; and in most of those looks the others would have
/// had more nodes, so that going back helps. "" = it does none.
std::string harm_in(const std::deque<HarmLook>& looks);

}  // namespace gpuscale::scaling

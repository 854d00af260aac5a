// SPDX-License-Identifier: Apache-2.0
#include "scaling/promotion.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/name_list.h"

namespace gpuscale::scaling {
namespace {

constexpr std::array<std::string_view, 3> kStateNames{"probation", "kept", "rolled_back"};

bool among(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string_view to_string(PromotionState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

std::string to_text(const Promotion& promotion) {
  const nlohmann::json out{{"pool", promotion.pool},
                           {"policy", promotion.policy},
                           {"before", promotion.before},
                           {"declared", promotion.declared},
                           {"who", promotion.who},
                           {"at", base::to_unix_nanos(promotion.at)},
                           {"probation_until", base::to_unix_nanos(promotion.probation_until)},
                           {"notify", promotion.notify},
                           {"state", to_string(promotion.state)},
                           {"reason", promotion.reason},
                           {"correlation", promotion.correlation},
                           {"told", promotion.told}};
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<Promotion> promotion_from_text(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    const auto name = json.at("state").get<std::string>();
    const auto* state = std::find(kStateNames.begin(), kStateNames.end(), name);
    if (state == kStateNames.end())
      return fail(Errc::kCorrupt, "state.db: a promotion is in the unknown state \"" + name + "\"");
    return Promotion{.pool = json.at("pool").get<std::string>(),
                     .policy = json.at("policy").get<std::string>(),
                     .before = json.at("before").get<std::vector<std::string>>(),
                     .declared = json.at("declared").get<std::vector<std::string>>(),
                     .who = json.at("who").get<std::string>(),
                     .at = base::from_unix_nanos(json.at("at").get<std::int64_t>()),
                     .probation_until = base::from_unix_nanos(json.at("probation_until").get<std::int64_t>()),
                     .notify = json.at("notify").get<std::vector<std::string>>(),
                     .state = static_cast<PromotionState>(state - kStateNames.begin()),
                     .reason = json.at("reason").get<std::string>(),
                     .correlation = json.at("correlation").get<std::string>(),
                     .told = json.at("told").get<bool>()};
  } catch (const nlohmann::json::exception& e) {
    return fail(Errc::kCorrupt, std::string("state.db: a promotion does not decode: ") + e.what());
  }
}

std::vector<std::string> heard_among(const std::vector<policy::PolicySpec>& specs) {
  std::vector<std::string> out;
  for (const policy::PolicySpec& spec : specs) {
    if (!spec.shadow) out.push_back(spec.name);
  }
  return out;
}

bool apply(const Promotion& promotion, std::vector<policy::PolicySpec>& specs) {
  if (heard_among(specs) != promotion.declared) return false;
  const std::vector<std::string> heard = promotion.heard();
  const auto known = [&](const std::string& name) {
    return std::any_of(specs.begin(), specs.end(), [&](const auto& spec) { return spec.name == name; });
  };
  const std::vector<std::string>& before = promotion.before;
  if (!known(promotion.policy) || !std::all_of(before.begin(), before.end(), known)) return false;
  for (policy::PolicySpec& spec : specs) spec.shadow = !among(heard, spec.name);
  return true;
}

std::optional<std::string> keeps_from(const Promotion& promotion,
                                      const std::vector<policy::PolicySpec>& next) {
  std::vector<policy::PolicySpec> promoted = next;
  if (apply(promotion, promoted)) return std::nullopt;
  const std::vector<std::string> heard = promotion.heard();
  const bool stands = promotion.state != PromotionState::kRolledBack;
  if (!stands && heard == promotion.declared) return std::nullopt;
  const std::vector<std::string> declared = heard_among(next);
  const auto all_of_heard = [&](const std::vector<std::string>& names) {
    return std::all_of(heard.begin(), heard.end(),
                       [&](const std::string& name) { return among(names, name); });
  };
  // Whoever declares so means it: one by one those are declared that are heard, then the others shadows.
  const bool same = all_of_heard(declared) && declared.size() == heard.size();
  if (same || (all_of_heard(declared) && !all_of_heard(promotion.declared))) return std::nullopt;
  return "pool " + promotion.pool + " hears " + base::joined(heard) +
         (stands ? ", which is promoted" : " since " + promotion.policy + " was rolled back") +
         ", and that would end it; first declare " + base::joined(heard) + " heard and the others shadows" +
         (stands ? ", or roll back (gpuscale policy rollback " + promotion.pool + ")" : "");
}

std::string harm_in(const std::deque<HarmLook>& looks) {
  if (looks.size() < kHarmLooks) return {};
  double offered = 0;
  double bad = 0;
  std::size_t crowded = 0;
  std::size_t troubled = 0;
  std::size_t others_larger = 0;
  for (auto look = looks.end() - static_cast<std::ptrdiff_t>(kHarmLooks); look != looks.end(); ++look) {
    offered += look->offered;
    bad += look->bad;
    crowded += look->crowded ? 1U : 0U;
    if (!look->crowded && look->bad <= 0) continue;
    ++troubled;
    others_larger += look->others_larger ? 1U : 0U;
  }
  const double bad_share = offered > 0 ? bad / offered : 0;
  const double crowded_share = static_cast<double>(crowded) / static_cast<double>(kHarmLooks);
  if (bad_share <= kMostBadShare && crowded_share <= kMostCrowdedShare) return {};
  if (2 * others_larger <= troubled) return {};
  std::array<char, 200> text{};
  std::snprintf(
      text.data(), text.size(),
      "in the last 5 minutes %.1f%% of the work was late or lost and the pool was all but full %.0f%% of "
      "the time, while those heard before would have had more nodes",
      100 * bad_share, 100 * crowded_share);
  return text.data();
}

}  // namespace gpuscale::scaling

// SPDX-License-Identifier: Apache-2.0
#include "policy/recipe.h"

#include "policy/window.h"

namespace gpuscale::policy {

std::optional<std::int64_t> Recipe::decide(const PoolView& view) {
  constexpr std::int64_t kBucketSeconds = 30;
  constexpr std::int64_t kBuckets = 10;
  const std::int64_t bucket = std::max<std::int64_t>(1, kBucketSeconds / view.tick_seconds);
  const std::int64_t end = view.tick / bucket * bucket;
  const std::int64_t begin = std::max<std::int64_t>(0, end - kBuckets * bucket);
  if (end - begin < bucket) {
    reason_ = [] { return "has not seen its first " + span_of(kBucketSeconds) + " yet"; };
    return std::nullopt;
  }
  const double percent = 100.0 * sum(view, view.utilization, begin, end) / static_cast<double>(end - begin);
  const bool high = percent > options_.high_percent;
  const bool low = percent < options_.low_percent;
  std::optional<std::int64_t> want;
  if (high && (options_.repeat || !was_high_)) want = view.size() + 1;
  if (low && (options_.repeat || !was_low_)) want = view.size() - 1;
  evidence_ = {.value = percent / 100,
               .target = options_.high_percent / 100,
               .window_seconds = (end - begin) * view.tick_seconds};
  reason_ = [seen = evidence_, line = options_.low_percent / 100, high, low, decides = want.has_value()] {
    std::string out = "utilisation " + percent_of(*seen.value) + " over " + span_of(*seen.window_seconds);
    if (high) out += ", over the high rule's " + percent_of(*seen.target) + ": ";
    if (low) out += ", under the low rule's " + percent_of(line) + ": ";
    if (!high && !low)
      out += ", between " + percent_of(line) + " and " + percent_of(*seen.target) + ": stays";
    if (decides) out += high ? "one more" : "one fewer";
    if (!decides && (high || low)) out += "it was so before, and a rule notifies once";
    return out;
  };
  was_high_ = high;
  was_low_ = low;
  return want;
}

}  // namespace gpuscale::policy

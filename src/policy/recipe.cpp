// SPDX-License-Identifier: Apache-2.0
#include "policy/recipe.h"

#include "policy/window.h"
#include "policy/words.h"

namespace gpuscale::policy {

std::optional<std::int64_t> Recipe::decide(const PoolView& view) {
  constexpr std::int64_t kBucketSeconds = 30;
  constexpr std::int64_t kBuckets = 10;
  const std::int64_t bucket = std::max<std::int64_t>(1, kBucketSeconds / view.tick_seconds);
  const std::int64_t end = view.tick / bucket * bucket;
  const std::int64_t begin = std::max<std::int64_t>(0, end - kBuckets * bucket);
  if (end - begin < bucket) {
    reason_ = "has not seen its first " + span_of(kBucketSeconds) + " yet";
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
  reason_ =
      "utilisation " + percent_of(percent / 100) + " over " + span_of((end - begin) * view.tick_seconds);
  if (high) reason_ += ", over the high rule's " + percent_of(options_.high_percent / 100) + ": ";
  if (low) reason_ += ", under the low rule's " + percent_of(options_.low_percent / 100) + ": ";
  if (!high && !low)
    reason_ += ", between " + percent_of(options_.low_percent / 100) + " and " +
               percent_of(options_.high_percent / 100) + ": stays";
  if (want) reason_ += high ? "one more" : "one fewer";
  if (!want && (high || low)) reason_ += "it was so before, and a rule notifies once";
  was_high_ = high;
  was_low_ = low;
  return want;
}

}  // namespace gpuscale::policy

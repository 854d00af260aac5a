// SPDX-License-Identifier: Apache-2.0
#include "influxql/select_scope.h"

#include <algorithm>
#include <set>

namespace gpuscale::influxql {

SelectScope::SelectScope(Run& run_of, const PreparedSelect& select_of, const Surroundings* outer)
    : run(run_of), select(select_of) {
  frame.zone = Zone(select.statement.zone);
  frame.interval = select.interval;
  frame.ascending = outer == nullptr ? select.statement.ascending() : outer->frame.ascending;
  if (frame.interval.every_ns == 0 && outer != nullptr) frame.interval = outer->frame.interval;
  frame.min = select.condition.time.min.value_or(kMinTime);
  frame.max = select.condition.time.max.value_or(kMaxTime);
  dimensions = select.dimensions;
  limited_dimensions = outer == nullptr ? select.dimensions : outer->limited_dimensions;
  slimit = select.statement.slimit;
  soffset = select.statement.soffset;
  if (outer != nullptr) {
    frame.min = std::max(frame.min, outer->frame.min);
    frame.max = std::min(frame.max, outer->frame.max);
    std::set<std::string> all(dimensions.begin(), dimensions.end());
    all.insert(outer->dimensions.begin(), outer->dimensions.end());
    dimensions.assign(all.begin(), all.end());
    slimit += outer->slimit;
    soffset += outer->soffset;
  }
  if (frame.bucketed() && frame.max == kMaxTime && !select.condition.time.max) {
    frame.max = base::to_unix_nanos(run.context().now);
  }
  if (frame.bucketed() && frame.min == kMinTime && run.limits().begin_by_buckets && frame.max != kMaxTime) {
    const auto most = static_cast<std::int64_t>(run.limits().max_buckets);
    const std::int64_t last = frame.window(frame.max).start;
    std::int64_t span = 0;
    std::int64_t first = 0;
    if (!__builtin_mul_overflow(most - 1, frame.interval.every_ns, &span) &&
        !__builtin_sub_overflow(last, span, &first))
      frame.first_read = std::max(kMinTime, first);
  }
  filling = {select.statement.fill, select.statement.fill_value};
  // What is not shown, or written, has no rows without a value: observed, not even a count of 0.
  const bool hidden = outer != nullptr || select.statement.target.has_value();
  if (hidden && filling.how == Fill::kNull) filling.how = Fill::kNone;
}

Result<void> SelectScope::check_buckets() const {
  const std::size_t most = run.limits().max_buckets;
  if (most == 0 || frame.min == kMinTime || filling.how == Fill::kNone) return {};
  const std::uint64_t buckets =
      enough == 0 ? frame.buckets() : std::min<std::uint64_t>(frame.buckets(), enough);
  if (buckets <= most) return {};
  return too_many_buckets(buckets, most);
}

}  // namespace gpuscale::influxql

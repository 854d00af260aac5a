// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "load/profile.h"

namespace gpuscale::load {
namespace {

Result<void> check(const TraceOptions& options) {
  const auto good = [](double value) { return std::isfinite(value) && value > 0; };
  if (!good(options.speed) || options.speed > 1e6) {
    return fail(Errc::kInvalidArgument, "trace speed must be above 0 and at most 1000000");
  }
  if (!good(options.scale)) return fail(Errc::kInvalidArgument, "trace scale must be above 0");
  if (!good(options.capacity_rps)) {
    return fail(Errc::kInvalidArgument, "the capacity of a node must be above 0 requests per second");
  }
  return {};
}

}  // namespace

Result<Profile> Profile::parse_trace(std::string_view csv, const std::string& name,
                                     const TraceOptions& options) {
  GS_TRY(const auto demand, trace::DemandTrace::parse(csv, name));
  return of_trace(demand, name, options);
}

Result<Profile> Profile::read_trace(const std::string& path, const TraceOptions& options) {
  GS_TRY(const auto demand, trace::DemandTrace::read(path));
  return of_trace(demand, path, options);
}

Result<Profile> Profile::of_trace(const trace::DemandTrace& demand, const std::string& name,
                                  const TraceOptions& options) {
  GS_CHECK(check(options));
  const std::vector<trace::DemandRow>& rows = demand.rows();
  std::vector<Step> steps;
  steps.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool last = i + 1 == rows.size();
    const double seconds = last ? demand.last_step_seconds() : rows[i + 1].t_seconds - rows[i].t_seconds;
    const double rps = rows[i].demand * options.capacity_rps * options.scale;
    const double lasts = seconds / options.speed;
    if (lasts > std::chrono::duration<double>(kMaxLength).count())
      return fail(Errc::kInvalidArgument, name + ": lasts too long at this speed; raise --speed");
    steps.push_back({rps, rps, std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(lasts))});
  }
  auto profile = build(steps);
  if (!profile) return profile.error().with_context(name);
  return profile;
}

}  // namespace gpuscale::load

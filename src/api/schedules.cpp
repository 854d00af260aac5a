// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/declared.h"
#include "api/text.h"
#include "base/duration.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

json to_json(const schedule::ScheduleStatus& status) {
  const schedule::ScheduleSpec& spec = status.spec;
  json next = json::array();
  for (const WallTime run : status.next_runs) next.push_back(base::format_rfc3339(run));
  return {{"name", spec.name},
          {"when", spec.cron.empty() ? spec.at : spec.cron},
          {"timezone", spec.timezone},
          {"for", base::format_duration(spec.lasts)},
          {"enabled", spec.enabled},
          {"pool", spec.pool},
          {"min", value_or_null(spec.min)},
          {"max", value_or_null(spec.max)},
          {"floor", value_or_null(spec.floor)},
          {"trigger", spec.trigger},
          {"step", value_or_null(spec.step)},
          {"mute", spec.mute},
          {"last_run", time_or_null(status.last_run)},
          {"holds_until", time_or_null(status.holds_until)},
          {"next_runs", std::move(next)}};
}

}  // namespace

void register_schedules(Routes& routes) {
  Services& services = routes.services();
  routes.add(
      {.method = http::Method::kGet,
       .pattern = "/api/v1/schedules",
       .scope = Scope::kRead,
       .summary = "Every schedule, what holds now and when each runs next",
       .query = {{"runs", "integer", "so many next runs each, 1..100; default 3"}}},
      [&services](const http::Request& request, const Principal&) {
        constexpr std::size_t kDefault = 3;
        constexpr std::size_t kMost = 100;
        const auto asked = request.query.get("runs");
        const auto runs = asked ? parse_digits<std::size_t>(*asked) : kDefault;
        if (!runs || *runs == 0 || *runs > kMost) {
          return error_answer(fail(Errc::kInvalidArgument, "runs must be a whole number from 1 to 100"));
        }
        json list = json::array();
        const auto add = [&](const schedule::ScheduleStatus& status) {
          list.push_back(to_json(status));
          add_declared(list.back(), services, config::Kind::kSchedules, status.spec.name);
        };
        if (services.schedules) {
          for (const auto& status : services.schedules(*runs)) add(status);
        }
        for (const auto& each : left_out(services, config::Kind::kSchedules)) {
          schedule::ScheduleStatus status;
          status.spec.name = each.name;
          status.spec.enabled = false;
          add(status);
        }
        return json_answer(200, {{"schedules", std::move(list)}});
      });
}

}  // namespace gpuscale::api

// SPDX-License-Identifier: Apache-2.0
/// Times that come again and again, as crontab writes them, in a time zone. Pure.
///
///     minute hour day-of-month month day-of-week        "30 8 * * 1-5", "*/15 9-17 1,15 jan-mar *"
///
/// Names of months and days in English; 0 and 7 are Sunday; @hourly, @daily, @weekly, @monthly, @yearly.
/// Where both days are given either suffices, as in cron. A local time that does not exist (clocks go
/// forward) runs once, at the moment that the clocks jump; one that comes twice (clocks go back) runs once,
/// the first time.
#pragma once
#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace gpuscale::schedule {

/// A time zone by its IANA name. Copies share it.
class Zone {
 public:
  /// "UTC", "Asia/Shanghai". Errors: kNotFound.
  static Result<Zone> named(const std::string& name);
  const std::string& name() const { return name_; }

  /// Days since 1970-01-01 and minute of the day, as clocks there show them.
  struct Local {
    int day = 0;
    int minute = 0;
  };
  Local local(WallTime time) const;
  /// The first moment at which clocks there show this, or jump over it.
  WallTime moment(const Local& local) const;

 private:
  Zone(std::string name, const void* zone) : name_(std::move(name)), zone_(zone) {}
  std::string name_;
  const void* zone_;  ///< date::time_zone; its header stays in the implementation
};

class Cron {
 public:
  /// Errors: kInvalidArgument naming the field and what it takes; also for a date that never comes ("0 0 30 2
  /// *").
  static Result<Cron> parse(std::string_view text);

  const std::string& text() const { return text_; }

 private:
  friend std::optional<WallTime> next_run(const Cron&, const Zone&, WallTime);
  friend std::optional<WallTime> last_run(const Cron&, const Zone&, WallTime);
  bool runs_on(int day) const;

  std::string text_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool any_day_ = true;
  bool any_weekday_ = true;
};

/// The first run after `time`; absent only where none comes within nine years.
std::optional<WallTime> next_run(const Cron& cron, const Zone& zone, WallTime time);
/// The last run at or before `time`.
std::optional<WallTime> last_run(const Cron& cron, const Zone& zone, WallTime time);

/// "2026-12-01 08:00" as clocks in the zone show it. Errors: kInvalidArgument.
Result<WallTime> parse_local(std::string_view text, const Zone& zone);

}  // namespace gpuscale::schedule

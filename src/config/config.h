// SPDX-License-Identifier: Apache-2.0
/// The one YAML file: what it may say, and how it is read. Every fault is reported at once with line, column
/// and mend; an unknown key is a fault with a suggestion. The only user of yaml-cpp.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alert/rule.h"
#include "base/result.h"
#include "datasource/source_spec.h"
#include "notify/message.h"
#include "policy/council.h"
#include "pool/node.h"
#include "scaling/trigger.h"
#include "schedule/schedule.h"

namespace gpuscale::config {

/// How the embedded store answers InfluxDB's clients; the names are those of InfluxDB's own settings.
struct StoreSpec {
  bool retention_autocreate = true;
  bool health = true;         ///< /health answers, as in InfluxDB 1.8; false: it is not found, as in 1.6
  int max_select_series = 0;  ///< 0 = no limit, as in InfluxDB; so for the next
  int max_select_points = 0;
  int max_select_buckets = 0;  ///< 0 = a million, over which a statement fails
  /// How long samples of the default database are kept as they came, and then by the minute. 0 = for ever;
  /// nothing is condensed where the former is. Settled when the data folder is made.
  Nanos keep_samples = std::chrono::hours{7 * 24};
  Nanos keep_minutes = std::chrono::hours{90 * 24};
};

struct Config {
  std::string cluster = "default";
  int fleet_max_gpus = 0;  ///< of all pools together; 0 = no cap
  StoreSpec store;
  std::vector<datasource::SourceSpec>
      sources;  ///< of the file alone: they hold credentials, and may be anywhere
  std::vector<pool::PoolSpec> pools;
  std::vector<scaling::TriggerSpec> triggers;
  std::vector<policy::PolicySpec> policies;
  std::vector<notify::ChannelSpec> channels;
  std::vector<alert::RuleSpec> rules;
  std::vector<schedule::ScheduleSpec> schedules;
};

/// A place in the file (counted from 1) and what is wrong there, with the mend.
struct Fault {
  int line = 0;
  int column = 0;
  std::string text;
};

/// Looks up an environment variable for `${NAME}` in a value; nullopt = not set.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
/// The process's own environment.
Environment process_environment();

/// Reads and checks `yaml`, also what refers to what (pools, triggers, channels). Values may hold `${NAME}`;
/// `$${` stands for a literal `${`. Errors: kInvalidArgument, one line a fault: "FILE:LINE:COLUMN: text".
Result<Config> parse(std::string_view yaml, const std::string& file_name, const Environment& environment);

/// The file's text. Errors: kNotFound, kUnavailable, kExhausted (over 4 MiB).
Result<std::string> read_text(const std::string& path);

/// Reads the file (at most 4 MiB) and parses it. Errors: kNotFound, kUnavailable, kExhausted, and those of
/// parse().
Result<Config> load(const std::string& path, const Environment& environment = process_environment());

}  // namespace gpuscale::config

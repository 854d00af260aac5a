// SPDX-License-Identifier: Apache-2.0
/// Logs are events with fields: a stable greppable name `noun.verb`, values as fields, one line per fact, at
/// the place that decides. error = a person must act; warn = degraded but handled; info = state changed;
/// debug = why. A Log is a cheap value that may be copied; all copies write to one sink. Thread-safe.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/error.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace spdlog {
class logger;
}

namespace gpuscale::log {

enum class Level { kDebug, kInfo, kWarn, kError, kOff };
enum class Format { kText, kJson };

/// "debug", "info", "warn", "error", "off"; kInvalidArgument for anything else.
Result<Level> parse_level(std::string_view text);

/// One named value of an event.
struct Field {
  using Value = std::variant<std::string, std::int64_t, double, bool>;

  Field(std::string_view key_in, std::string_view v) : key(key_in), value(std::string(v)) {}
  Field(std::string_view key_in, const char* v) : key(key_in), value(std::string(v)) {}
  Field(std::string_view key_in, const std::string& v) : key(key_in), value(v) {}
  Field(std::string_view key_in, bool v) : key(key_in), value(v) {}
  Field(std::string_view key_in, double v) : key(key_in), value(v) {}
  template <typename Int>
    requires std::is_integral_v<Int>
  Field(std::string_view key_in, Int v) : key(key_in), value(static_cast<std::int64_t>(v)) {}
  Field(std::string_view key_in, Nanos v);
  Field(std::string_view key_in, const Error& v) : key(key_in), value(v.message()) {}
  Field(std::string_view key_in, const Secret&) : key(key_in), value(std::string("***")) {}

  std::string_view key;
  Value value;
};
using Fields = std::initializer_list<Field>;

class Log {
 public:
  /// Writes to stderr. Text: `2026-11-24T02:15:36.123Z info node.ready pool=gpu took=2.1s`; JSON: one object
  /// a line.
  static Log to_stderr(Level level, Format format);
  /// Appends to a file; errors: kUnavailable where it cannot be opened.
  static Result<Log> to_file(const std::string& path, Level level, Format format);
  /// Says nothing; for tests and embedders.
  static Log silent();

  /// Whether events of this level are written, where to gather their fields is work.
  bool writes(Level level) const;
  void debug(std::string_view event, Fields fields = {}) const { write(Level::kDebug, event, fields); }
  void info(std::string_view event, Fields fields = {}) const { write(Level::kInfo, event, fields); }
  void warn(std::string_view event, Fields fields = {}) const { write(Level::kWarn, event, fields); }
  void error(std::string_view event, Fields fields = {}) const { write(Level::kError, event, fields); }

 private:
  Log(std::shared_ptr<spdlog::logger> sink, Format format) : sink_(std::move(sink)), format_(format) {}
  void write(Level level, std::string_view event, Fields fields) const;

  std::shared_ptr<spdlog::logger> sink_;  // null = silent
  Format format_;
};

}  // namespace gpuscale::log

// SPDX-License-Identifier: Apache-2.0
#include "log/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <nlohmann/json.hpp>

#include "base/duration.h"
#include "base/rfc3339.h"
#include "base/system_clock.h"

namespace gpuscale::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

constexpr std::string_view name_of(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
    case Level::kOff:
      return "off";
  }
  return "info";
}

std::shared_ptr<spdlog::logger> make_logger(std::shared_ptr<spdlog::sinks::sink> sink, Level level) {
  auto logger = std::make_shared<spdlog::logger>("gpuscale", std::move(sink));
  logger->set_pattern("%v");
  logger->set_level(to_spdlog(level));
  logger->flush_on(spdlog::level::debug);
  return logger;
}

bool needs_quotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \t\n\"=\\") != std::string_view::npos;
}

void append_text(std::string& out, const Field& field) {
  out += ' ';
  out += field.key;
  out += '=';
  if (const auto* text = std::get_if<std::string>(&field.value)) {
    out += needs_quotes(*text)
               ? nlohmann::json(*text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
               : *text;
  } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
    out += std::to_string(*integer);
  } else if (const auto* real = std::get_if<double>(&field.value)) {
    out += fmt::format("{:g}", *real);
  } else {
    out += std::get<bool>(field.value) ? "true" : "false";
  }
}

std::string now_text() {
  return base::format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(base::SystemClock{}.wall()));
}

}  // namespace

Field::Field(std::string_view key_in, Nanos v) : key(key_in), value(base::format_duration(v)) {}

Result<Level> parse_level(std::string_view text) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError, Level::kOff}) {
    if (text == name_of(level)) return level;
  }
  return fail(Errc::kInvalidArgument,
              "log level \"" + std::string(text) + "\" is none of debug, info, warn, error, off");
}

Log Log::to_stderr(Level level, Format format) {
  return {make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), level), format};
}

Result<Log> Log::to_file(const std::string& path, Level level, Format format) {
  try {
    return Log{make_logger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path), level), format};
  } catch (const spdlog::spdlog_ex& e) {
    return fail(Errc::kUnavailable, "cannot open log file " + path + ": " + e.what());
  }
}

Log Log::silent() {
  return {nullptr, Format::kText};
}

bool Log::writes(Level level) const {
  return sink_ && sink_->should_log(to_spdlog(level));
}

void Log::write(Level level, std::string_view event, Fields fields) const {
  if (!writes(level)) return;
  if (format_ == Format::kJson) {
    nlohmann::ordered_json line;
    line["time"] = now_text();
    line["level"] = name_of(level);
    line["event"] = event;
    for (const Field& field : fields) {
      std::visit([&](const auto& v) { line[std::string(field.key)] = v; }, field.value);
    }
    sink_->log(to_spdlog(level), line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  std::string line = now_text();
  line += ' ';
  line += name_of(level);
  line += ' ';
  line += event;
  for (const Field& field : fields) append_text(line, field);
  sink_->log(to_spdlog(level), line);
}

}  // namespace gpuscale::log

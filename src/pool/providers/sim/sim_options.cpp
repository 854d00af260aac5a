// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/sim/sim_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/duration.h"
#include "pool/providers/local/options.h"
#include "pool/words.h"

namespace gpuscale::pool::sim {
namespace {

constexpr int kMostNodes = 100'000;
constexpr std::size_t kMostZones = 64;

template <typename Number>
Result<Number> number_of(const std::string& key, const std::string& text, Number least, Number most) {
  Number value{};
  const char* last = text.data() + text.size() - (text.ends_with('%') ? 1 : 0);
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc() || end != last || !(value >= least && value <= most)) {
    return fail(Errc::kInvalidArgument, "provider sim: " + key + ": \"" + text + "\" is no number from " +
                                            std::to_string(static_cast<std::int64_t>(least)) + " to " +
                                            std::to_string(static_cast<std::int64_t>(most)));
  }
  return value;
}

Result<Nanos> duration_of(const std::string& key, const std::string& text) {
  auto duration = base::parse_duration(text);
  if (!duration) return duration.error().with_context("provider sim: " + key);
  if (*duration < Nanos{0})
    return fail(Errc::kInvalidArgument, "provider sim: " + key + ": \"" + text + "\" is less than nothing");
  return duration;
}

Result<std::vector<std::string>> zones_of(std::string text) {
  if (text.find('\n') == std::string::npos) std::replace(text.begin(), text.end(), ',', ' ');
  std::vector<std::string> zones = words_of(text);
  if (zones.empty() || zones.size() > kMostZones) {
    return fail(Errc::kInvalidArgument,
                "provider sim: zones: name 1 to " + std::to_string(kMostZones) + " of them, as [a, b]");
  }
  return zones;
}

}  // namespace

Result<SimOptions> take_options(std::map<std::string, std::string>& block) {
  SimOptions out;
  std::map<std::string, std::string> rest;
  for (auto& [key, text] : block) {
    if (key == "boot") {
      GS_TRY(out.boot, duration_of(key, text));
    } else if (key == "boot_spread") {
      GS_TRY(out.boot_spread, number_of(key, text, 0.0, 100.0));
    } else if (key == "boot_failures") {
      GS_TRY(out.boot_failures, number_of(key, text, 0.0, 100.0));
    } else if (key == "call_failures") {
      GS_TRY(out.call_failures, number_of(key, text, 0.0, 100.0));
    } else if (key == "lost_replies") {
      GS_TRY(out.lost_replies, number_of(key, text, 0.0, 100.0));
    } else if (key == "capacity") {
      GS_TRY(out.capacity, number_of(key, text, 1, kMostNodes));
    } else if (key == "life") {
      GS_TRY(out.life, duration_of(key, text));
    } else if (key == "zones") {
      GS_TRY(out.zones, zones_of(text));
    } else if (key == "seed") {
      GS_TRY(out.seed, number_of<std::uint64_t>(key, text, 0, 1'000'000'000));
    } else {
      rest.emplace(key, std::move(text));
    }
  }
  block = std::move(rest);
  return out;
}

Result<void> check_options(const std::map<std::string, std::string>& block) {
  std::map<std::string, std::string> nodes = block;
  GS_CHECK(take_options(nodes));
  for (const auto& [key, text] : nodes) {
    if (key == "service_time" || key == "max_queue" || key == "interval") continue;
    return fail(Errc::kInvalidArgument,
                "provider sim: unknown option \"" + key +
                    "\"; known: boot, boot_failures, boot_spread, call_failures, capacity, interval, life, "
                    "lost_replies, max_queue, seed, service_time, zones");
  }
  local::LocalProviderOptions options;
  return local::apply_options(nodes, options);
}

}  // namespace gpuscale::pool::sim

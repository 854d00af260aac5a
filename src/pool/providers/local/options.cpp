// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/local/options.h"

#include <charconv>

#include "base/duration.h"

namespace gpuscale::pool::local {
namespace {

constexpr int kMaxQueue = 1'000'000;

Result<Nanos> positive_duration(const std::string& key, const std::string& text) {
  auto duration = base::parse_duration(text);
  if (!duration) return duration.error().with_context("provider local: " + key);
  if (*duration <= Nanos{0}) {
    return fail(Errc::kInvalidArgument, "provider local: " + key + ": \"" + text + "\" must be over 0");
  }
  return duration;
}

Result<int> queue_length(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > kMaxQueue) {
    return fail(Errc::kInvalidArgument, "provider local: max_queue: \"" + text +
                                            "\" is no whole number from 1 to " + std::to_string(kMaxQueue));
  }
  return value;
}

}  // namespace

Result<void> apply_options(const std::map<std::string, std::string>& block, LocalProviderOptions& options) {
  for (const auto& [key, text] : block) {
    if (key == "service_time") {
      GS_TRY(options.service_time, positive_duration(key, text));
    } else if (key == "interval") {
      GS_TRY(options.interval, positive_duration(key, text));
    } else if (key == "max_queue") {
      GS_TRY(options.max_queue, queue_length(text));
    } else if (key == "source") {
      if (text != "virtual") {
        return fail(Errc::kInvalidArgument,
                    "provider local: source: \"" + text + "\" is not offered; known: virtual");
      }
      options.source = text;
    } else {
      return fail(Errc::kInvalidArgument, "provider local: unknown option \"" + key +
                                              "\"; known: interval, max_queue, service_time, source");
    }
  }
  return {};
}

}  // namespace gpuscale::pool::local

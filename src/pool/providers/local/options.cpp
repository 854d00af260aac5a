// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/local/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/duration.h"
#include "pool/words.h"

namespace gpuscale::pool::local {
namespace {

constexpr int kMaxQueue = 1'000'000;
constexpr int kMaxGpus = 1'024;

Result<Nanos> positive_duration(const std::string& key, const std::string& text) {
  auto duration = base::parse_duration(text);
  if (!duration) return duration.error().with_context("provider local: " + key);
  if (*duration <= Nanos{0}) {
    return fail(Errc::kInvalidArgument, "provider local: " + key + ": \"" + text + "\" must be over 0");
  }
  return duration;
}

Result<int> whole_from_one(const std::string& key, const std::string& text, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > most) {
    return fail(Errc::kInvalidArgument, "provider local: " + key + ": \"" + text +
                                            "\" is no whole number from 1 to " + std::to_string(most));
  }
  return value;
}

Result<std::vector<std::string>> gpu_words(std::string text) {
  if (text.find('\n') == std::string::npos) std::replace(text.begin(), text.end(), ',', ' ');
  std::vector<std::string> words = words_of(text);
  if (words.empty()) return fail(Errc::kInvalidArgument, "provider local: gpus: none is named");
  for (const std::string& word : words) {
    const bool index = !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
    if (!index && !word.starts_with("GPU-") && !word.starts_with("MIG-")) {
      return fail(Errc::kInvalidArgument, "provider local: gpus: \"" + word +
                                              "\" is neither an index, as 0, nor a UUID, as GPU-8932f937");
    }
    if (std::count(words.begin(), words.end(), word) > 1)
      return fail(Errc::kInvalidArgument, "provider local: gpus: " + word + " is named twice");
  }
  return words;
}

Result<void> check_source(const std::string& source) {
  constexpr std::array<std::string_view, 4> kSources{"auto", "nvml", "amdgpu", "virtual"};
  if (std::find(kSources.begin(), kSources.end(), source) != kSources.end()) return {};
  return fail(Errc::kInvalidArgument, "provider local: source: \"" + source +
                                          "\" is not offered; known: amdgpu, auto, nvml, virtual");
}

/// What makes sense only together.
Result<void> check_whole(const LocalProviderOptions& options) {
  if (options.command.empty()) {
    for (const auto& [set, key] :
         {std::pair(!options.gpus.empty(), "gpus"), std::pair(!options.inference.empty(), "inference"),
          std::pair(options.ready != "tcp", "ready")}) {
      if (set)
        return fail(Errc::kInvalidArgument,
                    std::string("provider local: ") + key + " needs a command that it is meant for");
    }
    return {};
  }
  if (options.gpus_per_node > 1 && options.gpus.empty())
    return fail(Errc::kInvalidArgument, "provider local: gpus_per_node needs gpus to place nodes on");
  if (!options.gpus.empty() && options.gpus_per_node > std::ssize(options.gpus)) {
    return fail(Errc::kInvalidArgument,
                "provider local: gpus_per_node: " + std::to_string(options.gpus_per_node) +
                    " is more than the " + std::to_string(options.gpus.size()) + " gpus");
  }
  return {};
}

}  // namespace

Result<void> apply_options(const std::map<std::string, std::string>& block, LocalProviderOptions& options) {
  for (const auto& [key, text] : block) {
    if (key == "service_time") {
      GS_TRY(options.service_time, positive_duration(key, text));
    } else if (key == "interval") {
      GS_TRY(options.interval, positive_duration(key, text));
    } else if (key == "grace") {
      GS_TRY(options.grace, positive_duration(key, text));
    } else if (key == "max_queue") {
      GS_TRY(options.max_queue, whole_from_one(key, text, kMaxQueue));
    } else if (key == "gpus_per_node") {
      GS_TRY(options.gpus_per_node, whole_from_one(key, text, kMaxGpus));
    } else if (key == "gpus") {
      GS_TRY(options.gpus, gpu_words(text));
    } else if (key == "command") {
      options.command = words_of(text);
    } else if (key == "ready") {
      if (text != "tcp" && !text.starts_with('/'))
        return fail(Errc::kInvalidArgument,
                    "provider local: ready: \"" + text + "\" is neither tcp nor a path, as /health");
      options.ready = text;
    } else if (key == "inference") {
      if (text.find('=') == std::string::npos)
        return fail(Errc::kInvalidArgument,
                    "provider local: inference: \"" + text +
                        "\" is not SERVER=URL, as vllm=http://127.0.0.1:{port}/metrics");
      options.inference = text;
    } else if (key == "source") {
      GS_CHECK(check_source(text));
      options.source = text;
    } else {
      return fail(
          Errc::kInvalidArgument,
          "provider local: unknown option \"" + key +
              "\"; known: command, gpus, gpus_per_node, grace, inference, interval, max_queue, ready, "
              "service_time, source");
    }
  }
  return check_whole(options);
}

}  // namespace gpuscale::pool::local

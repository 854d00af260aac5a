// SPDX-License-Identifier: Apache-2.0
/// Reads Prometheus' text format 0.0.4 as strangers write it: sample by sample, in one pass, with bounds;
/// what is not a sample is passed over and counted, never an error of the whole.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpuscale::metrics {

struct ExpositionSample {
  std::string_view name;
  std::vector<std::pair<std::string_view, std::string>> labels;  ///< values unescaped
  double value = 0;                                              ///< may be NaN or infinite

  /// "" where it has no such label.
  std::string_view label(std::string_view key) const;
};

struct ExpositionLimits {
  std::size_t max_line_bytes = 16 * 1024;
  std::size_t max_labels = 64;
  std::size_t max_samples = 200'000;
};

struct ExpositionOutcome {
  std::size_t samples = 0;
  std::size_t bad_lines = 0;
  bool cut_off = false;  ///< there were more samples than allowed
};

/// Calls `take` for each sample, in order; its views live as long as the call.
ExpositionOutcome parse_exposition(std::string_view text,
                                   const std::function<void(const ExpositionSample&)>& take,
                                   const ExpositionLimits& limits = {});

}  // namespace gpuscale::metrics

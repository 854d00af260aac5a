// SPDX-License-Identifier: Apache-2.0
/// Prometheus' text format 0.0.4, written family by family.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpuscale::metrics {

class Exposition {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;

  /// HELP and TYPE lines; the samples of this name follow.
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(std::string_view name, const Labels& labels, double value);
  /// "{a=\"1\",b=\"2\"}", escaped: made once where many samples have the same labels.
  static std::string render_labels(const Labels& labels);
  void sample_rendered(std::string_view name, std::string_view rendered_labels, double value);

  /// With so many decimals, as printf's %.Nf writes them.
  void fixed_sample(std::string_view name, std::string_view rendered_labels, double value, int decimals);

  void counter(std::string_view name, std::string_view help, std::uint64_t value);
  void gauge(std::string_view name, std::string_view help, double value);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace gpuscale::metrics

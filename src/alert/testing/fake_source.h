// SPDX-License-Identifier: Apache-2.0
/// A data source that answers what it was last told to. Thread-safe.
#pragma once
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "datasource/data_source.h"

namespace gpuscale::alert::testing {

class FakeSource final : public datasource::DataSource {
 public:
  void answer(double value) { answer_series({{"gpu.mean", {}, {{at_, value}}}}); }
  void answer_nothing() { answer_series({}); }
  void answer_error(Error error) {
    const std::scoped_lock lock(mutex_);
    answer_ = std::move(error);
  }
  void answer_series(std::vector<datasource::Series> series) {
    const std::scoped_lock lock(mutex_);
    answer_ = std::move(series);
  }
  /// What it says of answers without series.
  void explain_nothing(std::string why) {
    const std::scoped_lock lock(mutex_);
    why_ = std::move(why);
  }
  std::vector<datasource::Query> asked() const {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }

  Result<std::vector<datasource::Series>> query(const datasource::Query& query) override {
    const std::scoped_lock lock(mutex_);
    asked_.push_back(query);
    at_ = query.now - std::chrono::milliseconds{300};
    if (answer_) {
      for (auto& series : *answer_) {
        for (auto& sample : series.samples) sample.at = at_;
      }
    }
    return answer_;
  }
  std::string why_empty(const datasource::Query& query) const override {
    const std::scoped_lock lock(mutex_);
    return why_.empty() ? "" : why_ + " in: " + query.text;
  }

 private:
  mutable std::mutex mutex_;
  WallTime at_{};
  Result<std::vector<datasource::Series>> answer_ = std::vector<datasource::Series>{};
  std::vector<datasource::Query> asked_;
  std::string why_;
};

}  // namespace gpuscale::alert::testing

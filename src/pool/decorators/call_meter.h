// SPDX-License-Identifier: Apache-2.0
/// Counts what is asked of providers: calls, errors by kind, time. A decorator, so that no provider counts
/// for itself.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "pool/provider.h"

namespace gpuscale::pool {

struct CallCounts {
  std::uint64_t calls = 0;
  double seconds = 0;                           ///< spent in them
  std::map<std::string, std::uint64_t> errors;  ///< by kind: "exhausted"
};

/// Of all pools. Thread-safe.
class CallMeter {
 public:
  void count(const std::string& pool, std::string_view verb, double seconds, const Error* error);
  /// By pool and verb.
  std::map<std::pair<std::string, std::string>, CallCounts> counts() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, CallCounts> counts_;
};

class MeteredProvider final : public NodeProvider {
 public:
  /// `meter` and `clock` outlive the provider.
  MeteredProvider(std::unique_ptr<NodeProvider> inner, std::string pool, CallMeter& meter, const Clock& clock)
      : inner_(std::move(inner)), pool_(std::move(pool)), meter_(meter), clock_(clock) {}

  std::string type() const override { return inner_->type(); }
  Result<void> launch(const NodeId& id) override;
  Result<std::vector<Instance>> list() override;
  Result<void> drain(const NodeId& id) override;
  Result<void> undrain(const NodeId& id) override;
  Result<Workload> workload(const NodeId& id) override;
  Result<void> terminate(const NodeId& id) override;

 private:
  template <typename Work>
  auto measured(std::string_view verb, const Work& work);

  const std::unique_ptr<NodeProvider> inner_;
  const std::string pool_;
  CallMeter& meter_;
  const Clock& clock_;
};

}  // namespace gpuscale::pool

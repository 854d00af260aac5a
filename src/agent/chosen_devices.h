// SPDX-License-Identifier: Apache-2.0
/// A feed that shows only the devices that belong to this node, where several nodes share a machine.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "agent/feed.h"

namespace gpuscale::agent {

/// Whether `device` is meant by a word of CUDA_VISIBLE_DEVICES: its index, or its UUID or a beginning of it
/// ("GPU-8932f937", "MIG-..."). Pure.
bool is_meant(const gpu::DeviceIdentity& device, const std::string& word);

/// Thread-safe.
class ChosenDevices final : public ReadingFeed {
 public:
  ChosenDevices(std::unique_ptr<ReadingFeed> feed, std::vector<std::string> words)
      : feed_(std::move(feed)), words_(std::move(words)) {}

  std::vector<gpu::Reading> sample(MonoTime deadline) override;
  Sight sight() const override;

 private:
  void choose(std::vector<gpu::Reading>& readings) const;

  const std::unique_ptr<ReadingFeed> feed_;
  const std::vector<std::string> words_;
};

}  // namespace gpuscale::agent

// SPDX-License-Identifier: Apache-2.0
/// Ids of requests whose caller gave none, in the form that InfluxDB's have: UUIDs of version 1 (RFC 4122),
/// that ascend. Thread-safe.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>

#include "base/time.h"

namespace gpuscale::api {

class RequestIds {
 public:
  /// @param start the ids count on from here, each 100 ns after the one before; the node is random, so that
  /// two of these do not meet.
  explicit RequestIds(WallTime start);
  std::string next();

 private:
  const std::string node_;  ///< and the clock sequence: "-8123-123456789abc"
  std::atomic<std::uint64_t> next_;
};

}  // namespace gpuscale::api

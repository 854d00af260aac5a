// SPDX-License-Identifier: Apache-2.0
/// What agents say about their nodes, as scaling looks at it. The live source is StoreTelemetry, the
/// published fake testing/fake_telemetry.h.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace gpuscale::scaling {

/// What telemetry says about a node; every field absent = unknown, which is never "idle".
struct NodeTelemetry {
  std::optional<WallTime> last_report;     ///< newest `node` line
  std::optional<std::int64_t> devices_ok;  ///< of that line
  std::int64_t devices_failed = 0;         ///< of that line
  std::int64_t devices_measured = 0;       ///< that have utilisation samples in the window
  std::optional<double> utilization;       ///< mean percent over the window, of the devices measured
  std::optional<double> utilization_peak;  ///< highest device sample in the window
  std::optional<double> utilization_now;   ///< mean of the devices' newest samples
  std::optional<std::int64_t> in_flight;
  std::string gpu_class{};                    ///< "8 x NVIDIA H100 80GB HBM3 (80 GiB)"; "" = not told
  std::string zone{};                         ///< as its agent was told; "" = it was not
  std::optional<std::int64_t> memory_used{};  ///< bytes on its devices: what must be loaded anew elsewhere
};
using TelemetryByNode = std::map<std::string, NodeTelemetry>;

/// The port to what agents have written; the live one reads the store.
class Telemetry {
 public:
  virtual ~Telemetry() = default;
  /// By node id, for every node of the pool that has reported within the window before `now`.
  virtual Result<TelemetryByNode> nodes_of(const std::string& pool, WallTime now, Nanos window) = 0;
};

}  // namespace gpuscale::scaling

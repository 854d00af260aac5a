// SPDX-License-Identifier: Apache-2.0
/// The readings under the names, types and labels that NVIDIA's dcgm-exporter has by default, so that its
/// dashboard (Grafana 12239) and the alerts written for it work unchanged. Source: dcgm-exporter
/// etc/default-counters.csv and internal/pkg/rendermetrics, 4.5.3-4.8.2.
#pragma once
#include <string>
#include <vector>

#include "agent/pod_use.h"
#include "gpu/source.h"
#include "metrics/exposition.h"

namespace gpuscale::agent {

struct DcgmNaming {
  std::string host;                         ///< value of the label below
  std::string hostname_label = "Hostname";  ///< later versions write `hostname`
};

/// A device that kubelet has given to pods has its samples once for each, with labels `container`,
/// `namespace`, `pod` and, where it is shared by time, `vgpu`. Only values of whole numbers or six decimals,
/// as dcgm-exporter writes them; NVIDIA's devices alone. What a device does not measure has no sample. Pure.
void append_dcgm_metrics(metrics::Exposition& out, const std::vector<gpu::Reading>& readings,
                         const DcgmNaming& naming, const std::vector<PodUse>& pods = {});

}  // namespace gpuscale::agent

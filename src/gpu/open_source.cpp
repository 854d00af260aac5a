// SPDX-License-Identifier: Apache-2.0
#include "gpu/open_source.h"

#include <utility>

#include "gpu/amdgpu/amdgpu_source.h"
#include "gpu/nvml/nvml_source.h"
#include "gpu/nvml/presence.h"
#include "gpu/replay/replay_source.h"
#include "gpu/virtual_device/virtual_device.h"

namespace gpuscale::gpu {
namespace {

constexpr std::string_view kReplayPrefix = "replay:";

std::unique_ptr<GpuSource> open_virtual(const SourceOptions& options) {
  return std::make_unique<VirtualDevice>(
      VirtualDeviceOptions{.name = options.node, .max_queue = options.max_queue});
}

Result<std::unique_ptr<GpuSource>> open_nvml(const SourceOptions& options, const log::Log& log) {
  GS_TRY(auto source, nvml::NvmlSource::open(log, options.watch));
  return std::unique_ptr<GpuSource>{std::move(source)};
}

Result<std::unique_ptr<GpuSource>> open_amdgpu(const SourceOptions& options, const log::Log& log) {
  GS_TRY(auto source, amdgpu::AmdgpuSource::open(log, options.watch));
  return std::unique_ptr<GpuSource>{std::move(source)};
}

Result<std::unique_ptr<GpuSource>> open_replay(std::string_view file, const SourceOptions& options) {
  GS_TRY(auto source, ReplaySource::open(std::string(file), options.replay_speed));
  return std::unique_ptr<GpuSource>{std::move(source)};
}

}  // namespace

Result<std::unique_ptr<GpuSource>> open_source(std::string_view spec, const SourceOptions& options,
                                               const log::Log& log) {
  if (spec == "virtual") return open_virtual(options);
  if (spec == "nvml") return open_nvml(options, log);
  if (spec == "amdgpu") return open_amdgpu(options, log);
  if (spec.starts_with(kReplayPrefix)) return open_replay(spec.substr(kReplayPrefix.size()), options);
  if (spec != "auto") {
    return fail(Errc::kInvalidArgument, "unknown source \"" + std::string(spec) +
                                            "\"; one of auto, nvml, amdgpu, virtual, replay:FILE");
  }
  auto nvml = open_nvml(options, log);
  if (nvml) {
    log.info("source.chosen", {{"source", "nvml"}});
    return nvml;
  }
  if (nvml::has_nvidia_device()) {
    // A virtual device would report an idle GPU where a busy one does not answer: a scale-in for a lie.
    return nvml.error().with_context(
        "this machine has an NVIDIA GPU that does not answer; mend its driver, or say --source virtual");
  }
  if (auto amdgpu = open_amdgpu(options, log)) {
    log.info("source.chosen", {{"source", "amdgpu"}});
    return amdgpu;
  }
  log.info("source.chosen", {{"source", "virtual"}, {"because", nvml.error()}});
  return open_virtual(options);
}

}  // namespace gpuscale::gpu

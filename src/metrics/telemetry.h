// SPDX-License-Identifier: Apache-2.0
/// The names of our own telemetry, in one place: agents write them, the scaler and the console read them.
#pragma once
#include <string_view>

namespace gpuscale::metrics {

inline constexpr std::string_view kDefaultDatabase = "gpuscale";

/// Measurement `gpu`: tags cluster, pool, node, gpu, uuid, model; one line per device and interval.
inline constexpr std::string_view kGpu = "gpu";
inline constexpr std::string_view kUtilizationGpu = "utilization_gpu";
inline constexpr std::string_view kUtilizationGpuMax = "utilization_gpu_max";
inline constexpr std::string_view kUtilizationMemory = "utilization_memory";
inline constexpr std::string_view kMemoryUsedBytes = "memory_used_bytes";
inline constexpr std::string_view kMemoryTotalBytes = "memory_total_bytes";
inline constexpr std::string_view kPowerWatts = "power_watts";
inline constexpr std::string_view kPowerLimitWatts = "power_limit_watts";
inline constexpr std::string_view kTemperatureCelsius = "temperature_celsius";
inline constexpr std::string_view kSmClockMhz = "sm_clock_mhz";
inline constexpr std::string_view kMemoryClockMhz = "memory_clock_mhz";
inline constexpr std::string_view kQueueDepth = "queue_depth";
/// String: which value misleads at the moment and why; absent where none does. All fields: gpu/signals.h.
inline constexpr std::string_view kDoubt = "doubt";

/// Measurement `node`: tags cluster, pool, node and, where it is known, zone; one line per interval, also
/// when no device answers.
inline constexpr std::string_view kNode = "node";
inline constexpr std::string_view kDevicesOk = "devices_ok";          ///< integer
inline constexpr std::string_view kDevicesFailed = "devices_failed";  ///< integer
inline constexpr std::string_view kInFlight = "in_flight";  ///< integer; absent where no endpoint serves
inline constexpr std::string_view kDraining = "draining";   ///< boolean; likewise
inline constexpr std::string_view kAgentDropped = "agent_dropped";    ///< integer, lines dropped since start
inline constexpr std::string_view kAgentBuffered = "agent_buffered";  ///< integer, lines waiting
/// String, "ok" where the devices' source is well: docs/gpu-signals.md has the others.
inline constexpr std::string_view kSamplerState = "sampler_state";
inline constexpr std::string_view kSamplerReason = "sampler_reason";  ///< string; absent where it is well
inline constexpr std::string_view kSampleAgeSeconds = "sample_age_seconds";

/// Measurement `inference`: tags as `node`; what the endpoint served in the interval.
inline constexpr std::string_view kInference = "inference";
inline constexpr std::string_view kRequests = "requests";  ///< integer, answered
inline constexpr std::string_view kLatencyP50Ms = "latency_p50_ms";
inline constexpr std::string_view kLatencyP99Ms = "latency_p99_ms";

/// Of an inference server on the node, with tag `server`; see docs/gpu-signals.md for what each server gives.
inline constexpr std::string_view kRequestsWaiting = "requests_waiting";
inline constexpr std::string_view kRequestsRunning = "requests_running";
inline constexpr std::string_view kKvCacheUsage = "kv_cache_usage";  ///< percent
inline constexpr std::string_view kTimeToFirstTokenMs = "time_to_first_token_ms";
inline constexpr std::string_view kTimePerTokenMs = "time_per_token_ms";
inline constexpr std::string_view kTagServer = "server";

/// Measurement `gpu_pod`: what each Kubernetes pod has of each device; tags cluster, pool, node, gpu, uuid
/// and namespace, pod, container; fields memory_used_bytes, utilization_gpu and these.
inline constexpr std::string_view kGpuPod = "gpu_pod";
inline constexpr std::string_view kProcesses = "processes";  ///< integer, of the pod on the device
inline constexpr std::string_view kGiven =
    "given";  ///< boolean, by kubelet; false: it uses what is not its own
inline constexpr std::string_view kTagNamespace = "namespace";
inline constexpr std::string_view kTagPod = "pod";
inline constexpr std::string_view kTagContainer = "container";

inline constexpr std::string_view kTagCluster = "cluster";
inline constexpr std::string_view kTagPool = "pool";
inline constexpr std::string_view kTagNode = "node";
/// Of measurement `node` alone, where the agent was told: what may fail as one, a zone or a rack.
inline constexpr std::string_view kTagZone = "zone";
inline constexpr std::string_view kTagGpu = "gpu";
inline constexpr std::string_view kTagUuid = "uuid";
inline constexpr std::string_view kTagModel = "model";
inline constexpr std::string_view kTagMig =
    "mig";  ///< "1g.10gb/7": profile and GPU instance; absent on whole GPUs

}  // namespace gpuscale::metrics

// SPDX-License-Identifier: Apache-2.0
/// A day of sampling on a clock that is passed in: what is held after two hours is all that is ever held.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>

#include "agent/device_judge.h"
#include "agent/line_buffer.h"
#include "agent/sampler.h"
#include "gpu/nvml/nvml_source.h"

namespace gpuscale::agent {
namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr auto kEvery =
    60s;  // an allocator that keeps what was freed tells nothing of memory; the rest counts
#else
constexpr auto kEvery = 10s;
#endif

TEST(Endurance, ADayOfSamplesWithoutAServerLeavesMemoryFlat) {
  ::setenv("GPUSCALE_NVML_PATH", GPUSCALE_FAKE_NVML, 1);
  void* const image = ::dlopen(GPUSCALE_FAKE_NVML, RTLD_NOW);
  ASSERT_NE(image, nullptr);
  const auto call = [image](const char* name) { return ::dlsym(image, name); };
  reinterpret_cast<void (*)()>(call("fake_nvml_reset"))();
  const auto advance = reinterpret_cast<void (*)(std::uint64_t)>(call("fake_nvml_advance"));
  const auto slices = reinterpret_cast<void (*)(int)>(call("fake_nvml_slices"));
  const auto xid = reinterpret_cast<void (*)(int, std::uint64_t)>(call("fake_nvml_xid"));

  auto opened = gpu::nvml::NvmlSource::open(log::Log::silent());
  ASSERT_TRUE(opened) << opened.error().message();
  gpu::GpuSource& source = **opened;
  DeviceJudge judge;
  LineBuffer queue(500);  // full within two hours: the oldest go, as they would
  const NodeIdentity identity{"c", "p", "n"};
  WallTime now = base::from_unix_nanos(1'700'000'000'000'000'000);
  const WallTime end = now + 24h;
  const WallTime settled = now + 2h;
  std::size_t held = 0;
  for (std::int64_t tick = 0; now < end; ++tick) {
    now += kEvery;
    advance(static_cast<std::uint64_t>(std::chrono::microseconds(kEvery).count()));
    if (tick % 600 == 0) slices(tick % 1'200 == 0 ? 3 : 0);
    if (tick % 900 == 0) xid(1, 31 + static_cast<std::uint64_t>(tick / 900 % 3));
    auto readings = source.read(now);
    ASSERT_TRUE(readings) << readings.error().message();
    judge.judge(*readings);
    queue.push(gpu_lines(identity, *readings));
    if (held == 0 && now >= settled) held = ::mallinfo2().uordblks;
  }
  EXPECT_GT(queue.dropped(), 0U) << "the buffer must have been full";
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  constexpr std::size_t kNoise = 64U << 10U;  // lines of different lengths in the buffer
  EXPECT_LT(::mallinfo2().uordblks, held + kNoise) << "after two hours: " << held;
#endif
  opened->reset();
  ::unsetenv("GPUSCALE_NVML_PATH");
  ::dlclose(image);
}

}  // namespace
}  // namespace gpuscale::agent

// SPDX-License-Identifier: Apache-2.0
/// Any bytes as a cron text: must not crash, and the run that comes next is later and is then the last one.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "schedule/cron.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale::schedule;
  const auto cron = Cron::parse({reinterpret_cast<const char*>(data), size});
  if (!cron) return 0;
  const auto zone = Zone::named("Europe/Berlin");
  if (!zone) return 0;
  const gpuscale::WallTime now = gpuscale::base::from_unix_nanos(1'806'000'000'000'000'000);
  const auto next = next_run(*cron, *zone, now);
  if (next && (*next <= now || last_run(*cron, *zone, *next) != next)) std::abort();
  return 0;
}

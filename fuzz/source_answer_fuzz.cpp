// SPDX-License-Identifier: Apache-2.0
/// Any bytes as the answer of a Prometheus and of an InfluxDB: must not crash, samples ascend and are finite.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "datasource/influxdb_answer.h"
#include "datasource/prometheus_answer.h"

namespace {

using gpuscale::datasource::Series;

void check(const gpuscale::Result<std::vector<Series>>& answer) {
  if (!answer) {
    if (answer.error().message().empty()) std::abort();
    return;
  }
  for (const Series& series : *answer) {
    for (std::size_t i = 0; i < series.samples.size(); ++i) {
      if (i > 0 && series.samples[i].at < series.samples[i - 1].at) std::abort();
      if (series.samples[i].value && !std::isfinite(*series.samples[i].value)) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check(gpuscale::datasource::read_prometheus_answer(body));
  check(gpuscale::datasource::read_influxdb_answer(body));
  return 0;
}

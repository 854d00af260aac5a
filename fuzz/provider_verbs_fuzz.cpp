// SPDX-License-Identifier: Apache-2.0
/// Answers of users' scripts and services and of a container engine: whatever they say, an answer or an
/// error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pool/providers/docker/engine_answers.h"
#include "pool/providers/verbs/verbs.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale::pool;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)verbs::check_answer(text);
  (void)verbs::instances_of(text);
  (void)verbs::workload_of(text, NodeId("gpu-1"));
  (void)docker::containers_of(text, 8487);
  (void)docker::inspected_endpoint(text, 8487);
  (void)docker::outcome_of(500, text);
  return 0;
}

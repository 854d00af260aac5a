// SPDX-License-Identifier: Apache-2.0
#include "pool/decorators/call_meter.h"

namespace gpuscale::pool {

void CallMeter::count(const std::string& pool, std::string_view verb, double seconds, const Error* error) {
  const std::scoped_lock lock(mutex_);
  CallCounts& counts = counts_[{pool, std::string(verb)}];
  ++counts.calls;
  counts.seconds += seconds;
  if (error != nullptr) ++counts.errors[std::string(to_string(error->code()))];
}

std::map<std::pair<std::string, std::string>, CallCounts> CallMeter::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

template <typename Work>
auto MeteredProvider::measured(std::string_view verb, const Work& work) {
  const MonoTime begun = clock_.mono();
  auto result = work();
  const double seconds = std::chrono::duration<double>(clock_.mono() - begun).count();
  meter_.count(pool_, verb, seconds, result ? nullptr : &result.error());
  return result;
}

Result<void> MeteredProvider::launch(const NodeId& id) {
  return measured("launch", [&] { return inner_->launch(id); });
}
Result<std::vector<Instance>> MeteredProvider::list() {
  return measured("list", [&] { return inner_->list(); });
}
Result<void> MeteredProvider::drain(const NodeId& id) {
  return measured("drain", [&] { return inner_->drain(id); });
}
Result<void> MeteredProvider::undrain(const NodeId& id) {
  return measured("undrain", [&] { return inner_->undrain(id); });
}
Result<Workload> MeteredProvider::workload(const NodeId& id) {
  return measured("workload", [&] { return inner_->workload(id); });
}
Result<void> MeteredProvider::terminate(const NodeId& id) {
  return measured("terminate", [&] { return inner_->terminate(id); });
}

}  // namespace gpuscale::pool

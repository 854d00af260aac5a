// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head.h"

#include "tsdb/batch.h"

namespace gpuscale::tsdb {

bool Head::apply(std::string_view batch, const std::function<bool(PolicyId, SeriesId)>& alive) {
  BatchReader reader(batch);
  std::vector<RowBuffer*> touched;
  SeriesBuffers* series = nullptr;
  FieldId field = 0;
  CellValue value{};
  while (reader.next_row()) {
    RowBuffer* buffer = nullptr;
    if (alive(reader.policy(), reader.series())) {
      if (series == nullptr) series = &policies_[reader.policy()];
      // References into an unordered_map survive its growth.
      buffer = &(*series)[reader.series()];
      buffer->begin_row(reader.time_ns());
      bytes_ += sizeof(std::int64_t);
      if (touched.empty() || touched.back() != buffer) touched.push_back(buffer);
    }
    for (std::size_t i = 0; i < reader.fields() && reader.ok(); ++i) {
      if (!reader.next_cell(field, value)) break;
      if (buffer != nullptr) bytes_ += buffer->set(i, field, value);
    }
  }
  for (RowBuffer* buffer : touched) buffer->settle();
  return reader.ok();
}

const ColumnBlock* Head::find(PolicyId policy, SeriesId series) const {
  const auto p = policies_.find(policy);
  if (p == policies_.end()) return nullptr;
  const auto s = p->second.find(series);
  return s == p->second.end() ? nullptr : &s->second.block();
}

void Head::drop_series(SeriesId series) {
  for (auto& [policy, buffers] : policies_) buffers.erase(series);
}

void Head::clear() {
  policies_.clear();
  bytes_ = 0;
}

}  // namespace gpuscale::tsdb

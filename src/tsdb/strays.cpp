// SPDX-License-Identifier: Apache-2.0
#include "tsdb/strays.h"

#include "tsdb/tables.h"

namespace gpuscale::tsdb {

Result<BatchWriter> Strays::part(std::string_view batch, const HasPlace& has_place, const Apply& apply,
                                 std::size_t& placed) {
  BatchReader reader(batch);
  BatchWriter with_place(reader.policy());
  BatchWriter left(reader.policy());
  while (reader.next_row()) {
    const auto [known, is_new] = has_place_.try_emplace({reader.policy(), reader.series()}, false);
    if (is_new) known->second = has_place(reader.policy(), reader.series(), reader.shape());
    BatchWriter& to = known->second ? with_place : left;
    to.add_row(reader.series(), reader.time_ns(), reader.shape(), reader.cells());
  }
  if (!reader.ok()) return fail(Errc::kCorrupt, "a batch does not decode");
  placed = with_place.rows();
  if (placed > 0) GS_CHECK(apply(std::move(with_place).take()));
  rows_ += left.rows();
  return left;
}

Result<void> Strays::take_in(std::int64_t id, std::string_view batch, const HasPlace& has_place,
                             const Apply& apply) {
  std::size_t placed = 0;
  GS_TRY(BatchWriter left, part(batch, has_place, apply, placed));
  if (placed == 0) return {};
  taken_.push_back({id, left.rows() == 0 ? std::string() : std::move(left).take()});
  return {};
}

Result<void> Strays::sift(std::string_view batch, const HasPlace& has_place, const Apply& apply) {
  std::size_t placed = 0;
  GS_TRY(BatchWriter left, part(batch, has_place, apply, placed));
  if (left.rows() > 0) fresh_.push_back(std::move(left).take());
  return {};
}

Result<void> Strays::save(db::Transaction& transaction) const {
  for (const Taken& taken : taken_) {
    if (taken.rest.empty()) {
      GS_CHECK(tables::delete_strays(transaction, taken.id));
    } else {
      GS_CHECK(tables::save_strays(transaction, taken.id, taken.rest));
    }
  }
  for (const std::string& batch : fresh_) GS_CHECK(tables::save_strays(transaction, std::nullopt, batch));
  return {};
}

void Strays::saved() {
  has_place_.clear();
  taken_.clear();
  std::vector<std::string>().swap(fresh_);
}

}  // namespace gpuscale::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/batch.h"

#include <algorithm>

namespace gpuscale::tsdb {
namespace {

/// Shapes that are looked through for one that is not the last one's; beyond it a shape may be named twice.
constexpr std::size_t kShapesSearched = 16;
/// Room that is made ahead, since the first row promises more like it.
constexpr std::size_t kMostAhead = 64ULL << 10U;

}  // namespace

std::size_t BatchWriter::shape_number(std::span<const CellName> shape) const {
  const auto same = [shape](const std::vector<CellName>& known) {
    return std::equal(known.begin(), known.end(), shape.begin(), shape.end());
  };
  if (last_shape_ < shapes_.size() && same(shapes_[last_shape_])) return last_shape_;
  for (std::size_t i = 0; i < std::min(kShapesSearched, shapes_.size()); ++i) {
    if (same(shapes_[i])) return i;
  }
  return shapes_.size();
}

void BatchWriter::add_row(SeriesId series, std::int64_t time_ns, std::span<const CellName> shape,
                          std::span<const CellValue> cells) {
  last_shape_ = shape_number(shape);
  const bool fresh = last_shape_ == shapes_.size();
  put_row(series, time_ns, shape, cells, fresh);
  if (fresh) shapes_.emplace_back(shape.begin(), shape.end());
}

void BatchWriter::add_row_of_same_shape(SeriesId series, std::int64_t time_ns,
                                        std::span<const CellName> shape, std::span<const CellValue> cells) {
  put_row(series, time_ns, shape, cells, false);
}

void BatchWriter::put_row(SeriesId series, std::int64_t time_ns, std::span<const CellName> shape,
                          std::span<const CellValue> cells, bool fresh) {
  // Room for the longest form of each number; what is left over is cut off.
  std::size_t room = (3 + cells.size()) * kMostVarint;
  if (fresh) room += (1 + shape.size()) * kMostVarint;
  for (const CellValue& cell : cells) room += cell.text.size();
  const std::size_t before = bytes_.size();
  if (rows_ == 1) bytes_.reserve(std::min(before * expected_, kMostAhead) + room);
  bytes_.resize(before + room);
  char* at = bytes_.data() + before;
  at = put_signed(at, wrapping_sub(static_cast<std::int64_t>(series), static_cast<std::int64_t>(series_)));
  at = put_signed(at, wrapping_sub(time_ns, time_ns_));
  at = put_varint(at, last_shape_);
  if (fresh) {
    at = put_varint(at, shape.size());
    for (const CellName& name : shape)
      at = put_varint(at,
                      (static_cast<std::uint64_t>(name.field) << 2U) | static_cast<std::uint64_t>(name.type));
  }
  for (std::size_t i = 0; i < shape.size(); ++i) {
    switch (shape[i].type) {
      case FieldType::kFloat:
        at = put_fixed(at, cells[i].bits);
        break;
      case FieldType::kInteger:
        at = put_signed(at, static_cast<std::int64_t>(cells[i].bits));
        break;
      case FieldType::kBoolean:
        *at++ = static_cast<char>(cells[i].bits);
        break;
      case FieldType::kString:
        at = put_varint(at, cells[i].text.size());
        at += cells[i].text.copy(at, cells[i].text.size());
        break;
    }
  }
  bytes_.resize(static_cast<std::size_t>(at - bytes_.data()));
  series_ = series;
  time_ns_ = time_ns;
  ++rows_;
}

void BatchReader::open(std::string_view bytes) {
  reader_ = ByteReader(bytes);
  policy_ = static_cast<PolicyId>(reader_.varint());
  series_ = 0;
  time_ns_ = 0;
  names_.clear();
  shapes_.clear();
  good_ = true;
}

bool BatchReader::read_shape() {
  const std::uint64_t number = reader_.varint();
  if (number > shapes_.size()) return false;
  shape_ = number;
  if (number < shapes_.size()) return true;
  const std::uint64_t cells = reader_.varint();
  if (cells > reader_.left()) return false;
  shapes_.push_back({names_.size(), cells});
  for (std::uint64_t i = 0; i < cells; ++i) {
    const std::uint64_t name = reader_.varint();
    names_.push_back({static_cast<FieldId>(name >> 2U), static_cast<FieldType>(name & 3U)});
  }
  return reader_.ok();
}

bool BatchReader::next_row() {
  if (!ok() || reader_.at_end()) return false;
  series_ = static_cast<SeriesId>(wrapping_add(static_cast<std::int64_t>(series_), reader_.signed_varint()));
  time_ns_ = wrapping_add(time_ns_, reader_.signed_varint());
  if (!reader_.ok() || !read_shape()) {
    good_ = false;
    return false;
  }
  const std::span<const CellName> shape = this->shape();
  cells_.resize(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) {
    CellValue& value = cells_[i];
    value.text = {};
    switch (shape[i].type) {
      case FieldType::kFloat:
        value.bits = reader_.fixed();
        break;
      case FieldType::kInteger:
        value.bits = static_cast<std::uint64_t>(reader_.signed_varint());
        break;
      case FieldType::kBoolean:
        value.bits = reader_.byte() != 0 ? 1 : 0;
        break;
      case FieldType::kString:
        value.text = reader_.text();
        break;
    }
  }
  return reader_.ok();
}

}  // namespace gpuscale::tsdb

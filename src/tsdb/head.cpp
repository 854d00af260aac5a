// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head.h"

#include <algorithm>
#include <map>

#include "tsdb/batch.h"

namespace gpuscale::tsdb {

bool Head::apply(std::string_view batch, const std::function<bool(PolicyId)>& alive,
                 const std::function<MeasurementId(SeriesId)>& owner, Changes& changes) {
  BatchReader& reader = reader_;
  reader.open(batch);
  if (!alive(reader.policy())) return true;
  unsettled_.clear();
  const auto held = policies_.find(reader.policy());
  SeriesBuffers* series = held == policies_.end() ? nullptr : &held->second;
  SeriesId last = 0;
  SeriesBuffer* buffer = nullptr;
  MeasurementId spread_of = 0;
  RowSpread* spread = nullptr;
  while (reader.next_row()) {
    if (buffer == nullptr || reader.series() != last) {
      // What is held here exists: a series that is dropped is dropped here too.
      buffer = series == nullptr ? nullptr : series->find(reader.series());
      if (buffer == nullptr) {
        const MeasurementId measurement = owner(reader.series());
        if (measurement == 0) continue;
        if (series == nullptr) series = &policies_[reader.policy()];
        buffer = &series->of(reader.series());
        buffer->measurement = measurement;
      }
      last = reader.series();
    }
    bytes_ += series->add(*buffer, reader.time_ns(), reader.shape(), reader.cells(), arena_);
    if (!buffer->rows.is_settled() && (unsettled_.empty() || unsettled_.back() != &buffer->rows))
      unsettled_.push_back(&buffer->rows);
    changes.note({reader.policy(), buffer->measurement}, reader.time_ns());
    if (spread == nullptr || spread_of != buffer->measurement) {
      spread_of = buffer->measurement;
      constexpr TimeRange kNone{std::numeric_limits<std::int64_t>::max(),
                                std::numeric_limits<std::int64_t>::min()};
      spread = &spreads_.try_emplace({reader.policy(), spread_of}, RowSpread{kNone, 0}).first->second;
    }
    ++spread->rows;
    spread->range.min_ns = std::min(spread->range.min_ns, reader.time_ns());
    spread->range.max_ns = std::max(spread->range.max_ns, reader.time_ns());
  }
  for (RowBuffer* rows : unsettled_) rows->settle();
  return reader.ok();
}

const RowBuffer* Head::find(PolicyId policy, SeriesId series) const {
  const auto p = policies_.find(policy);
  if (p == policies_.end()) return nullptr;
  const SeriesBuffer* held = p->second.find(series);
  return held == nullptr ? nullptr : &held->rows;
}

std::int64_t Head::oldest(PolicyId policy) const {
  std::int64_t out = std::numeric_limits<std::int64_t>::max();
  const auto held = policies_.find(policy);
  if (held == policies_.end()) return out;
  for (const SeriesBuffer& buffer : held->second.all()) {
    if (const auto first = buffer.rows.first_time()) out = std::min(out, *first);
  }
  return out;
}

RowSpread Head::spread(const SegmentOwner& owner) const {
  const auto found = spreads_.find(owner);
  return found == spreads_.end() ? RowSpread() : found->second;
}

void Head::drop_series(SeriesId series) {
  for (auto& [policy, buffers] : policies_) buffers.drop(series);
}

namespace {

struct Member {
  SeriesId id;
  const RowBuffer* rows;
};

NewSegment seal_members(const SegmentOwner& owner, const std::vector<Member>& members,
                        std::int64_t generation) {
  NewSegment out(owner, 0, generation);
  DirectoryWriter directory;
  std::map<FieldId, FieldType> fields;
  for (const Member& member : members) {
    for (const RowBuffer* part = member.rows; part != nullptr; part = part->older()) {
      for (const CellName& name : part->fields()) fields.emplace(name.field, name.type);
    }
  }
  struct FieldStrip {
    FieldId field;
    FieldType type;
    StripWriter writer;
    std::size_t place = 0;
  };
  std::vector<FieldStrip> strips;
  for (const auto& [field, type] : fields) strips.push_back({field, type, StripWriter(type)});
  // Series by series, all fields of one at a time: its rows are near then, where field by field would fetch
  // the whole head from memory once for each.
  std::vector<std::int64_t> axis;
  Column column;
  for (const Member& member : members) {
    axis.clear();
    member.rows->times(axis);
    directory.add(member.id, axis);
    for (FieldStrip& strip : strips) {
      reset(column, strip.type);
      member.rows->collect(strip.field, {}, column, strip.place);
      strip.writer.add(axis, column);
    }
  }
  out.directory = std::move(directory).take();
  for (FieldStrip& strip : strips) {
    if (strip.writer.empty()) continue;
    out.pieces.push_back({strip.field, std::move(strip.writer).take(), ""});
    out.note(out.pieces.back());
  }
  return out;
}

}  // namespace

std::vector<NewSegment> seal(const Head& head, std::int64_t generation) {
  std::map<SegmentOwner, std::vector<Member>> owners;
  for (const auto& [policy, buffers] : head.policies()) {
    for (const SeriesBuffer& buffer : buffers.all()) {
      if (buffer.series != 0) owners[{policy, buffer.measurement}].push_back({buffer.series, &buffer.rows});
    }
  }
  std::vector<NewSegment> out;
  for (auto& [owner, members] : owners) {
    std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.id < b.id; });
    out.push_back(seal_members(owner, members, generation));
  }
  return out;
}

}  // namespace gpuscale::tsdb

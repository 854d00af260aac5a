// SPDX-License-Identifier: Apache-2.0
#include "tsdb/rebuild.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "tsdb/sample_columns.h"
#include "tsdb/totals_codec.h"

namespace gpuscale::tsdb {
namespace {

using Times = std::shared_ptr<const std::vector<std::int64_t>>;

/// A source with the times decoded last: series of one moment share them.
class Source {
 public:
  explicit Source(std::shared_ptr<const Segment> segment) : segment_(std::move(segment)) {}

  const Segment& segment() const { return *segment_; }
  std::size_t find(SeriesId id) { return segment_->find(id, hint_); }
  Result<Times> times(std::size_t position) {
    const std::size_t axis = segment_->axis_of(position);
    if (times_ && axis == axis_) return times_;
    GS_TRY(std::vector<std::int64_t> decoded, segment_->times(axis));
    times_ = std::make_shared<const std::vector<std::int64_t>>(std::move(decoded));
    axis_ = axis;
    return times_;
  }

 private:
  std::shared_ptr<const Segment> segment_;
  std::size_t hint_ = 0;
  std::size_t axis_ = 0;
  Times times_;
};

/// Milliseconds of work: a head fills within a tenth of a second where a history is loaded.
constexpr std::size_t kRowsBetween = 100'000;

struct SourcePart {
  std::size_t source;
  std::size_t position;
};
struct Joined {
  SeriesId id;
  std::vector<SourcePart> parts;
  Times axis;
};

class Rebuild {
 public:
  explicit Rebuild(const RebuildRequest& request) : request_(request) {
    for (const auto& segment : request.sources) sources_.emplace_back(segment);
  }

  Result<std::optional<NewSegment>> run() {
    GS_CHECK(gather_members());
    if (members_.empty()) return std::optional<NewSegment>();
    GS_CHECK(all_fields_are_known());
    NewSegment out(request_.sources.front()->label().owner, request_.level, request_.generation);
    DirectoryWriter directory;
    for (const Joined& member : members_) directory.add(member.id, *member.axis);
    out.directory = std::move(directory).take();
    const Extent extent = extent_of_members();
    for (const auto& [field, type] : request_.fields) {
      TotalsBuilder totals(type, extent.range, extent.rows);
      SegmentPiece piece{field, "", ""};
      GS_TRY(piece.strip, strip_of(field, type, totals));
      if (piece.strip.empty()) continue;
      if (const auto made = std::move(totals).take(request_.samples_of_a_slot))
        piece.totals = encode_totals(*made, {field, trailing_checksum(out.directory)});
      out.note(piece);
      GS_CHECK(request_.put(std::move(piece)));
      after_rows(kRowsBetween);
    }
    return std::optional<NewSegment>(std::move(out));
  }

 private:
  /// Fields go with their measurement alone: one that is not known is one whose definition is damaged.
  Result<void> all_fields_are_known() const {
    const auto known = [this](FieldId field) {
      return std::ranges::binary_search(request_.fields, field, {}, &std::pair<FieldId, FieldType>::first);
    };
    for (const Source& source : sources_) {
      const Segment::Label& label = source.segment().label();
      if (!label.fields) continue;
      const auto unknown = std::find_if_not(label.fields->begin(), label.fields->end(), known);
      if (unknown == label.fields->end()) continue;
      return fail(Errc::kCorrupt, "segment " + std::to_string(label.id) + " holds field " +
                                      std::to_string(*unknown) + ", which its measurement does not have");
    }
    return {};
  }

  Result<void> gather_members() {
    std::set<SeriesId> ids;
    for (const Source& source : sources_) {
      for (const SeriesId id : source.segment().series()) {
        if (request_.alive(id)) ids.insert(id);
      }
    }
    for (const SeriesId id : ids) {
      Joined member{id, {}, nullptr};
      std::vector<std::int64_t> times;
      for (std::size_t s = 0; s < sources_.size(); ++s) {
        const std::size_t position = sources_[s].find(id);
        if (position == Segment::kNone) continue;
        member.parts.push_back({s, position});
        GS_TRY(const Times part, sources_[s].times(position));
        if (times.empty() || times.back() < part->front()) {
          times.insert(times.end(), part->begin(), part->end());
        } else {
          std::vector<std::int64_t> both;
          std::set_union(times.begin(), times.end(), part->begin(), part->end(), std::back_inserter(both));
          times = std::move(both);
        }
      }
      if (request_.cut && request_.cut->series.contains(id)) {
        const RowRange gone = rows_in(times, request_.cut->range);
        times.erase(times.begin() + static_cast<std::ptrdiff_t>(gone.begin),
                    times.begin() + static_cast<std::ptrdiff_t>(gone.end));
      }
      if (times.empty()) continue;
      const bool as_before = !members_.empty() && *members_.back().axis == times;
      member.axis = as_before ? members_.back().axis
                              : std::make_shared<const std::vector<std::int64_t>>(std::move(times));
      members_.push_back(std::move(member));
    }
    return {};
  }

  struct Extent {
    TimeRange range;
    std::size_t rows = 0;
  };
  Extent extent_of_members() const {
    Extent out{{members_.front().axis->front(), members_.front().axis->back()}, 0};
    for (const Joined& member : members_) {
      out.range.min_ns = std::min(out.range.min_ns, member.axis->front());
      out.range.max_ns = std::max(out.range.max_ns, member.axis->back());
      out.rows += member.axis->size();
    }
    return out;
  }

  /// Empty where no member has a value of the field. What it writes it adds to `totals`.
  Result<std::string> strip_of(FieldId field, FieldType type, TotalsBuilder& totals) {
    std::vector<std::shared_ptr<const Strip>> strips;
    for (const Source& source : sources_) {
      GS_TRY(strips.emplace_back(), request_.strip(source.segment(), field, type));
    }
    StripWriter writer(type);
    Column whole;
    Column piece;
    for (const Joined& member : members_) {
      reset(whole, type);
      for (const SourcePart& part : member.parts) {
        const Strip* strip = strips[part.source].get();
        if (strip == nullptr || strip->chunk(part.position).empty()) continue;
        GS_TRY(const Times times, sources_[part.source].times(part.position));
        piece.type = type;
        GS_CHECK(decode_chunk(strip->chunk(part.position), *times, piece));
        join(whole, piece);
      }
      if (request_.cut && request_.cut->series.contains(member.id)) cut_out(whole, request_.cut->range);
      writer.add(*member.axis, whole);
      totals.add(whole);
      after_rows(member.axis->size());
    }
    return writer.empty() ? std::string() : std::move(writer).take();
  }

  void after_rows(std::size_t rows) {
    rows_ += rows;
    if (rows_ < kRowsBetween) return;
    rows_ = 0;
    request_.meanwhile();
  }

  const RebuildRequest& request_;
  std::size_t rows_ = 0;  ///< since others had their turn
  std::vector<Source> sources_;
  std::vector<Joined> members_;
};

}  // namespace

Result<std::optional<NewSegment>> rebuild(const RebuildRequest& request) {
  return Rebuild(request).run();
}

}  // namespace gpuscale::tsdb

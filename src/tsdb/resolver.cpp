// SPDX-License-Identifier: Apache-2.0
#include "tsdb/resolver.h"

#include <algorithm>
#include <bit>

#include "base/same_bytes.h"

namespace gpuscale::tsdb {
namespace {

constexpr std::string_view kTimeName = "time";

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

CellValue cell_of(const metrics::FieldView& field) {
  switch (static_cast<FieldType>(field.value.index())) {
    case FieldType::kFloat:
      return {std::bit_cast<std::uint64_t>(std::get<double>(field.value)), {}};
    case FieldType::kInteger:
      return {static_cast<std::uint64_t>(std::get<std::int64_t>(field.value)), {}};
    case FieldType::kBoolean:
      return {std::get<bool>(field.value) ? 1U : 0U, {}};
    case FieldType::kString:
      break;
  }
  return {0, std::get<std::string_view>(field.value)};
}

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && base::same_bytes(a.data(), b.data(), a.size());
}

/// One pass over the points of one request. `definer` is null where nothing may be made.
class Resolver {
 public:
  Resolver(const Catalogue& catalogue, Catalogue* definer, const ResolveRequest& request,
           const StoreLimits& limits)
      : catalogue_(catalogue), definer_(definer), request_(request), limits_(limits) {}

  Result<std::optional<ResolvedBatch>> run() {
    database_ = catalogue_.find_database(request_.database);
    if (database_ == nullptr) {
      return fail(Errc::kNotFound, "database not found: " + quoted(request_.database));
    }
    const PolicyDef* policy = database_->find_policy(request_.policy);
    if (policy == nullptr) {
      const std::string_view wanted = request_.policy.empty() ? database_->default_policy : request_.policy;
      return fail(Errc::kNotFound, "retention policy not found: " + std::string(wanted));
    }
    const std::int64_t duration = policy->policy.duration.count();
    const std::int64_t oldest =
        duration > 0 ? request_.now_ns - duration : std::numeric_limits<std::int64_t>::min();
    policy_ = policy->id;
    BatchWriter writer(policy_, request_.points.size());
    for (const metrics::PointView& point : request_.points) {
      keys_known_ = keys_known_ && point.same_keys;
      if (point.time_ns < oldest) {
        drop("points beyond retention policy");
        continue;
      }
      if (!add(point, writer)) return std::optional<ResolvedBatch>();
    }
    batch_.outcome.written = writer.rows();
    if (writer.rows() > 0) batch_.bytes = std::move(writer).take();
    return std::optional<ResolvedBatch>(std::move(batch_));
  }

 private:
  void drop(std::string reason) {
    if (batch_.outcome.dropped++ == 0) batch_.outcome.first_reason = std::move(reason);
  }

  /// False where something is missing that may not be made here.
  bool add(const metrics::PointView& point, BatchWriter& writer) {
    if (measurement_ == nullptr || !same_text(measurement_->name, point.measurement)) {
      const auto it = database_->measurements.find(point.measurement);
      measurement_ = it == database_->measurements.end() ? nullptr : it->second.get();
      shape_.clear();
      keys_known_ = false;
    }
    const SeriesId* const known = find_series(point);
    if (known != nullptr && keys_known_ && take_values(point)) {
      writer.add_row_of_same_shape(*known, point.time_ns, cells_, values_);
      return true;
    }
    keys_known_ = false;
    // Those of a known series were looked at when it was made, by the limits of then.
    if (known == nullptr && !tags_are_good(point)) return true;
    if (!fields_are_good(point)) return true;
    if (measurement_ == nullptr && definer_ == nullptr) return false;
    switch (types_match(point)) {
      case Match::kConflict:
        return true;
      case Match::kUnknown:
        if (definer_ == nullptr) return false;
        if (!has_room_for_fields()) return true;
        break;
      case Match::kYes:
        break;
    }
    if (known == nullptr && definer_ == nullptr) return false;
    SeriesId series = 0;
    if (known != nullptr) {
      series = *known;
    } else if (database_->series_count >= limits_.max_series_per_database) {
      drop("max-series-per-database limit exceeded: (" + std::to_string(limits_.max_series_per_database) +
           ")");
      return true;
    } else {
      if (measurement_ == nullptr) measurement_ = &definer_->make_measurement(*database_, point.measurement);
      series = definer_->make_series(*database_, *measurement_, point.tags);
    }
    write_row(series, point, writer);
    return true;
  }

  const SeriesId* find_series(const metrics::PointView& point) const {
    if (measurement_ == nullptr) return nullptr;
    std::string made;
    std::string_view text = point.tag_text;
    if (text.empty() && !point.tags.empty()) text = made = index_text(point.tags);
    return measurement_->series.find(text, hash_text(text));
  }

  /// The values of a point that has the keys of the row written last; false where it has other types.
  bool take_values(const metrics::PointView& point) {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const metrics::FieldView& field = point.fields[i];
      if (static_cast<FieldType>(field.value.index()) != cells_[i].type) return false;
      values_[i] = cell_of(field);
    }
    return true;
  }

  bool tags_are_good(const metrics::PointView& point) {
    for (const metrics::TagView& tag : point.tags) {
      if (tag.key == kTimeName) {
        drop("invalid tag key: input tag \"time\" on measurement " + quoted(point.measurement) +
             " is invalid");
        return false;
      }
      if (tag.value.size() > limits_.max_tag_value_bytes) {
        drop("tag value too long: input tag " + quoted(tag.key) + " on measurement " +
             quoted(point.measurement) + " has " + std::to_string(tag.value.size()) +
             " bytes, the limit is " + std::to_string(limits_.max_tag_value_bytes));
        return false;
      }
    }
    return true;
  }

  bool fields_are_good(const metrics::PointView& point) {
    for (const metrics::FieldView& field : point.fields) {
      if (field.key != kTimeName) return true;
    }
    drop("invalid field name: input field \"time\" on measurement " + quoted(point.measurement) +
         " is invalid");
    return false;
  }

  enum class Match { kYes, kUnknown, kConflict };

  /// Fills shape_ with the definition of each field of the point (null: none yet). Most points look like the
  /// one before them, so its shape is tried first.
  Match types_match(const metrics::PointView& point) {
    shape_.resize(point.fields.size(), nullptr);
    Match match = Match::kYes;
    for (std::size_t i = 0; i < point.fields.size(); ++i) {
      const metrics::FieldView& field = point.fields[i];
      const FieldDef*& definition = shape_[i];
      if (definition == nullptr || !same_text(definition->key, field.key)) definition = find_field(field.key);
      if (definition == nullptr) {
        if (field.key != kTimeName) match = Match::kUnknown;
        continue;
      }
      const auto type = static_cast<FieldType>(field.value.index());
      if (definition->type == type) continue;
      drop("field type conflict: input field " + quoted(field.key) + " on measurement " +
           quoted(point.measurement) + " is type " + std::string(metrics::to_string(type)) +
           ", already exists as type " + std::string(metrics::to_string(definition->type)));
      return Match::kConflict;
    }
    return match;
  }

  /// For those of the point that are new.
  bool has_room_for_fields() {
    const std::size_t known = measurement_ == nullptr ? 0 : measurement_->fields_of(policy_).size();
    const auto fresh = static_cast<std::size_t>(std::count(shape_.begin(), shape_.end(), nullptr));
    if (known + fresh <= limits_.max_fields_per_measurement) return true;
    drop("max-fields-per-measurement limit exceeded: (" + std::to_string(limits_.max_fields_per_measurement) +
         ")");
    return false;
  }

  const FieldDef* find_field(std::string_view key) const {
    return measurement_ == nullptr ? nullptr : measurement_->find_field(policy_, key);
  }

  void write_row(SeriesId series, const metrics::PointView& point, BatchWriter& writer) {
    cells_.clear();
    values_.clear();
    cells_.reserve(point.fields.size());
    values_.reserve(point.fields.size());
    for (std::size_t i = 0; i < point.fields.size(); ++i) {
      const metrics::FieldView& field = point.fields[i];
      if (field.key == kTimeName) continue;
      const auto type = static_cast<FieldType>(field.value.index());
      if (shape_[i] == nullptr) shape_[i] = find_field(field.key);
      if (shape_[i] == nullptr) shape_[i] = &definer_->make_field(*measurement_, policy_, field.key, type);
      // A line may name one new field twice with two types: the first one stands.
      if (shape_[i]->type != type) continue;
      cells_.push_back({shape_[i]->id, type});
      values_.push_back(cell_of(field));
    }
    writer.add_row(series, point.time_ns, cells_, values_);
    // Where a field was left out the cells are not those of the keys.
    keys_known_ = cells_.size() == point.fields.size();
  }

  const Catalogue& catalogue_;
  Catalogue* definer_;
  const ResolveRequest& request_;
  const StoreLimits& limits_;
  DatabaseDef* database_ = nullptr;
  PolicyId policy_ = 0;
  MeasurementDef* measurement_ = nullptr;
  std::vector<const FieldDef*> shape_;
  std::vector<CellName> cells_;
  std::vector<CellValue> values_;
  /// Whether the fields of the point before this one were those of `cells_`, which were written last.
  bool keys_known_ = false;
  ResolvedBatch batch_;
};

}  // namespace

Result<std::optional<ResolvedBatch>> resolve_known(const Catalogue& catalogue, const ResolveRequest& request,
                                                   const StoreLimits& limits) {
  return Resolver(catalogue, nullptr, request, limits).run();
}

Result<ResolvedBatch> resolve_and_define(Catalogue& catalogue, const ResolveRequest& request,
                                         const StoreLimits& limits) {
  GS_TRY(auto batch, Resolver(catalogue, &catalogue, request, limits).run());
  return std::move(*batch);
}

}  // namespace gpuscale::tsdb

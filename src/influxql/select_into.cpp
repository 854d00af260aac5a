// SPDX-License-Identifier: Apache-2.0
#include "influxql/select_into.h"

#include <algorithm>
#include <cmath>

#include "influxql/execute.h"

namespace gpuscale::influxql {

namespace {

constexpr std::size_t kBatch = 5'000;

/// Collects points and writes them by the batch.
class IntoWriter {
 public:
  IntoWriter(Run& run, std::string database, std::string policy)
      : run_(run), database_(std::move(database)), policy_(std::move(policy)) {}

  Result<void> add(std::string_view measurement, std::int64_t time, std::vector<metrics::TagView> tags,
                   std::vector<metrics::FieldView> fields) {
    if (fields.empty()) return {};
    std::sort(tags.begin(), tags.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    tags_.push_back(std::move(tags));
    fields_.push_back(std::move(fields));
    points_.push_back({measurement, tags_.back(), fields_.back(), time});
    return points_.size() >= kBatch ? flush() : Result<void>();
  }
  Result<void> flush() {
    if (points_.empty()) return {};
    GS_CHECK(run_.check());
    GS_TRY(const tsdb::WriteOutcome outcome, run_.store().write(database_, policy_, points_));
    if (outcome.dropped > 0) {
      return fail(Errc::kInvalidArgument,
                  "partial write: " + outcome.first_reason + " dropped=" + std::to_string(outcome.dropped));
    }
    written_ += points_.size();
    points_.clear();
    tags_.clear();
    fields_.clear();
    return {};
  }
  std::size_t written() const { return written_; }

 private:
  Run& run_;
  std::string database_;
  std::string policy_;
  std::deque<std::vector<metrics::TagView>> tags_;
  std::deque<std::vector<metrics::FieldView>> fields_;
  std::vector<metrics::PointView> points_;
  std::size_t written_ = 0;
};

/// Columns that top() and bottom() add for their tags.
std::vector<bool> tag_columns(const PreparedSelect& select) {
  std::vector<bool> out;
  std::size_t extra = 0;
  for (const Field& field : select.statement.fields) {
    out.push_back(extra > 0);
    if (extra > 0) --extra;
    const auto* call = as<Call>(field.expr);
    if (call != nullptr && (call->name == "top" || call->name == "bottom")) extra = call->args.size() - 2;
  }
  return out;
}

void add_field(std::vector<metrics::FieldView>& fields, const std::string& key, const Value& value) {
  const auto* number = std::get_if<double>(&value);
  if (number != nullptr && std::isfinite(*number)) fields.push_back({key, *number});
  if (const auto* integer = std::get_if<std::int64_t>(&value)) fields.push_back({key, *integer});
  if (const auto* flag = std::get_if<bool>(&value)) fields.push_back({key, *flag});
  if (const auto* text = std::get_if<std::string_view>(&value)) fields.push_back({key, *text});
}

}  // namespace

Result<std::vector<Row>> write_into(Run& run, const PreparedSelect& select, const SelectRows& result) {
  const Measurement& target = *select.statement.target;
  GS_TRY(const std::string database, database_of(run, target.database, true));
  const std::string policy =
      target.policy.empty() && target.database.empty() ? run.context().policy : target.policy;
  const std::vector<bool> as_tag = tag_columns(select);
  IntoWriter writer(run, database, policy);
  for (const auto& [key, series] : result.rows) {
    const std::string_view measurement =
        target.name.empty() ? std::string_view(key.name) : std::string_view(target.name);
    for (std::size_t r = 0; r < series.times.size(); ++r) {
      std::vector<metrics::TagView> tags;
      std::vector<metrics::FieldView> fields;
      for (std::size_t i = 0; i < result.dimensions.size(); ++i) {
        if (!key.tags[i].empty()) tags.push_back({result.dimensions[i], key.tags[i]});
      }
      for (std::size_t c = 0; c < series.cells.size(); ++c) {
        const Value& value = series.cells[c][r];
        const auto* text = std::get_if<std::string_view>(&value);
        if (as_tag[c] && text != nullptr) {
          tags.push_back({select.columns[c + 1], *text});
        } else {
          add_field(fields, select.columns[c + 1], value);
        }
      }
      GS_CHECK(writer.add(measurement, series.times[r], std::move(tags), std::move(fields)));
    }
  }
  GS_CHECK(writer.flush());
  Row row;
  row.name = "result";
  row.columns = {"time", "written"};
  row.values.push_back({Cell(WallTime{}), Cell(static_cast<std::int64_t>(writer.written()))});
  std::vector<Row> out;
  out.push_back(std::move(row));
  return out;
}

}  // namespace gpuscale::influxql

// SPDX-License-Identifier: Apache-2.0
/// Private to the room: functions that make one value (or a few) of the samples of a bucket. Pure.
/// Source: InfluxDB 1.6.7, observed, ties included.
#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "influxql/ast.h"
#include "influxql/rows.h"
#include "influxql/window.h"

namespace gpuscale::influxql {

/// count, sum, mean, min, max, first, last, spread over samples that arrive in any order, bucket by bucket,
/// in memory that does not grow with the samples.
class StreamingAggregate {
 public:
  static bool knows(std::string_view function);

  StreamingAggregate(std::string_view function, const TimeFrame& frame)
      : kind_(kind_of(function)), frame_(frame) {}

  /// Times of `rows` ascend or descend; cell column 0 is the value, the others are carried along.
  void add(const SeriesRows& rows);
  std::size_t buckets() const { return buckets_.size(); }
  /// In the order of the frame. A point's time is its own for selectors, else the bucket's start.
  Points finish() const;

 private:
  enum class Kind { kCount, kSum, kMean, kMin, kMax, kFirst, kLast, kSpread };
  struct Bucket {
    std::int64_t count = 0;
    double sum = 0;
    std::int64_t integer_sum = 0;
    std::int64_t time = 0;
    Value value;                   // the chosen one; the least for spread
    Value most;                    // spread only
    std::int64_t earliest = 0;     // min and max only: when the sample was that a real server sees first,
    bool begins_with_nan = false;  // and whether it was no number: then nothing is greater or less
    std::vector<Value> aux;
  };
  static Kind kind_of(std::string_view function);
  bool better(const Bucket& bucket, std::int64_t time, const Value& value) const;
  void put(Bucket& bucket, const SeriesRows& rows, std::size_t row) const;
  void note_earliest(Bucket& bucket, std::int64_t time, bool nan, bool first) const;
  Value result(const Bucket& bucket) const;

  Kind kind_;
  TimeFrame frame_;
  std::map<std::int64_t, Bucket> buckets_;
};

/// A sample of a bucket, for functions that need all of them.
struct BucketPoint {
  std::int64_t time;
  Value value;
  std::size_t index;  ///< in the input
};

/// median, mode, stddev, percentile, distinct, top, bottom, sample: what comes out of one bucket, in the
/// order of the frame. `own_time` of an output says whether it keeps its sample's time.
struct BucketResult {
  std::int64_t time;
  bool own_time;
  Value value;
  std::size_t index;
};
/// @param points in the order of the frame. @param parameter of percentile, top, bottom and sample.
std::vector<BucketResult> reduce_bucket(std::string_view function, std::vector<BucketPoint> points,
                                        double parameter);

/// min, max, ... the type of what a function makes of values of this type.
DataType result_type(const Call& call, DataType argument);

/// Orders values of one type; false for values of different types.
bool value_less(const Value& a, const Value& b);

}  // namespace gpuscale::influxql

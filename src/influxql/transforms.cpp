// SPDX-License-Identifier: Apache-2.0
#include "influxql/transforms.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <optional>

#include "influxql/wrapping.h"

namespace gpuscale::influxql {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

Value minus(const Value& a, const Value& b) {
  const auto* x = std::get_if<std::int64_t>(&a);
  const auto* y = std::get_if<std::int64_t>(&b);
  if (x != nullptr && y != nullptr) return wrap_sub(*x, *y);
  return number_or_zero(a) - number_or_zero(b);
}

std::int64_t unit_of(const Call& call, std::int64_t otherwise) {
  if (call.args.size() > 1) {
    if (const auto* unit = as<DurationLiteral>(call.args[1])) return unit->ns;
  }
  return otherwise;
}

void push(Points& out, std::int64_t time, Value value) {
  out.times.push_back(time);
  out.values.push_back(value);
}

/// Calls `step(previous, current)` for neighbours that are not null and whose times differ.
template <typename Step>
void pairs(const Points& in, Step&& step) {
  std::optional<std::size_t> previous;
  for (std::size_t i = 0; i < in.times.size(); ++i) {
    if (is_null(in.values[i])) continue;
    if (previous && in.times[*previous] == in.times[i]) continue;
    if (previous) step(*previous, i);
    previous = i;
  }
}

Points derivative(const Call& call, const Points& in, const TimeFrame& frame, bool non_negative) {
  const std::int64_t unit = unit_of(call, frame.bucketed() ? frame.interval.every_ns : kSecond);
  Points out;
  pairs(in, [&](std::size_t a, std::size_t b) {
    const double diff = number_or_zero(minus(in.values[b], in.values[a]));
    std::int64_t elapsed = wrap_sub(in.times[b], in.times[a]);
    if (!frame.ascending) elapsed = -elapsed;
    const double value =
        elapsed > 0 ? diff / (static_cast<double>(elapsed) / static_cast<double>(unit)) : 0.0;
    if (!non_negative || !(diff < 0)) push(out, in.times[b], value);
  });
  return out;
}

Points difference(const Points& in, bool non_negative) {
  Points out;
  pairs(in, [&](std::size_t a, std::size_t b) {
    const Value value = minus(in.values[b], in.values[a]);
    if (!non_negative || !(number_or_zero(value) < 0)) push(out, in.times[b], value);
  });
  return out;
}

Points elapsed(const Call& call, const Points& in) {
  const std::int64_t unit = unit_of(call, 1);
  Points out;
  std::optional<std::int64_t> previous;
  for (std::size_t i = 0; i < in.times.size(); ++i) {
    if (is_null(in.values[i])) continue;
    if (previous) push(out, in.times[i], wrap_sub(in.times[i], *previous) / unit);
    previous = in.times[i];
  }
  return out;
}

Points moving_average(const Call& call, const Points& in) {
  const auto* literal = as<std::int64_t>(call.args.at(1));
  const auto size = static_cast<std::size_t>(literal == nullptr ? 2 : *literal);
  Points out;
  std::deque<Value> window;
  double sum = 0;
  std::int64_t integer_sum = 0;
  const auto count = [&](const Value& value, int sign) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      integer_sum += sign * *integer;
    } else {
      sum += sign * number_or_zero(value);
    }
  };
  for (std::size_t i = 0; i < in.times.size(); ++i) {
    if (is_null(in.values[i])) continue;
    if (window.size() == size) {
      count(window.front(), -1);
      window.pop_front();
    }
    window.push_back(in.values[i]);
    count(in.values[i], 1);
    if (window.size() == size) {
      const bool integer = std::holds_alternative<std::int64_t>(in.values[i]);
      push(out, in.times[i], (integer ? static_cast<double>(integer_sum) : sum) / static_cast<double>(size));
    }
  }
  return out;
}

Points cumulative_sum(const Points& in) {
  Points out;
  double sum = 0;
  std::uint64_t integer_sum = 0;
  for (std::size_t i = 0; i < in.times.size(); ++i) {
    if (is_null(in.values[i])) continue;
    if (const auto* integer = std::get_if<std::int64_t>(&in.values[i])) {
      integer_sum += static_cast<std::uint64_t>(*integer);
      push(out, in.times[i], static_cast<std::int64_t>(integer_sum));
    } else {
      sum += number_or_zero(in.values[i]);
      push(out, in.times[i], sum);
    }
  }
  return out;
}

double line(std::int64_t at, std::int64_t t0, std::int64_t t1, double v0, double v1) {
  const double slope = (v1 - v0) / static_cast<double>(t1 - t0);
  return slope * static_cast<double>(at - t0) + v0;
}

/// Walks the buckets of a frame in its order.
class BucketWalk {
 public:
  BucketWalk(const TimeFrame& frame, std::int64_t first_point) : frame_(frame) {
    const std::int64_t at_min = frame.window(frame.min).start;
    const std::int64_t at_max = frame.window(frame.max).start;
    at_ = frame.ascending ? at_min : at_max;
    last_ = frame.ascending ? at_max : at_min;
    if (frame.ascending && frame.min == kMinTime) at_ = frame.window(first_point).start;
    if (!frame.ascending && frame.min == kMinTime) last_ = kMinTime;
    if (!frame_.zone.utc()) offset_ = frame_.zone.offset_at(at_);
  }
  std::int64_t at() const { return at_; }
  bool inside() const { return frame_.ascending ? at_ <= last_ : at_ >= last_ && last_ != kMinTime; }
  void next() {
    const std::int64_t every = frame_.interval.every_ns;
    if (__builtin_add_overflow(at_, frame_.ascending ? every : -every, &at_))
      last_ = frame_.ascending ? kMinTime : kMaxTime;
    if (frame_.zone.utc()) return;
    const std::int64_t offset = frame_.zone.offset_at(at_ - 1);
    if (offset == offset_) return;
    const std::int64_t change = offset_ - offset;
    if (std::abs(change) < every) at_ += change;
    offset_ = offset;
  }

 private:
  TimeFrame frame_;
  std::int64_t at_ = 0;
  std::int64_t last_ = 0;
  std::int64_t offset_ = 0;
};

Value interpolate(const Points& in, std::size_t before, std::size_t after, std::int64_t at,
                  std::int64_t every) {
  const Value& a = in.values[before];
  const Value& b = in.values[after];
  if (is_null(a) || is_null(b)) return {};
  const auto* x = std::get_if<std::int64_t>(&a);
  const auto* y = std::get_if<std::int64_t>(&b);
  const bool integers = x != nullptr && y != nullptr;
  if (!integers && !std::holds_alternative<double>(a)) return {};
  const double value = line(at / every, in.times[before] / every, in.times[after] / every, number_or_zero(a),
                            number_or_zero(b));
  return integers ? Value(static_cast<std::int64_t>(value)) : Value(value);
}

}  // namespace

bool is_transformation(std::string_view function) {
  return function.ends_with("derivative") || function.ends_with("difference") ||
         function == "cumulative_sum" || function == "moving_average" || function == "elapsed";
}

bool is_indicator(std::string_view function) {
  constexpr std::array<std::string_view, 8> kIndicators = {
      "exponential_moving_average",        "double_exponential_moving_average",
      "triple_exponential_moving_average", "triple_exponential_derivative",
      "relative_strength_index",           "chande_momentum_oscillator",
      "kaufmans_efficiency_ratio",         "kaufmans_adaptive_moving_average"};
  return std::find(kIndicators.begin(), kIndicators.end(), function) != kIndicators.end();
}

bool is_unoffered(std::string_view function) {
  return function.starts_with("holt_winters") || is_indicator(function);
}

std::int64_t buckets_before(const Call& call) {
  // Observed: one, also for a moving average over more.
  return call.name == "cumulative_sum" ? 0 : 1;
}

Points transform(const Call& call, const Points& in, const TimeFrame& frame) {
  if (call.name.ends_with("derivative"))
    return derivative(call, in, frame, call.name.starts_with("non_negative"));
  if (call.name.ends_with("difference")) return difference(in, call.name.starts_with("non_negative"));
  if (call.name == "moving_average") return moving_average(call, in);
  if (call.name == "elapsed") return elapsed(call, in);
  return cumulative_sum(in);
}

Points integrate(const Call& call, const Points& in, const TimeFrame& frame) {
  const auto unit = static_cast<double>(unit_of(call, kSecond));
  Points out;
  double sum = 0;
  std::optional<std::int64_t> time;
  double value = 0;
  Window window{};
  const auto bucket_of = [&](std::int64_t t) {
    const Window w = frame.window(t);
    return frame.ascending ? w : Window{w.end, w.start};
  };
  for (std::size_t i = 0; i < in.times.size(); ++i) {
    const std::int64_t t = in.times[i];
    const double v = number_or_zero(in.values[i]);
    if (!time) {
      window = bucket_of(t);
    } else if (*time == t) {
      value = v;
      continue;
    } else if (frame.bucketed() && (frame.ascending ? t >= window.end : t <= window.end)) {
      if (*time != window.end) {
        const double at_end = line(window.end, *time, t, value, v);
        sum += 0.5 * (at_end + value) * (static_cast<double>(window.end - *time) / unit);
        value = at_end;
        time = window.end;
      }
      push(out, window.start, sum);
      window = bucket_of(t);
      sum = 0;
    }
    if (time) sum += 0.5 * (v + value) * (static_cast<double>(t - *time) / unit);
    time = t;
    value = v;
  }
  // Without buckets, 1.6.7 gives the integral of floats the time 0 and that of integers where a range begins.
  const bool integers = !in.values.empty() && std::holds_alternative<std::int64_t>(in.values.front());
  const bool placed = frame.bucketed() || (integers && window.start != kMinTime);
  const std::int64_t start = placed ? window.start : 0;
  // No area lies in a bucket that its last point only begins: 1.6.7 leaves it out.
  if (time && *time != start) push(out, start, sum);
  return out;
}

Value fill_as(const FillValue& value, DataType type) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  const double number = integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
  if (type == DataType::kFloat) return number;
  if (type == DataType::kInteger) return integer != nullptr ? *integer : static_cast<std::int64_t>(number);
  // Observed: a number fills texts and booleans with what is empty for them.
  if (type == DataType::kString) return std::string_view("");
  if (type == DataType::kBoolean) return false;
  if (type == DataType::kTag) return integer != nullptr ? Value(*integer) : Value(number);
  return {};
}

namespace {

/// Whether every bucket of the frame has its point, and just one.
bool gapless(const Points& in, const TimeFrame& frame) {
  if (!frame.zone.utc() || frame.min == kMinTime || frame.max == kMaxTime) return false;
  const std::int64_t first = frame.window(frame.min).start;
  const std::int64_t last = frame.window(frame.max).start;
  if (last < first) return false;
  const auto buckets = (static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first)) /
                           static_cast<std::uint64_t>(frame.interval.every_ns) +
                       1;
  if (in.times.size() != buckets) return false;
  const auto out_of_order = [&frame](auto a, auto b) { return frame.ascending ? a >= b : a <= b; };
  return std::adjacent_find(in.times.begin(), in.times.end(), out_of_order) == in.times.end();
}

}  // namespace

Error too_many_buckets(std::uint64_t buckets, std::size_t most) {
  return fail(Errc::kExhausted, "max-select-buckets limit exceeded: (" + std::to_string(buckets) + "/" +
                                    std::to_string(most) + ")");
}

Result<Points> fill_buckets(Points in, const TimeFrame& frame, const Filling& filling, DataType type,
                            std::size_t aux_width, const FillLimits& limits) {
  if (in.times.empty()) return in;
  if (gapless(in, frame)) return in;
  Points out;
  BucketWalk walk(frame, in.times.front());
  std::optional<std::size_t> previous;
  const auto before = [&frame](std::int64_t a, std::int64_t b) { return frame.ascending ? a < b : a > b; };
  const auto empty = [&](std::size_t next) {
    Value value;
    if (filling.how == Fill::kNumber) value = fill_as(filling.value, type);
    if (filling.how == Fill::kPrevious && previous) value = in.values[*previous];
    if (filling.how == Fill::kLinear && previous && next < in.times.size()) {
      value = interpolate(in, *previous, next, walk.at(), frame.interval.every_ns);
    }
    push(out, walk.at(), value);
    out.aux.resize(out.aux.size() + aux_width);
  };
  std::size_t i = 0;
  while (i < in.times.size() || walk.inside()) {
    if (limits.enough > 0 && out.times.size() >= limits.enough) break;
    if (i < in.times.size() && !before(walk.at(), in.times[i])) {
      push(out, in.times[i], in.values[i]);
      for (std::size_t a = 0; a < aux_width; ++a) out.aux.push_back(in.aux[i * aux_width + a]);
      previous = i++;
      // Several points of one bucket (distinct) belong to the same step.
      while (i < in.times.size() && in.times[i] == in.times[i - 1]) {
        push(out, in.times[i], in.values[i]);
        for (std::size_t a = 0; a < aux_width; ++a) out.aux.push_back(in.aux[i * aux_width + a]);
        previous = i++;
      }
    } else {
      empty(i);
    }
    if (limits.most > 0 && out.times.size() > limits.most)
      return too_many_buckets(out.times.size(), limits.most);
    walk.next();
  }
  return out;
}

}  // namespace gpuscale::influxql

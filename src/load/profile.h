// SPDX-License-Identifier: Apache-2.0
/// What load to offer when: a rate in requests per second over time, made of steps and ramps or read from a
/// demand trace, and the times at which its requests are due. Pure values; only read_trace() touches a file.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "trace/demand_trace.h"

namespace gpuscale::load {

constexpr double kMaxRps = 1e6;
constexpr std::size_t kMaxSteps = 10'000;

/// The rate goes linearly from `from_rps` to `to_rps` (equal = a step) within `duration`.
struct Step {
  double from_rps = 0;
  double to_rps = 0;
  Nanos duration{0};
};

/// How a trace becomes requests: rate = demand x capacity_rps x scale; trace time passes `speed` times as
/// fast.
struct TraceOptions {
  double capacity_rps = 50;  ///< requests per second that one node serves; demand 1.0 = one node
  double scale = 1;
  double speed = 1;
};

/// An immutable value; copies share their data.
class Profile {
 public:
  Profile();  ///< offers nothing and ends at once
  /// Errors: kInvalidArgument (no step, rate outside 0..kMaxRps, duration not above 0, more than
  /// trace::kMaxRows).
  static Result<Profile> from_steps(const std::vector<Step>& steps);
  /// "20x30s,90x60s,20x60s"; a ramp is "20..90x30s"; the rate after an "x" without duration lasts for ever
  /// ("20").
  static Result<Profile> parse_steps(std::string_view text);
  static Result<Profile> constant(double rps);  ///< without end
  /// "Without end" means longer than any machine runs; a Step of this length ends a profile that has no end.
  static constexpr Nanos kForEver = std::chrono::hours{24 * 365 * 200};
  static constexpr Nanos kMaxLength = std::chrono::hours{24 * 365 * 50};

  /// The demand of a trace as requests (trace/demand_trace.h). Time starts at the first row. Errors: those of
  /// DemandTrace::parse(), kInvalidArgument.
  static Result<Profile> parse_trace(std::string_view csv, const std::string& name,
                                     const TraceOptions& options);
  /// The same from a file; kNotFound where it cannot be opened.
  static Result<Profile> read_trace(const std::string& path, const TraceOptions& options);
  static Result<Profile> of_trace(const trace::DemandTrace& demand, const std::string& name,
                                  const TraceOptions& options);

  /// Requests per second at `t` after the start; 0 before the start and after the end.
  double rate_at(Nanos t) const;
  /// Absent = without end.
  std::optional<Nanos> length() const;
  /// Number of requests expected within [0, t).
  double expected_until(Nanos t) const;

 private:
  friend class Arrivals;
  struct Segment {
    Nanos begin{0};
    Nanos duration{0};
    double from_rps = 0;
    double to_rps = 0;
    double expected_before = 0;

    double expected_within(double seconds) const;  ///< requests in the segment's first `seconds`
    double seconds_for(double requests) const;     ///< its inverse
    double seconds() const;
    double total() const { return expected_within(seconds()); }
  };
  using Segments = std::vector<Segment>;

  explicit Profile(Segments segments);
  static Result<Profile> build(const std::vector<Step>& steps);
  std::size_t segment_at(Nanos t) const;

  std::shared_ptr<const Segments> segments_;
};

enum class ArrivalKind {
  kEven,     ///< equally spaced in expected requests: n rps for a second are exactly n requests
  kPoisson,  ///< independent users: exponential gaps of the same mean
};

/// The due times of a profile, ascending. The same kind, seed and start give the same times on every machine.
class Arrivals {
 public:
  Arrivals(Profile profile, ArrivalKind kind, std::uint64_t seed, Nanos start = Nanos{0});
  /// Time after the profile's start; absent at its end.
  std::optional<Nanos> next();

 private:
  double gap();

  Profile profile_;
  ArrivalKind kind_;
  std::mt19937_64 random_;
  std::size_t segment_ = 0;
  double position_ = 0;  ///< requests of the segment already passed
  bool first_ = true;
};

}  // namespace gpuscale::load

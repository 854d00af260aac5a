// SPDX-License-Identifier: Apache-2.0
#include "load/profile.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/duration.h"

namespace gpuscale::load {
namespace {

double to_seconds(Nanos t) {
  return std::chrono::duration<double>(t).count();
}

Result<double> parse_rps(std::string_view text, std::string_view step) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || !(value >= 0) || value > kMaxRps) {
    return fail(Errc::kInvalidArgument,
                "load step \"" + std::string(step) + "\": \"" + std::string(text) +
                    "\" is no rate; write requests per second from 0 to 1000000, as in "
                    "\"20x30s\"");
  }
  return value;
}

/// One piece of parse_steps(): "20x30s", "20..90x30s", "20".
Result<Step> parse_step(std::string_view text) {
  Step step;
  std::string_view rates = text;
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) {
    step.duration = Profile::kForEver;
  } else {
    rates = text.substr(0, cross);
    auto duration = base::parse_duration(text.substr(cross + 1));
    if (!duration) return duration.error().with_context("load step \"" + std::string(text) + "\"");
    step.duration = *duration;
  }
  const std::size_t dots = rates.find("..");
  GS_TRY(step.from_rps, parse_rps(rates.substr(0, dots), text));
  step.to_rps = step.from_rps;
  if (dots != std::string_view::npos) {
    GS_TRY(step.to_rps, parse_rps(rates.substr(dots + 2), text));
    if (step.duration == Profile::kForEver) {
      return fail(Errc::kInvalidArgument,
                  "load step \"" + std::string(text) + "\": a ramp needs its duration, as in \"20..90x30s\"");
    }
  }
  return step;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

double Profile::Segment::seconds() const {
  return to_seconds(duration);
}

double Profile::Segment::expected_within(double elapsed) const {
  if (from_rps == to_rps) return from_rps * elapsed;
  return from_rps * elapsed + (to_rps - from_rps) / (2 * seconds()) * elapsed * elapsed;
}

double Profile::Segment::seconds_for(double requests) const {
  if (requests <= 0) return 0;
  if (from_rps == to_rps) return requests / from_rps;
  const double slope = (to_rps - from_rps) / (2 * seconds());
  // The root of slope*t^2 + from*t = requests, in the form that cancels nothing; rounding may put the
  // discriminant of a ramp down to zero just below it.
  const double discriminant = std::max(0.0, from_rps * from_rps + 4 * slope * requests);
  return 2 * requests / (from_rps + std::sqrt(discriminant));
}

Profile::Profile() : Profile(Segments(1)) {}

Profile::Profile(Segments segments) : segments_(std::make_shared<const Segments>(std::move(segments))) {}

Result<Profile> Profile::from_steps(const std::vector<Step>& steps) {
  if (steps.size() > kMaxSteps) {
    return fail(Errc::kInvalidArgument, "load profile: more than 10000 steps; use a trace file");
  }
  return build(steps);
}

Result<Profile> Profile::build(const std::vector<Step>& steps) {
  if (steps.empty()) {
    return fail(Errc::kInvalidArgument, "load profile: no step; write for example \"20x30s,90x60s\"");
  }
  Segments segments;
  segments.reserve(steps.size());
  Nanos begin{0};
  double expected = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    const std::string where = "load step " + std::to_string(i + 1) + ": ";
    for (const double rps : {step.from_rps, step.to_rps}) {
      if (!(rps >= 0 && rps <= kMaxRps)) {
        return fail(Errc::kInvalidArgument, where + "the rate must be 0 to 1000000 requests per second");
      }
    }
    if (step.duration <= Nanos{0})
      return fail(Errc::kInvalidArgument, where + "its duration must be above 0");
    const bool last = i + 1 == steps.size();
    if (step.duration == kForEver && !last) {
      return fail(Errc::kInvalidArgument, where + "only the last step may lack its duration");
    }
    if (step.duration != kForEver && step.duration > kMaxLength - begin) {
      return fail(Errc::kInvalidArgument, where + "the profile would last longer than 50 years");
    }
    Segment segment{begin, step.duration, step.from_rps, step.to_rps, expected};
    expected += segment.total();
    if (step.duration != kForEver) begin += step.duration;
    const bool extends = !segments.empty() && step.duration != kForEver && step.from_rps == step.to_rps &&
                         segments.back().from_rps == segments.back().to_rps &&
                         segments.back().to_rps == step.from_rps;
    if (extends) {
      segments.back().duration += step.duration;
    } else {
      segments.push_back(segment);
    }
  }
  return Profile(std::move(segments));
}

Result<Profile> Profile::parse_steps(std::string_view text) {
  std::vector<Step> steps;
  std::size_t at = 0;
  while (at <= text.size()) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view piece = trimmed(text.substr(at, comma - at));
    if (piece.empty()) {
      return fail(Errc::kInvalidArgument, "load steps \"" + std::string(text) +
                                              "\": an empty step; write for example \"20x30s,90x60s\"");
    }
    GS_TRY(const Step step, parse_step(piece));
    steps.push_back(step);
    if (steps.size() > kMaxSteps) break;
    at = comma + 1;
  }
  return from_steps(steps);
}

Result<Profile> Profile::constant(double rps) {
  return from_steps({Step{rps, rps, kForEver}});
}

std::size_t Profile::segment_at(Nanos t) const {
  const auto after = std::upper_bound(segments_->begin(), segments_->end(), t,
                                      [](Nanos at, const Segment& segment) { return at < segment.begin; });
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, after - segments_->begin() - 1));
}

double Profile::rate_at(Nanos t) const {
  if (t < Nanos{0}) return 0;
  const Segment& segment = (*segments_)[segment_at(t)];
  if (segment.duration != kForEver && t >= segment.begin + segment.duration) return 0;
  if (segment.from_rps == segment.to_rps) return segment.from_rps;
  return segment.from_rps +
         (segment.to_rps - segment.from_rps) * to_seconds(t - segment.begin) / segment.seconds();
}

std::optional<Nanos> Profile::length() const {
  const Segment& last = segments_->back();
  if (last.duration == kForEver) return std::nullopt;
  return last.begin + last.duration;
}

double Profile::expected_until(Nanos t) const {
  if (t <= Nanos{0}) return 0;
  const Segment& segment = (*segments_)[segment_at(t)];
  return segment.expected_before +
         segment.expected_within(to_seconds(std::min(t - segment.begin, segment.duration)));
}

Arrivals::Arrivals(Profile profile, ArrivalKind kind, std::uint64_t seed, Nanos start)
    : profile_(std::move(profile)), kind_(kind), random_(seed) {
  if (start > Nanos{0}) {
    segment_ = profile_.segment_at(start);
    position_ = profile_.expected_until(start) - (*profile_.segments_)[segment_].expected_before;
  }
}

double Arrivals::gap() {
  if (kind_ == ArrivalKind::kEven) {
    // Half a gap first, so that n requests fill their second evenly from its middle outwards.
    return std::exchange(first_, false) ? 0.5 : 1.0;
  }
  // Own inversion: std::exponential_distribution may differ between libraries.
  constexpr double kTwoToMinus53 = 0x1.0p-53;
  const double uniform = static_cast<double>(random_() >> 11U) * kTwoToMinus53;
  return -std::log1p(-uniform);
}

std::optional<Nanos> Arrivals::next() {
  const auto& segments = *profile_.segments_;
  double needed = gap();
  while (segment_ < segments.size()) {
    const auto& segment = segments[segment_];
    const double left = segment.total() - position_;
    if (needed < left) {
      position_ += needed;
      const double seconds = std::min(segment.seconds_for(position_), segment.seconds());
      return segment.begin + std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(seconds));
    }
    needed -= std::max(0.0, left);
    position_ = 0;
    ++segment_;
  }
  return std::nullopt;
}

}  // namespace gpuscale::load

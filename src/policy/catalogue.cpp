// SPDX-License-Identifier: Apache-2.0
#include "policy/catalogue.h"

#include <array>
#include <charconv>
#include <cmath>

#include "policy/clouds.h"
#include "policy/constant.h"
#include "policy/knative.h"
#include "policy/kubernetes.h"
#include "policy/lookout.h"
#include "policy/lookout_first.h"
#include "policy/recipe.h"
#include "policy/target_tracking.h"

namespace gpuscale::policy {
namespace {

using Maker = std::unique_ptr<Policy> (*)(double knob);

template <typename P, typename Options>
std::unique_ptr<Policy> make(Options options) {
  return std::make_unique<P>(options);
}

constexpr std::array<PolicyKind, 16> kKinds{{
    {"lookout", "our own: forecasts the load one boot time ahead", "share of errors covered", 0.99978, 0.5,
     0.999999},
    {"lookout_util", "the same, from GPU utilisation alone", "share of errors covered", 0.99978, 0.5,
     0.999999},
    {"target_tracking", "as many nodes as keep the mean utilisation at the target", "target utilisation", 0.6,
     0.01, 1},
    {"lookout_v1", "its first version, to compare with", "share of errors covered", 0.9995, 0.5, 0.999999},
    {"lookout_v1_util", "the same, from GPU utilisation alone", "share of errors covered", 0.9995, 0.5,
     0.999999},
    {"recipe", "alert rules of Grafana 4, notified on state change", "high rule, percent", 45, 1, 100},
    {"recipe_repeat", "the same rules, repeated each minute while they hold", "high rule, percent", 45, 1,
     100},
    {"hpa", "Kubernetes' horizontal pod autoscaler", "target utilisation", 0.7, 0.01, 1},
    {"hpa_ca", "the same with the cluster autoscaler's 10 minutes", "target utilisation", 0.7, 0.01, 1},
    {"keda", "KEDA on the request rate", "target load per node", 0.7, 0.01, 1},
    {"kpa", "Knative's pod autoscaler on concurrency", "target concurrency", 0.7, 0.01, 1},
    {"kpa_600", "the same with a scale-down delay of 600 s", "target concurrency", 0.7, 0.01, 1},
    {"aws_tt", "AWS target tracking", "target utilisation", 0.5, 0.01, 1},
    {"aws_step", "AWS step scaling, the user guide's example", "target utilisation", 0.6, 0.01, 1},
    {"gce_mig", "Google's managed instance groups", "target utilisation", 0.6, 0.01, 1},
    {"static", "a constant pool", "nodes", 1, 0, 1'000'000},
}};

constexpr std::array<Maker, kKinds.size()> kMakers{{
    [](double alpha) { return make<Lookout>(LookoutOptions{.alpha = alpha}); },
    [](double alpha) {
      return make<Lookout>(LookoutOptions{.alpha = alpha, .signal = LoadSignal::kUtilization});
    },
    [](double target) { return make<TargetTracking>(target); },
    [](double alpha) { return make<LookoutFirst>(LookoutFirstOptions{.alpha = alpha}); },
    [](double alpha) {
      return make<LookoutFirst>(LookoutFirstOptions{.alpha = alpha, .signal = LoadSignal::kUtilization});
    },
    [](double high) { return make<Recipe>(RecipeOptions{.high_percent = high, .low_percent = high / 3}); },
    [](double high) {
      return make<Recipe>(RecipeOptions{.high_percent = high, .low_percent = high / 3, .repeat = true});
    },
    [](double target) { return make<Hpa>(HpaOptions{.target = target}); },
    [](double target) { return make<Hpa>(HpaOptions{.target = target, .unneeded_seconds = 600}); },
    [](double target) { return make<Keda>(target); },
    [](double target) { return make<Kpa>(KpaOptions{.target = target}); },
    [](double target) { return make<Kpa>(KpaOptions{.target = target, .scale_down_delay = 600}); },
    [](double target) { return make<AwsTargetTracking>(target); },
    [](double target) { return make<AwsStep>(target); },
    [](double target) { return make<GoogleMig>(target); },
    [](double nodes) { return make<Constant>(static_cast<std::int64_t>(nodes)); },
}};

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return error == std::errc() ? std::string(buffer.data(), end) : std::string();
}

std::string all_names() {
  std::string out;
  for (const PolicyKind& kind : kKinds) {
    if (!out.empty()) out += ", ";
    out += kind.name;
  }
  return out;
}

}  // namespace

std::span<const PolicyKind> policy_kinds() {
  return kKinds;
}

const PolicyKind* find_policy_kind(std::string_view name) {
  for (const PolicyKind& kind : kKinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

Result<PolicyChoice> PolicyChoice::parse(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string name(text.substr(0, equals));
  const PolicyKind* kind = find_policy_kind(name);
  if (kind == nullptr) {
    return fail(Errc::kInvalidArgument, "no policy \"" + name + "\"; there are " + all_names());
  }
  PolicyChoice choice{name, kind->default_knob};
  if (equals == std::string_view::npos) return choice;
  const std::string_view digits = text.substr(equals + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), choice.knob);
  if (error != std::errc() || end != digits.data() + digits.size() || !(choice.knob >= kind->least_knob) ||
      !(choice.knob <= kind->most_knob)) {
    return fail(Errc::kInvalidArgument,
                name + "=" + std::string(digits) + ": the " + std::string(kind->knob) + " is a number from " +
                    number_text(kind->least_knob) + " to " + number_text(kind->most_knob));
  }
  return choice;
}

std::string PolicyChoice::to_string() const {
  return name + "=" + number_text(knob);
}

std::unique_ptr<Policy> make_policy(const PolicyChoice& choice) {
  const PolicyKind* kind = find_policy_kind(choice.name);
  return kind == nullptr ? nullptr : kMakers[static_cast<std::size_t>(kind - kKinds.data())](choice.knob);
}

}  // namespace gpuscale::policy

// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "config/ceilings.h"
#include "config/sections.h"
#include "config/yaml_reader.h"

namespace gpuscale::config {
namespace {

constexpr std::uintmax_t kLargestFile = 4U << 20U;
constexpr std::size_t kMostEntries = 100'000;

template <typename Spec>
std::vector<std::string> names_of(const std::vector<Spec>& specs) {
  std::vector<std::string> names;
  names.reserve(specs.size());
  for (const Spec& spec : specs) names.push_back(spec.name);
  return names;
}

std::string known(const std::vector<std::string>& names) {
  if (names.empty()) return "none is declared";
  std::string out = "known: ";
  for (const auto& name : names) out += (name == names.front() ? "" : ", ") + name;
  return out;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Reads every entry of one list; `check` sees the spec with its reader once all is known.
template <typename Spec>
std::vector<Spec> read_list(std::vector<YamlReader>& readers, Spec (*read)(YamlReader&)) {
  std::vector<Spec> specs;
  std::set<std::string> names;
  for (YamlReader& reader : readers) {
    if (specs.size() == kMostEntries) {
      reader.fault("more than 100000 entries in one list");
      break;
    }
    specs.push_back(read(reader));
    if (!names.insert(specs.back().name).second) {
      reader.fault("name", "\"" + specs.back().name + "\" is used twice; names must differ");
    }
  }
  return specs;
}

void check_references(const Config& config, std::vector<YamlReader>& triggers,
                      std::vector<YamlReader>& channels, std::vector<YamlReader>& rules) {
  const auto pools = names_of(config.pools);
  const auto trigger_names = names_of(config.triggers);
  const auto channel_names = names_of(config.channels);
  for (std::size_t i = 0; i < config.triggers.size(); ++i) {
    const auto& pool = config.triggers[i].pool;
    if (!contains(pools, pool)) triggers[i].fault("pool", "no pool \"" + pool + "\"; " + known(pools));
    const auto& other = config.triggers[i].on_resolved;
    if (!other.empty() && !contains(trigger_names, other)) {
      triggers[i].fault("on_resolved", "no trigger \"" + other + "\"; " + known(trigger_names));
    }
  }
  for (std::size_t i = 0; i < config.channels.size(); ++i) {
    const auto& channel = config.channels[i];
    if (channel.kind == notify::ChannelKind::kTrigger && !contains(trigger_names, channel.trigger)) {
      channels[i].fault("trigger", "no trigger \"" + channel.trigger + "\"; " + known(trigger_names));
    }
  }
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    for (std::string& fault : alert::faults_of(config.rules[i], channel_names))
      rules[i].fault(std::move(fault));
    const std::string& pool = config.rules[i].pool;
    if (!pool.empty() && !contains(pools, pool))
      rules[i].fault("pool", "no pool \"" + pool + "\"; " + known(pools));
  }
}

void check_schedules(const Config& config, std::vector<YamlReader>& readers) {
  const auto pools = names_of(config.pools);
  const auto triggers = names_of(config.triggers);
  const auto rules = names_of(config.rules);
  for (std::size_t i = 0; i < config.schedules.size(); ++i) {
    const schedule::ScheduleSpec& spec = config.schedules[i];
    for (std::string& fault : schedule::faults_of(spec)) readers[i].fault(std::move(fault));
    if (!spec.pool.empty() && !contains(pools, spec.pool))
      readers[i].fault("pool", "no pool \"" + spec.pool + "\"; " + known(pools));
    if (!spec.trigger.empty() && !contains(triggers, spec.trigger))
      readers[i].fault("trigger", "no trigger \"" + spec.trigger + "\"; " + known(triggers));
    for (const std::string& rule : spec.mute) {
      if (!contains(rules, rule)) readers[i].fault("mute", "no rule \"" + rule + "\"; " + known(rules));
    }
  }
}

Config read_root(const YAML::Node& root, Faults& faults, const Environment& environment) {
  Config config;
  YamlReader reader(root, "the file", faults, environment);
  config.cluster = reader.text("cluster", config.cluster);
  YamlReader fleet = reader.mapping("fleet");
  config.fleet_max_gpus = fleet.integer("max_gpus", 0, 1, 1'000'000'000);
  fleet.finish();
  auto pools = reader.list("pools");
  auto triggers = reader.list("triggers");
  auto policies = reader.list("policies");
  auto channels = reader.list("channels");
  auto rules = reader.list("rules");
  auto schedules = reader.list("schedules");
  reader.finish();
  config.pools = read_list(pools, read_pool);
  config.triggers = read_list(triggers, read_trigger);
  config.policies = read_list(policies, read_policy);
  config.channels = read_list(channels, read_channel);
  config.rules = read_list(rules, read_rule);
  config.schedules = read_list(schedules, read_schedule);
  check_schedules(config, schedules);
  check_references(config, triggers, channels, rules);
  derive_ceilings(config);
  const auto pool_names = names_of(config.pools);
  for (std::size_t i = 0; i < config.policies.size(); ++i) {
    const auto& pool = config.policies[i].pool;
    if (!contains(pool_names, pool))
      policies[i].fault("pool", "no pool \"" + pool + "\"; " + known(pool_names));
  }
  return config;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

Result<Config> parse(std::string_view yaml, const std::string& file_name, const Environment& environment) {
  Faults faults;
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (root.IsNull()) return Config{};
    Config config = read_root(root, faults, environment);
    if (faults.empty()) return config;
  } catch (const YAML::Exception& e) {
    faults.add(e.mark, "not valid YAML: " + e.msg);
  }
  return fail(Errc::kInvalidArgument, faults.to_text(file_name));
}

Result<Config> load(const std::string& path, const Environment& environment) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(path, ec);
  if (ec) return fail(Errc::kNotFound, "cannot read config file " + path + ": " + ec.message());
  if (size > kLargestFile) return fail(Errc::kExhausted, "config file " + path + " is larger than 4 MiB");
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return fail(Errc::kUnavailable, "cannot read config file " + path);
  return parse(text.str(), path, environment);
}

}  // namespace gpuscale::config

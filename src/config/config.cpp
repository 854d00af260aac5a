// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "config/ceilings.h"
#include "config/definitions.h"
#include "config/sections.h"
#include "config/yaml_document.h"
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

/// A fault of a spec that begins with its key ("cron: ...") stands at that key.
void place_fault(YamlReader& reader, const std::string& fault) {
  const std::size_t colon = fault.find(": ");
  const std::string key = fault.substr(0, colon);
  const bool is_key = colon != std::string::npos && std::all_of(key.begin(), key.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || c == '_' || c == '.';
                      });
  if (is_key) {
    reader.fault(key, fault.substr(colon + 2));
  } else {
    reader.fault(fault);
  }
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
    const bool needs_pool = scaling::scales(config.triggers[i].type) || !pool.empty();
    if (needs_pool && !contains(pools, pool))
      triggers[i].fault("pool", "no pool \"" + pool + "\"; " + known(pools));
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
    for (const std::string& fault : alert::faults_of(config.rules[i], channel_names))
      place_fault(rules[i], fault);
    check_rule_sources(config.rules[i], config.sources, rules[i]);
    const std::string& pool = config.rules[i].pool;
    if (!pool.empty() && !contains(pools, pool))
      rules[i].fault("pool", "no pool \"" + pool + "\"; " + known(pools));
  }
}

/// Of a pool, as configured or by any schedule; -1 = there is no such pool.
int highest_max(const Config& config, const std::string& pool) {
  int most = -1;
  for (const pool::PoolSpec& spec : config.pools) {
    if (spec.name == pool) most = spec.max;
  }
  for (const schedule::ScheduleSpec& spec : config.schedules) {
    if (most >= 0 && spec.pool == pool && spec.max) most = std::max(most, *spec.max);
  }
  return most;
}

void check_schedules(const Config& config, std::vector<YamlReader>& readers) {
  const auto pools = names_of(config.pools);
  const auto triggers = names_of(config.triggers);
  const auto rules = names_of(config.rules);
  for (std::size_t i = 0; i < config.schedules.size(); ++i) {
    const schedule::ScheduleSpec& spec = config.schedules[i];
    for (const std::string& fault : schedule::faults_of(spec)) place_fault(readers[i], fault);
    if (!spec.pool.empty() && !contains(pools, spec.pool))
      readers[i].fault("pool", "no pool \"" + spec.pool + "\"; " + known(pools));
    if (const int most = highest_max(config, spec.pool); spec.min && most >= 0 && *spec.min > most) {
      readers[i].fault("set", "min " + std::to_string(*spec.min) + " is over the most that pool " +
                                  spec.pool + " may ever have, " + std::to_string(most) +
                                  "; raise its max, or set one here");
    }
    if (!spec.trigger.empty() && !contains(triggers, spec.trigger))
      readers[i].fault("trigger", "no trigger \"" + spec.trigger + "\"; " + known(triggers));
    for (const std::string& rule : spec.mute) {
      if (!contains(rules, rule)) readers[i].fault("mute", "no rule \"" + rule + "\"; " + known(rules));
    }
  }
}

constexpr std::string_view kOwnUrl = "GPUSCALE_URL";

/// The first "${NAME}" of a definition that is not for it to name, with its place.
std::string foreign_variable(const nlohmann::json& value, const std::string& place) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    for (std::size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at + 2)) {
      if (at > 0 && text[at - 1] == '$') continue;
      const std::size_t end = text.find('}', at);
      if (end == std::string::npos) break;
      const std::string name = text.substr(at + 2, end - at - 2);
      if (name == kOwnUrl) continue;
      return place + ": ${" + name + "} is read from the environment in the file alone; write the value " +
             "itself (secrets are stored encrypted), or $${ for a plain ${";
    }
  }
  if (!value.is_structured()) return "";
  for (const auto& [key, each] : value.items()) {
    const std::string inner = value.is_array() ? place : std::string(place).append(".").append(key);
    if (std::string found = foreign_variable(each, inner); !found.empty()) return found;
  }
  return "";
}

/// The definitions beside the file's entries, each with faults of its own.
struct Beside {
  explicit Beside(const std::vector<Definition>& all, const Environment& process)
      : definitions(all), faults(all.size()) {
    // Every other name has its fault already.
    environment = [process](const std::string& name) {
      return name == kOwnUrl ? process(name) : std::optional(name);
    };
  }
  void append(Kind kind, std::vector<YamlReader>& readers) {
    for (std::size_t i = 0; i < definitions.size(); ++i) {
      if (definitions[i].kind != kind) continue;
      const auto replaced = nlohmann::json::error_handler_t::replace;
      const std::string text = definitions[i].body.dump(-1, ' ', false, replaced);
      if (std::string fault = foreign_variable(definitions[i].body, "definition"); !fault.empty())
        faults[i].add(YAML::Mark::null_mark(), std::move(fault));
      readers.emplace_back(loaded(text, faults[i]), "definition", faults[i], environment);
    }
  }

  static YAML::Node loaded(const std::string& json, Faults& faults) {
    try {
      return YAML::Load(json);
    } catch (const YAML::Exception& e) {
      faults.add(e.mark, "definition: cannot be read: " + e.msg);
      return YAML::Node(YAML::NodeType::Undefined);
    }
  }

  const std::vector<Definition>& definitions;
  std::deque<Faults> faults;
  Environment environment;
};

Config read_root(const YAML::Node& root, Faults& faults, const Environment& environment, Beside& beside) {
  Config config;
  YamlReader reader(root, std::string(kWholeFile), faults, environment);
  config.cluster = reader.text("cluster", config.cluster);
  YamlReader fleet = reader.mapping("fleet");
  config.fleet_max_gpus = fleet.integer("max_gpus", 0, 1, 1'000'000'000);
  fleet.finish();
  YamlReader store = reader.mapping("store");
  config.store = read_store(store);
  store.finish();
  auto sources = reader.list("sources");
  auto pools = reader.list("pools");
  auto triggers = reader.list("triggers");
  auto policies = reader.list("policies");
  auto channels = reader.list("channels");
  auto rules = reader.list("rules");
  auto schedules = reader.list("schedules");
  reader.finish();
  beside.append(Kind::kPools, pools);
  beside.append(Kind::kTriggers, triggers);
  beside.append(Kind::kPolicies, policies);
  beside.append(Kind::kChannels, channels);
  beside.append(Kind::kRules, rules);
  beside.append(Kind::kSchedules, schedules);
  config.sources = read_list(sources, read_source);
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

Result<Reading> parse_with(std::string_view yaml, const std::string& file_name,
                           const Environment& environment, const std::vector<Definition>& definitions) {
  Faults faults;
  try {
    const YAML::Node root = load_document(yaml);
    Beside beside(definitions, environment);
    Reading reading;
    if (!root.IsNull() || !definitions.empty()) reading.config = read_root(root, faults, environment, beside);
    for (const Faults& each : beside.faults) reading.faults.push_back(each.to_text());
    if (faults.empty()) return reading;
  } catch (const YAML::Exception& e) {
    faults.add(e.mark, "not valid YAML: " + e.msg);
  }
  return fail(Errc::kInvalidArgument, faults.to_text(file_name));
}

Result<Config> parse(std::string_view yaml, const std::string& file_name, const Environment& environment) {
  GS_TRY(Reading reading, parse_with(yaml, file_name, environment, {}));
  return std::move(reading.config);
}

Result<std::string> read_text(const std::string& path) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(path, ec);
  if (ec) return fail(Errc::kNotFound, "cannot read config file " + path + ": " + ec.message());
  if (size > kLargestFile) return fail(Errc::kExhausted, "config file " + path + " is larger than 4 MiB");
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return fail(Errc::kUnavailable, "cannot read config file " + path);
  return text.str();
}

Result<Config> load(const std::string& path, const Environment& environment) {
  GS_TRY(const std::string text, read_text(path));
  return parse(text, path, environment);
}

}  // namespace gpuscale::config

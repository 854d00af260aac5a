// SPDX-License-Identifier: Apache-2.0
// What is there, and how it becomes one set. What people change: registry_change.cpp.
#include "declare/registry.h"

#include <algorithm>
#include <set>

namespace gpuscale::declare {

using config::Kind;
using nlohmann::json;

std::string_view to_string(Origin origin) {
  return origin == Origin::kFile ? "file" : "api";
}

Result<std::unique_ptr<Registry>> Registry::open(db::Database& database, activity::Ledger& ledger,
                                                 const Clock& clock, log::Log log, Vault vault, File file,
                                                 Ports ports) {
  GS_TRY(DefinitionStore store, DefinitionStore::open(database));
  std::unique_ptr<Registry> registry(new Registry(store, ledger, clock, std::move(log), std::move(vault),
                                                  std::move(file), std::move(ports)));
  GS_TRY(config::DefinitionsByName of_file, config::definitions_in(registry->file_.text));
  for (auto& [key, body] : of_file) registry->of_file_.emplace(key, part(key.first, std::move(body)).shown);
  GS_TRY(std::vector<StoredDefinition> stored, store.definitions());
  GS_TRY(registry->switches_, store.switches());
  for (StoredDefinition& each : stored) {
    const Key key{each.kind, each.name};
    if (registry->of_file_.contains(key)) {
      registry->log_.warn("config.shadowed",
                          {{"kind", std::string(word_of(key.first))},
                           {"name", key.second},
                           {"because", "the file declares it too; what the API made of it waits"}});
      continue;
    }
    registry->held_.emplace(key, registry->opened(std::move(each)));
  }
  return registry;
}

Registry::Held Registry::opened(StoredDefinition stored) const {
  Held held;
  for (const auto& [pointer, sealed] : stored.sealed) {
    if (!vault_.key) {
      held.locked = vault_.trouble;
      break;
    }
    auto secret = vault_.key->open(sealed, place_of(stored.kind, stored.name, pointer));
    if (!secret) {
      held.locked = "its secret " + pointer + " cannot be opened with " + vault_.file + ": " +
                    secret.error().message() +
                    "; put the right key back and start again, or give the secret anew";
      break;
    }
    held.secrets.emplace(pointer, *std::move(secret));
  }
  held.stored = std::move(stored);
  return held;
}

/// Everything that may run, in the kinds' order. A rule goes on without channels that are not there.
std::vector<config::Definition> Registry::compose(AllHeld& held, const std::optional<Target>& target) const {
  std::set<std::string> channels;
  for (const auto& [key, body] : of_file_)
    if (key.first == Kind::kChannels) channels.insert(key.second);
  for (const auto& [key, each] : held)
    if (key.first == Kind::kChannels && !each.left_out) channels.insert(key.second);
  std::vector<config::Definition> out;
  for (auto& [key, each] : held) {
    if (each.left_out) continue;
    const bool is_target = target && target->key == key;
    auto whole = join(each.stored.shown, each.secrets);
    if (!whole) {
      each.fault = whole.error().message();
      each.left_out = true;
      continue;
    }
    json body = *std::move(whole);
    if (key.first == Kind::kTriggers) body.erase("secret");
    if (is_target && target->trigger_secret) body["secret"] = target->trigger_secret->reveal();
    const auto notify = body.find("notify");
    if (key.first == Kind::kRules && !is_target && notify != body.end() && notify->is_array()) {
      json there = json::array();
      std::string missing;
      for (const json& name : *notify) {
        if (!name.is_string() || channels.contains(name.get<std::string>())) {
          there.push_back(name);
        } else {
          missing += (missing.empty() ? "" : ", ") + name.get<std::string>();
        }
      }
      if (!missing.empty()) each.fault = "it tells nobody through " + missing + ", which is not there";
      body["notify"] = std::move(there);
    }
    out.push_back({key.first, key.second, std::move(body)});
  }
  return out;
}

Result<Registry::Settled> Registry::settle(AllHeld held, const std::optional<Target>& target) const {
  for (auto& [key, each] : held) {
    each.fault = each.locked;
    each.left_out = !each.locked.empty();
  }
  while (true) {
    const std::vector<config::Definition> definitions = compose(held, target);
    GS_TRY(config::Reading reading,
           config::parse_with(file_.text, file_.name, file_.environment, definitions));
    bool good = true;
    for (std::size_t i = 0; i < definitions.size(); ++i) {
      if (reading.faults[i].empty()) continue;
      Held& faulty = held.at({definitions[i].kind, definitions[i].name});
      faulty.fault = reading.faults[i];
      faulty.left_out = true;
      good = false;
    }
    // What the target breaks by its own faults is not to be looked for.
    if (target && held.contains(target->key) && held.at(target->key).left_out) good = true;
    if (!good) continue;
    for (scaling::TriggerSpec& trigger : reading.config.triggers)
      trigger.secret_given_once = !of_file_.contains({Kind::kTriggers, trigger.name});
    return Settled{std::move(reading.config), std::move(held)};
  }
}

void Registry::switch_in(config::Config& config, const Switches& switches) const {
  for (alert::RuleSpec& rule : config.rules) {
    if (const auto found = switches.find({Kind::kRules, rule.name}); found != switches.end())
      rule.paused = !found->second;
  }
  for (schedule::ScheduleSpec& schedule : config.schedules) {
    if (const auto found = switches.find({Kind::kSchedules, schedule.name}); found != switches.end())
      schedule.enabled = found->second;
  }
}

Result<void> Registry::start() {
  const std::scoped_lock change(change_mutex_);
  GS_TRY(Settled settled, settle(held_, std::nullopt));
  config::Config config = settled.config;
  switch_in(config, switches_);
  if (const auto applied = ports_.apply(config, std::nullopt); !applied) {
    // The file alone must hold; a pool whose provider cannot be opened stops no rule.
    AllHeld without = held_;
    for (auto& [key, each] : without)
      if (key.first == Kind::kPools) each.locked = applied.error().message();
    GS_TRY(settled, settle(std::move(without), std::nullopt));
    config = settled.config;
    switch_in(config, switches_);
    GS_CHECK(ports_.apply(config, std::nullopt));
  }
  for (const auto& [key, each] : settled.held) {
    if (each.fault.empty()) continue;
    log_.error(each.left_out ? "config.left_out" : "config.incomplete",
               {{"kind", std::string(word_of(key.first))}, {"name", key.second}, {"error", each.fault}});
  }
  config_ = std::move(config);
  started_ = true;
  const std::scoped_lock lock(mutex_);
  held_ = std::move(settled.held);
  return {};
}

Declared Registry::shown(const Key& key, const Held& held) const {
  Declared out{key.first,
               key.second,
               Origin::kApi,
               held.stored.version,
               held.stored.shown,
               held.stored.changed_by,
               held.stored.changed_at,
               held.fault,
               held.left_out};
  if (key.first == Kind::kTriggers) out.definition["secret"] = {{"secret", "set"}};
  return out;
}

std::optional<Declared> Registry::find_locked(const Key& key) const {
  if (const auto found = of_file_.find(key); found != of_file_.end()) {
    Declared out;
    out.kind = key.first;
    out.name = key.second;
    out.definition = found->second;
    return out;
  }
  const auto found = held_.find(key);
  return found == held_.end() ? std::nullopt : std::optional(shown(key, found->second));
}

std::optional<Declared> Registry::find(Kind kind, const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  return find_locked({kind, name});
}

Standing Registry::standing(Kind kind, const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = held_.find({kind, name});
  if (found == held_.end() || of_file_.contains({kind, name})) return {};
  return {Origin::kApi, found->second.stored.version, found->second.fault};
}

std::vector<Declared> Registry::left_out(Kind kind) const {
  const std::scoped_lock lock(mutex_);
  std::vector<Declared> out;
  for (auto each = held_.lower_bound({kind, ""}); each != held_.end() && each->first.first == kind; ++each) {
    if (each->second.left_out && !of_file_.contains(each->first))
      out.push_back(shown(each->first, each->second));
  }
  return out;
}

std::vector<Declared> Registry::list(Kind kind) const {
  const std::scoped_lock lock(mutex_);
  std::set<std::string> names;
  for (const auto& [key, body] : of_file_)
    if (key.first == kind) names.insert(key.second);
  for (const auto& [key, each] : held_)
    if (key.first == kind) names.insert(key.second);
  std::vector<Declared> out;
  for (const std::string& name : names) out.push_back(*find_locked({kind, name}));
  return out;
}

}  // namespace gpuscale::declare

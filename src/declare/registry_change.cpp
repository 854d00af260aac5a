// SPDX-License-Identifier: Apache-2.0
// What people change: checked, made to hold, written down.
#include <algorithm>

#include "base/digest.h"
#include "declare/registry.h"

namespace gpuscale::declare {
namespace {

using config::Kind;
using nlohmann::json;

/// Deeper than this no definition is; what reads it goes down by recursion.
constexpr int kDeepest = 16;
/// Of a value that the ledger shows.
constexpr std::size_t kLongestShown = 200;

bool is_deeper(const json& value, int than) {
  if (!value.is_structured()) return false;
  if (than == 0) return true;
  return std::any_of(value.begin(), value.end(), [&](const json& each) { return is_deeper(each, than - 1); });
}

Result<json> checked_shape(const Wish& wish) {
  json definition = wish.definition;
  if (!definition.is_object()) return fail(Errc::kInvalidArgument, "definition: must be an object");
  if (is_deeper(definition, kDeepest))
    return fail(Errc::kInvalidArgument, "definition: is nested too deeply to be one");
  if (wish.name.empty()) return fail(Errc::kInvalidArgument, "definition.name: is missing");
  for (auto each = definition.begin(); each != definition.end();) {
    each = each->is_null() ? definition.erase(each) : std::next(each);
  }
  if (definition.contains("name") && definition["name"] != wish.name) {
    return fail(Errc::kInvalidArgument,
                "definition.name: differs from \"" + wish.name +
                    "\"; a name stays for life: leave it out, or make a new one and delete the old");
  }
  definition["name"] = wish.name;
  return definition;
}

std::string short_text(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > kLongestShown) text = text.substr(0, kLongestShown) + "...";
  return text;
}

/// {"condition": {"from": ..., "to": ...}}: both sides are without secrets.
json difference(const json& before, const json& after, const Secrets& old_secrets,
                const Secrets& new_secrets) {
  json out = json::object();
  for (const auto& [key, value] : after.items()) {
    const json was = before.value(key, json());
    if (was != value) out[key] = {{"from", short_text(was)}, {"to", short_text(value)}};
  }
  for (const auto& [key, value] : before.items())
    if (!after.contains(key)) out[key] = {{"from", short_text(value)}, {"to", "null"}};
  for (const auto& [place, secret] : new_secrets) {
    const auto old = old_secrets.find(place);
    if (old == old_secrets.end() || old->second.reveal() != secret.reveal())
      out[place.substr(1)] = {{"secret", "set anew"}};
  }
  return out;
}

std::string keys_of(const json& changed) {
  std::string out;
  for (const auto& [key, value] : changed.items()) out += (out.empty() ? "" : ", ") + key;
  return out.empty() ? "nothing" : out;
}

const char* switch_of(Kind kind) {
  return kind == Kind::kRules ? "paused" : "enabled";
}

}  // namespace

activity::Entry Registry::entry_about(const Key& key, const std::string& verb, const std::string& who) const {
  const std::string word(word_of(key.first));
  return {.at = clock_.wall(),
          .kind = "config.changed",
          .pool = key.first == Kind::kPools ? key.second : "",
          .subject = key.second,
          .correlation = activity::new_correlation(),
          .summary = who + " " + verb + " " + word + " " + key.second,
          .details = {{"source", who}, {"kind", word}, {"name", key.second}, {"action", verb}}};
}

Result<void> Registry::write(const std::function<Result<void>(db::Transaction&)>& work,
                             activity::Entry& entry) {
  const std::function<Result<void>(db::Transaction&)> both =
      [&](db::Transaction& transaction) -> Result<void> {
    GS_CHECK(work(transaction));
    GS_CHECK(ledger_.append_in(transaction, entry));
    return {};
  };
  GS_CHECK(store_.database().transact(both));
  ledger_.publish(entry);
  log_.info("config.changed", {{"summary", entry.summary}});
  return {};
}

Result<void> Registry::require_start() const {
  if (started_) return {};
  return fail(Errc::kUnavailable, "the server is starting; try again in a moment");
}

Result<void> Registry::apply(const config::Config& next, Kind changed) {
  auto applied = ports_.apply(next, changed);
  if (applied) return {};
  if (const auto back = ports_.apply(config_, std::nullopt); !back)
    log_.error("config.not_restored", {{"error", back.error()}});
  return applied;
}

/// "rule high, schedule night": what ran before and would not, or not as declared.
std::string Registry::newly_broken(const AllHeld& before, const Settled& after, const Key& but) {
  std::string out;
  for (const auto& [key, each] : after.held) {
    const auto was = before.find(key);
    const bool newly = key != but && !each.fault.empty() && was != before.end() && was->second.fault.empty();
    if (newly)
      out += (out.empty() ? "" : "; ") + std::string(word_of(key.first)) + " " + key.second + " (" +
             each.fault.substr(0, each.fault.find('\n')) + ")";
  }
  return out;
}

Result<Registry::Prepared> Registry::prepare(const Wish& wish, const Held* before) const {
  GS_TRY(json definition, checked_shape(wish));
  Prepared out;
  if (wish.kind == Kind::kTriggers) {
    const auto secret = definition.find("secret");
    if (secret != definition.end() && !secret->is_object()) {
      // Any other scalar is its text, as it is in the file.
      out.trigger_secret = Secret(secret->is_string() ? secret->get<std::string>() : secret->dump());
    } else if (before == nullptr) {
      out.trigger_secret = base::random_secret();
    }
    definition.erase("secret");
  }
  if (before != nullptr) {
    const auto whole_before = join(before->stored.shown, before->secrets);
    if (!before->locked.empty()) {
      if (const auto kept = join(definition, {}); !kept)
        return fail(Errc::kInvalidArgument, kept.error().message() + "; " + before->locked);
    } else if (whole_before) {
      if (const std::string place = moved_secret(*whole_before, definition); !place.empty()) {
        return fail(Errc::kInvalidArgument,
                    place + ": is kept for the old address; give it anew, since it would go to another one");
      }
    }
  }
  GS_TRY(json whole, join(std::move(definition), before == nullptr ? Secrets{} : before->secrets));
  Parted parted = part(wish.kind, std::move(whole));
  if (!parted.secrets.empty() && !vault_.key) return fail(Errc::kUnavailable, vault_.trouble);
  StoredDefinition& stored = out.held.stored;
  stored.kind = wish.kind;
  stored.name = wish.name;
  stored.shown = std::move(parted.shown);
  for (const auto& [pointer, secret] : parted.secrets)
    stored.sealed.emplace(pointer, vault_.key->seal(secret, place_of(wish.kind, wish.name, pointer)));
  stored.changed_by = wish.who;
  stored.changed_at = clock_.wall();
  out.held.secrets = std::move(parted.secrets);
  return out;
}

Result<Outcome> Registry::put(const Wish& wish) {
  const std::scoped_lock change(change_mutex_);
  GS_CHECK(require_start());
  const Key key{wish.kind, wish.name};
  const std::string word(word_of(wish.kind));
  if (of_file_.contains(key)) {
    return Outcome{Verdict::kDeclared,
                   *find(wish.kind, wish.name),
                   word + " \"" + wish.name + "\" is declared in the configuration file; change it there",
                   {}};
  }
  const auto found = held_.find(key);
  const Held* const before = found == held_.end() ? nullptr : &found->second;
  if (wish.version != (before == nullptr ? 0 : before->stored.version)) {
    const std::string reason =
        before == nullptr   ? word + " \"" + wish.name + "\" is no more; somebody deleted it"
        : wish.version == 0 ? word + " \"" + wish.name + "\" exists already; name its version to change it"
                            : before->stored.changed_by + " changed it meanwhile; look at it again";
    Declared gone;
    gone.kind = wish.kind;
    gone.name = wish.name;
    gone.origin = Origin::kApi;
    return Outcome{Verdict::kConflict, before == nullptr ? gone : shown(key, *before), reason, {}};
  }
  if (before == nullptr && held_.size() >= kMostDefinitions) {
    return fail(Errc::kExhausted, "there are " + std::to_string(kMostDefinitions) +
                                      " definitions made through the API; delete some first");
  }
  GS_TRY(Prepared prepared, prepare(wish, before));
  const json shown_before = before == nullptr ? json::object() : before->stored.shown;
  const Secrets secrets_before = before == nullptr ? Secrets{} : before->secrets;
  AllHeld next = held_;
  prepared.held.stored.version = wish.version;
  next.insert_or_assign(key, prepared.held);
  GS_TRY(Settled settled, settle(std::move(next), Target{key, prepared.trigger_secret}));
  Held& made = settled.held.at(key);
  if (!made.fault.empty()) return fail(Errc::kInvalidArgument, made.fault);
  if (const std::string broken = newly_broken(held_, settled, key); !broken.empty()) {
    return Outcome{Verdict::kInUse, shown(key, made), "that would break " + broken, {}};
  }
  if (auto reason = ports_.keeps_from_change ? ports_.keeps_from_change(settled.config) : std::nullopt)
    return Outcome{Verdict::kInUse, shown(key, made), *std::move(reason), {}};
  if (wish.dry_run) return Outcome{Verdict::kChecked, shown(key, made), "", {}};

  Switches switches = switches_;
  const char* const own_switch = switch_of(wish.kind);
  const bool switch_changed =
      shown_before.value(own_switch, json()) != made.stored.shown.value(own_switch, json());
  if (before == nullptr || switch_changed) switches.erase(key);
  switch_in(settled.config, switches);
  GS_CHECK(apply(settled.config, wish.kind));
  json changed = difference(shown_before, made.stored.shown, secrets_before, made.secrets);
  if (before != nullptr && prepared.trigger_secret) changed["secret"] = {{"secret", "set anew"}};
  activity::Entry entry = entry_about(key, before == nullptr ? "makes" : "changes", wish.who);
  if (before != nullptr) entry.summary += ": " + keys_of(changed);
  entry.details["changed"] = changed;
  const auto written = write(
      [&](db::Transaction& transaction) -> Result<void> {
        GS_TRY(made.stored.version, DefinitionStore::next_version(transaction));
        if (!switches.contains(key))
          GS_CHECK(DefinitionStore::turn(transaction, key.first, key.second, std::nullopt));
        entry.details["version"] = made.stored.version;
        return DefinitionStore::save(transaction, made.stored);
      },
      entry);
  if (!written) {
    (void)ports_.apply(config_, std::nullopt);
    return written.error();
  }
  config_ = std::move(settled.config);
  for (scaling::TriggerSpec& trigger : config_.triggers)
    if (trigger.secret_given_once) trigger.secret = Secret();
  const Verdict verdict = before == nullptr ? Verdict::kCreated : Verdict::kChanged;
  const std::scoped_lock lock(mutex_);
  held_ = std::move(settled.held);
  switches_ = std::move(switches);
  return Outcome{verdict, shown(key, held_.at(key)), "", prepared.trigger_secret};
}

Result<Outcome> Registry::remove(Kind kind, const std::string& name, std::int64_t version,
                                 const std::string& who) {
  const std::scoped_lock change(change_mutex_);
  GS_CHECK(require_start());
  const Key key{kind, name};
  const std::string word(word_of(kind));
  if (of_file_.contains(key)) {
    return Outcome{Verdict::kDeclared,
                   *find(kind, name),
                   word + " \"" + name + "\" is declared in the configuration file; take it out there",
                   {}};
  }
  const auto found = held_.find(key);
  if (found == held_.end()) return fail(Errc::kNotFound, "no " + word + " \"" + name + "\"");
  const Declared present = shown(key, found->second);
  if (present.version != version) {
    return Outcome{
        Verdict::kConflict, present, present.changed_by + " changed it meanwhile; look at it again", {}};
  }
  AllHeld next = held_;
  next.erase(key);
  GS_TRY(Settled settled, settle(std::move(next), std::nullopt));
  if (const std::string broken = newly_broken(held_, settled, key); !broken.empty())
    return Outcome{Verdict::kInUse, present, "it is still named by " + broken, {}};
  if (ports_.keeps_from_deletion && !present.left_out) {
    if (auto reason = ports_.keeps_from_deletion(kind, name))
      return Outcome{Verdict::kInUse, present, *std::move(reason), {}};
  }
  if (auto reason = ports_.keeps_from_change ? ports_.keeps_from_change(settled.config) : std::nullopt)
    return Outcome{Verdict::kInUse, present, *std::move(reason), {}};
  Switches switches = switches_;
  switches.erase(key);
  switch_in(settled.config, switches);
  GS_CHECK(apply(settled.config, kind));
  activity::Entry entry = entry_about(key, "deletes", who);
  const auto written = write(
      [&](db::Transaction& transaction) -> Result<void> {
        GS_CHECK(DefinitionStore::turn(transaction, kind, name, std::nullopt));
        return DefinitionStore::remove(transaction, kind, name);
      },
      entry);
  if (!written) {
    (void)ports_.apply(config_, std::nullopt);
    return written.error();
  }
  config_ = std::move(settled.config);
  const std::scoped_lock lock(mutex_);
  held_ = std::move(settled.held);
  switches_ = std::move(switches);
  return Outcome{Verdict::kDeleted, present, "", {}};
}

Result<void> Registry::turn(Kind kind, const std::string& name, bool on, const std::string& who) {
  if (kind != Kind::kRules && kind != Kind::kSchedules) {
    return fail(Errc::kUnsupported, "only rules and schedules are switched here");
  }
  const std::scoped_lock change(change_mutex_);
  GS_CHECK(require_start());
  const Key key{kind, name};
  const auto present = find(kind, name);
  if (!present) return fail(Errc::kNotFound, "no " + std::string(word_of(kind)) + " \"" + name + "\"");
  if (present->left_out) return fail(Errc::kConflict, "it does not run: " + present->fault);
  Switches switches = switches_;
  switches.insert_or_assign(key, on);
  if (switches == switches_) return {};
  config::Config next = config_;
  switch_in(next, switches);
  GS_CHECK(apply(next, kind));
  const char* const verb = kind == Kind::kRules ? (on ? "resumes" : "pauses") : (on ? "enables" : "disables");
  activity::Entry entry = entry_about(key, verb, who);
  const auto written =
      write([&](db::Transaction& transaction) { return DefinitionStore::turn(transaction, kind, name, on); },
            entry);
  if (!written) {
    (void)ports_.apply(config_, std::nullopt);
    return written.error();
  }
  config_ = std::move(next);
  const std::scoped_lock lock(mutex_);
  switches_ = std::move(switches);
  return {};
}

Result<notify::ChannelSpec> Registry::channel_of(const std::string& name, const json& definition) const {
  const std::scoped_lock change(change_mutex_);
  GS_CHECK(require_start());
  const Key key{Kind::kChannels, name};
  const auto found = held_.find(key);
  Wish wish{Kind::kChannels, name, definition, 0, "", true};
  GS_TRY(Prepared prepared, prepare(wish, found == held_.end() ? nullptr : &found->second));
  AllHeld next = held_;
  next.insert_or_assign(key, prepared.held);
  GS_TRY(const Settled settled, settle(std::move(next), Target{key, std::nullopt}));
  if (const std::string& fault = settled.held.at(key).fault; !fault.empty())
    return fail(Errc::kInvalidArgument, fault);
  for (const notify::ChannelSpec& channel : settled.config.channels)
    if (channel.name == name) return channel;
  return fail(Errc::kNotFound, "no channel \"" + name + "\"");
}

}  // namespace gpuscale::declare

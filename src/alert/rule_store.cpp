// SPDX-License-Identifier: Apache-2.0
#include "alert/rule_store.h"

#include <array>
#include <nlohmann/json.hpp>

#include "db/optional_time.h"

namespace gpuscale::alert {
namespace {

using base::from_unix_nanos;
using base::to_unix_nanos;
using nlohmann::json;

constexpr db::Migration kMigrations[] = {
    {1,
     "CREATE TABLE alert_rule ("
     "  name TEXT PRIMARY KEY,"
     "  state TEXT NOT NULL,"
     "  since_ns INTEGER NOT NULL,"
     "  pending_since_ns INTEGER,"
     "  notified_ns INTEGER,"
     "  sequence INTEGER NOT NULL,"
     "  correlation TEXT NOT NULL,"
     "  blindness INTEGER NOT NULL,"
     "  owed TEXT"  // a notification as JSON, NULL = none
     ") STRICT;"},
    {2,
     // One row per state: of the rule, or of each of its series.
     "CREATE TABLE alert_instance ("
     "  rule TEXT NOT NULL,"
     "  labels TEXT NOT NULL,"  // JSON object; "{}" = the rule as a whole
     "  state TEXT NOT NULL,"
     "  since_ns INTEGER NOT NULL,"
     "  pending_since_ns INTEGER,"
     "  notified_ns INTEGER,"
     "  sequence INTEGER NOT NULL,"
     "  correlation TEXT NOT NULL,"
     "  blindness INTEGER NOT NULL,"
     "  owed TEXT,"
     "  fired_ns INTEGER,"
     "  calm_since_ns INTEGER,"
     "  muted INTEGER NOT NULL,"
     "  PRIMARY KEY (rule, labels)"
     ") STRICT;"
     "INSERT INTO alert_instance SELECT name, '{}', state, since_ns, "
     "  pending_since_ns, notified_ns, sequence, correlation, blindness, owed, "
     "  since_ns, NULL, 0 FROM alert_rule;"
     "DROP TABLE alert_rule;"
     "CREATE TABLE alert_silence ("
     "  id TEXT PRIMARY KEY,"
     "  rule TEXT NOT NULL,"
     "  labels TEXT NOT NULL,"
     "  until_ns INTEGER NOT NULL,"
     "  who TEXT NOT NULL,"
     "  comment TEXT NOT NULL"
     ") STRICT;"}};

constexpr std::array kStates = {State::kInactive, State::kPending, State::kFiring, State::kRecovering,
                                State::kNoData,   State::kError,   State::kPaused};

Result<State> parse_state(const std::string& text) {
  for (const State state : kStates) {
    if (to_string(state) == text) return state;
  }
  return fail(Errc::kCorrupt, "alert_instance holds the unknown state \"" + text + "\"");
}

std::string dumped(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string encode(const metrics::Tags& labels) {
  json object = json::object();
  for (const metrics::Tag& tag : labels) object[tag.key] = tag.value;
  return dumped(object);
}

metrics::Tags labels_of(const json& object) {
  metrics::Tags out;
  for (const auto& [key, value] : object.items()) out.push_back({key, value.get<std::string>()});
  return out;
}

std::string encode(const Notification& owed) {
  return dumped({{"channels", owed.channels},
                 {"state", std::string(to_string(owed.state))},
                 {"held", owed.held},
                 {"sequence", owed.sequence},
                 {"correlation", owed.correlation},
                 {"at", to_unix_nanos(owed.at)},
                 {"starts_at", to_unix_nanos(owed.starts_at)},
                 {"title", owed.title},
                 {"text", owed.text},
                 {"message", owed.message},
                 {"pool", owed.pool},
                 {"instance", json::parse(encode(owed.instance))},
                 {"labels", owed.labels},
                 {"annotations", owed.annotations},
                 {"values", owed.values},
                 {"newest_sample", to_unix_nanos(owed.newest_sample)}});
}

Result<Notification> decode(const std::string& rule, const std::string& text) {
  try {
    const json object = json::parse(text);
    Notification owed;
    owed.rule = rule;
    object.at("channels").get_to(owed.channels);
    GS_TRY(owed.state, parse_state(object.at("state").get<std::string>()));
    // What version 1 wrote has fewer fields, and "blind" for "held".
    owed.held = object.value("held", object.value("blind", false));
    object.at("sequence").get_to(owed.sequence);
    object.at("correlation").get_to(owed.correlation);
    owed.at = from_unix_nanos(object.at("at").get<std::int64_t>());
    owed.starts_at = from_unix_nanos(object.value("starts_at", object.at("at").get<std::int64_t>()));
    object.at("title").get_to(owed.title);
    object.at("text").get_to(owed.text);
    owed.message = object.value("message", "");
    owed.pool = object.value("pool", "");
    owed.instance = labels_of(object.value("instance", json::object()));
    owed.labels = object.value("labels", Texts{});
    owed.annotations = object.value("annotations", Texts{});
    owed.values = object.at("values");
    owed.newest_sample = from_unix_nanos(object.at("newest_sample").get<std::int64_t>());
    return owed;
  } catch (const json::exception& broken) {
    return fail(Errc::kCorrupt, "rule \"" + rule + "\" owes what does not decode: " + broken.what());
  }
}

Result<StoredInstance> instance_of(const db::Statement& row) {
  StoredInstance instance;
  const json labels = json::parse(row.text(1), nullptr, false);
  if (!labels.is_object()) return fail(Errc::kCorrupt, "alert_instance holds labels that do not decode");
  instance.labels = labels_of(labels);
  RuleState& state = instance.stored.state;
  GS_TRY(state.state, parse_state(row.text(2)));
  state.since = from_unix_nanos(row.integer(3));
  state.pending_since = db::time_at(row, 4);
  state.notified_at = db::time_at(row, 5);
  state.sequence = static_cast<std::uint64_t>(row.integer(6));
  state.correlation = row.text(7);
  const auto blindness = row.integer(8);
  state.blindness = blindness == 1   ? Blindness::kNoData
                    : blindness == 2 ? Blindness::kError
                                     : Blindness::kNone;
  if (!row.is_null(9)) {
    GS_TRY(instance.stored.owed, decode(row.text(0), row.text(9)));
  }
  state.fired_at = db::time_at(row, 10);
  state.calm_since = db::time_at(row, 11);
  state.muted = row.integer(12) != 0;
  return instance;
}

using Work = std::function<Result<void>(db::Transaction&)>;

}  // namespace

Result<RuleStore> RuleStore::open(db::Database& database) {
  GS_CHECK(database.migrate("alert", kMigrations));
  return RuleStore(database);
}

Result<std::map<std::string, std::vector<StoredInstance>>> RuleStore::load() const {
  using Rules = std::map<std::string, std::vector<StoredInstance>>;
  return database_->read<Rules>([](db::Transaction& transaction) -> Result<Rules> {
    GS_TRY(
        db::Statement select,
        transaction.prepare("SELECT rule, labels, state, since_ns, pending_since_ns, notified_ns, sequence, "
                            "correlation, blindness, owed, fired_ns, calm_since_ns, muted "
                            "FROM alert_instance ORDER BY rule, labels"));
    Rules rules;
    while (true) {
      GS_TRY(const bool more, select.step());
      if (!more) return rules;
      GS_TRY(StoredInstance instance, instance_of(select));
      rules[select.text(0)].push_back(std::move(instance));
    }
  });
}

Result<void> RuleStore::save(db::Transaction& transaction, const std::string& rule,
                             const StoredInstance& instance) {
  GS_TRY(
      db::Statement upsert,
      transaction.prepare("INSERT OR REPLACE INTO alert_instance (rule, labels, state, since_ns, "
                          "pending_since_ns, notified_ns, sequence, correlation, blindness, owed, "
                          "fired_ns, calm_since_ns, muted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  const RuleState& state = instance.stored.state;
  upsert.bind(1, rule)
      .bind(2, encode(instance.labels))
      .bind(3, to_string(state.state))
      .bind(4, to_unix_nanos(state.since));
  db::bind_time(upsert, 5, state.pending_since);
  db::bind_time(upsert, 6, state.notified_at);
  upsert.bind(7, static_cast<std::int64_t>(state.sequence))
      .bind(8, state.correlation)
      .bind(9, static_cast<int>(state.blindness));
  if (instance.stored.owed) {
    upsert.bind(10, encode(*instance.stored.owed));
  } else {
    upsert.bind_null(10);
  }
  db::bind_time(upsert, 11, state.fired_at);
  db::bind_time(upsert, 12, state.calm_since);
  upsert.bind(13, state.muted ? 1 : 0);
  return upsert.run();
}

Result<void> RuleStore::remove(db::Transaction& transaction, const std::string& rule,
                               const metrics::Tags& labels) {
  GS_TRY(db::Statement statement,
         transaction.prepare("DELETE FROM alert_instance WHERE rule = ? AND labels = ?"));
  return statement.bind(1, rule).bind(2, encode(labels)).run();
}

Result<std::vector<Silence>> RuleStore::silences() const {
  using Silences = std::vector<Silence>;
  return database_->read<Silences>([](db::Transaction& transaction) -> Result<Silences> {
    GS_TRY(db::Statement select, transaction.prepare("SELECT id, rule, labels, until_ns, who, comment "
                                                     "FROM alert_silence ORDER BY until_ns"));
    Silences out;
    while (true) {
      GS_TRY(const bool more, select.step());
      if (!more) return out;
      Silence silence;
      silence.id = select.text(0);
      silence.rule = select.text(1);
      for (const metrics::Tag& tag : labels_of(json::parse(select.text(2), nullptr, false))) {
        silence.labels.emplace(tag.key, tag.value);
      }
      silence.until = from_unix_nanos(select.integer(3));
      silence.who = select.text(4);
      silence.comment = select.text(5);
      out.push_back(std::move(silence));
    }
  });
}

Result<void> RuleStore::save(const Silence& silence) {
  return database_->transact(Work([&](db::Transaction& transaction) -> Result<void> {
    GS_TRY(
        db::Statement insert,
        transaction.prepare("INSERT OR REPLACE INTO alert_silence (id, rule, labels, until_ns, who, comment) "
                            "VALUES (?, ?, ?, ?, ?, ?)"));
    return insert.bind(1, silence.id)
        .bind(2, silence.rule)
        .bind(3, dumped(silence.labels))
        .bind(4, to_unix_nanos(silence.until))
        .bind(5, silence.who)
        .bind(6, silence.comment)
        .run();
  }));
}

Result<void> RuleStore::remove_silence(const std::string& id, WallTime now) {
  return database_->transact(Work([&](db::Transaction& transaction) -> Result<void> {
    GS_TRY(db::Statement statement,
           transaction.prepare("DELETE FROM alert_silence WHERE id = ? OR until_ns <= ?"));
    return statement.bind(1, id).bind(2, to_unix_nanos(now)).run();
  }));
}

}  // namespace gpuscale::alert

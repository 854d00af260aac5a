// SPDX-License-Identifier: Apache-2.0
#include "alert/rule_store.h"

#include <array>
#include <nlohmann/json.hpp>

namespace gpuscale::alert {
namespace {

using base::from_unix_nanos;
using base::to_unix_nanos;
using nlohmann::json;

constexpr db::Migration kMigrations[] = {{1,
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
                                          ") STRICT;"}};

constexpr std::array kStates = {State::kInactive, State::kPending, State::kFiring,
                                State::kNoData,   State::kError,   State::kPaused};

Result<State> parse_state(const std::string& text) {
  for (const State state : kStates) {
    if (to_string(state) == text) return state;
  }
  return fail(Errc::kCorrupt, "alert_rule holds the unknown state \"" + text + "\"");
}

std::string encode(const Notification& owed) {
  return json{{"channels", owed.channels},
              {"state", std::string(to_string(owed.state))},
              {"blind", owed.blind},
              {"sequence", owed.sequence},
              {"correlation", owed.correlation},
              {"at", to_unix_nanos(owed.at)},
              {"title", owed.title},
              {"text", owed.text},
              {"values", owed.values},
              {"newest_sample", to_unix_nanos(owed.newest_sample)}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Notification> decode(const std::string& rule, const std::string& text) {
  try {
    const json object = json::parse(text);
    Notification owed;
    owed.rule = rule;
    object.at("channels").get_to(owed.channels);
    GS_TRY(owed.state, parse_state(object.at("state").get<std::string>()));
    object.at("blind").get_to(owed.blind);
    object.at("sequence").get_to(owed.sequence);
    object.at("correlation").get_to(owed.correlation);
    owed.at = from_unix_nanos(object.at("at").get<std::int64_t>());
    object.at("title").get_to(owed.title);
    object.at("text").get_to(owed.text);
    owed.values = object.at("values");
    owed.newest_sample = from_unix_nanos(object.at("newest_sample").get<std::int64_t>());
    return owed;
  } catch (const json::exception& broken) {
    return fail(Errc::kCorrupt, "alert_rule \"" + rule + "\" owes what does not decode: " + broken.what());
  }
}

void bind_time(db::Statement& statement, int position, const std::optional<WallTime>& time) {
  if (time) {
    statement.bind(position, to_unix_nanos(*time));
  } else {
    statement.bind_null(position);
  }
}

std::optional<WallTime> time_at(const db::Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return from_unix_nanos(row.integer(column));
}

Result<StoredRule> rule_of(const db::Statement& row) {
  StoredRule rule;
  GS_TRY(rule.state.state, parse_state(row.text(1)));
  rule.state.since = from_unix_nanos(row.integer(2));
  rule.state.pending_since = time_at(row, 3);
  rule.state.notified_at = time_at(row, 4);
  rule.state.sequence = static_cast<std::uint64_t>(row.integer(5));
  rule.state.correlation = row.text(6);
  const auto blindness = row.integer(7);
  rule.state.blindness = blindness == 1   ? Blindness::kNoData
                         : blindness == 2 ? Blindness::kError
                                          : Blindness::kNone;
  if (!row.is_null(8)) {
    GS_TRY(rule.owed, decode(row.text(0), row.text(8)));
  }
  return rule;
}

}  // namespace

Result<RuleStore> RuleStore::open(db::Database& database) {
  GS_CHECK(database.migrate("alert", kMigrations));
  return RuleStore(database);
}

Result<std::map<std::string, StoredRule>> RuleStore::load() const {
  using Rules = std::map<std::string, StoredRule>;
  return database_->read<Rules>([](db::Transaction& transaction) -> Result<Rules> {
    GS_TRY(db::Statement select,
           transaction.prepare("SELECT name, state, since_ns, pending_since_ns, notified_ns, sequence, "
                               "correlation, blindness, owed FROM alert_rule"));
    Rules rules;
    while (true) {
      GS_TRY(const bool more, select.step());
      if (!more) return rules;
      GS_TRY(StoredRule rule, rule_of(select));
      rules.emplace(select.text(0), std::move(rule));
    }
  });
}

Result<void> RuleStore::save(db::Transaction& transaction, const std::string& name, const StoredRule& rule) {
  GS_TRY(db::Statement upsert,
         transaction.prepare("INSERT OR REPLACE INTO alert_rule (name, state, since_ns, pending_since_ns, "
                             "notified_ns, sequence, correlation, blindness, owed) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  upsert.bind(1, name).bind(2, to_string(rule.state.state)).bind(3, to_unix_nanos(rule.state.since));
  bind_time(upsert, 4, rule.state.pending_since);
  bind_time(upsert, 5, rule.state.notified_at);
  upsert.bind(6, static_cast<std::int64_t>(rule.state.sequence))
      .bind(7, rule.state.correlation)
      .bind(8, static_cast<int>(rule.state.blindness));
  if (rule.owed) {
    upsert.bind(9, encode(*rule.owed));
  } else {
    upsert.bind_null(9);
  }
  return upsert.run();
}

Result<void> RuleStore::remove(db::Transaction& transaction, const std::string& name) {
  GS_TRY(db::Statement statement, transaction.prepare("DELETE FROM alert_rule WHERE name = ?"));
  return statement.bind(1, name).run();
}

}  // namespace gpuscale::alert

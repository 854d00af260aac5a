// SPDX-License-Identifier: Apache-2.0
#include "alert/engine.h"

#include "alert/live_engine.h"

namespace gpuscale::alert {

std::string_view to_string(State state) {
  switch (state) {
    case State::kInactive:
      return "inactive";
    case State::kPending:
      return "pending";
    case State::kFiring:
      return "firing";
    case State::kRecovering:
      return "recovering";
    case State::kNoData:
      return "no_data";
    case State::kError:
      return "error";
    case State::kPaused:
      return "paused";
  }
  return "?";
}

Result<std::unique_ptr<Engine>> Engine::open(db::Database& database, activity::Ledger& ledger,
                                             datasource::DataSource& source, const Clock& clock, log::Log log,
                                             Sink sink, EngineOptions options) {
  GS_TRY(RuleStore store, RuleStore::open(database));
  GS_TRY(std::vector<Silence> silences, store.silences());
  return std::unique_ptr<Engine>(new LiveEngine(
      {database, store, ledger, source, clock, std::move(log), std::move(sink), std::move(options)},
      std::move(silences)));
}

}  // namespace gpuscale::alert

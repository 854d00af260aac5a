// SPDX-License-Identifier: Apache-2.0
/// All that is declared: by the file, and through the API while the server runs. Both are read by the same
/// readers as one set; a change is checked against all of it, made to hold, and written down with its entry
/// in the ledger. A definition that cannot hold after a restart (a lost key, a channel that the file no
/// longer has) is left out with its reason and never stops the rest. Thread-safe.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "activity/ledger.h"
#include "base/result.h"
#include "base/time.h"
#include "db/database.h"
#include "declare/declared.h"
#include "declare/definition_store.h"
#include "declare/secrets.h"
#include "declare/vault.h"
#include "log/log.h"

namespace gpuscale::declare {

/// The configuration file, as read.
struct File {
  std::string text;  ///< "" = none
  std::string name;
  config::Environment environment;
};

struct Ports {
  /// Makes this set hold, in place of the last, and keeps the state of all that stays the same. Called by one
  /// thread at a time. `changed` tells what alone differs; nullopt = anything. A failure may leave it half
  /// done: the last set is then given again.
  std::function<Result<void>(const config::Config&, std::optional<config::Kind> changed)> apply;
  /// Why it must not be deleted now (a pool that has nodes); nullopt = it may.
  std::function<std::optional<std::string>(config::Kind, const std::string& name)> keeps_from_deletion;
  /// Why this set must not take the place of the present one (a policy that somebody promoted is not in it);
  /// nullopt = it may. May be empty.
  std::function<std::optional<std::string>(const config::Config& next)> keeps_from_change{};
};

class Registry {
 public:
  static constexpr std::size_t kMostDefinitions = 20'000;

  /// Errors: those of the file and the database.
  static Result<std::unique_ptr<Registry>> open(db::Database& database, activity::Ledger& ledger,
                                                const Clock& clock, log::Log log, Vault vault, File file,
                                                Ports ports);
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Makes all that is declared hold for the first time. Errors: those of the port.
  Result<void> start();

  std::optional<Declared> find(config::Kind kind, const std::string& name) const;
  std::vector<Declared> list(config::Kind kind) const;  ///< by name
  /// The file's, where nothing of this name is held.
  Standing standing(config::Kind kind, const std::string& name) const;
  std::vector<Declared> left_out(config::Kind kind) const;  ///< what does not run, by name

  /// Errors: kInvalidArgument with the faults ("definition.condition: ..."), kUnavailable (not started; no
  /// key to seal with), kExhausted; those of the port and the database. What others have to say is an
  /// outcome.
  Result<Outcome> put(const Wish& wish);
  /// Errors: kNotFound.
  Result<Outcome> remove(config::Kind kind, const std::string& name, std::int64_t version,
                         const std::string& who);
  /// Pauses a rule, switches a schedule off, or lets it go on, whatever its definition says; of the file's
  /// too. Lasts over restarts, until it is called again or the definition says something else. Errors:
  /// kNotFound, kUnsupported (another kind).
  Result<void> turn(config::Kind kind, const std::string& name, bool on, const std::string& who);

  /// The channel that this definition makes, checked as put() checks it, with the secrets that it keeps.
  /// Errors: as put().
  Result<notify::ChannelSpec> channel_of(const std::string& name, const nlohmann::json& definition) const;

 private:
  using Key = std::pair<config::Kind, std::string>;
  /// One definition of the API's with its secrets.
  struct Held {
    StoredDefinition stored;
    Secrets secrets;
    std::string locked;  ///< why its secrets cannot be opened; "" = they are open
    std::string fault;
    bool left_out = false;
  };
  using AllHeld = std::map<Key, Held>;
  struct Settled {
    config::Config config;
    AllHeld held;  ///< with their faults
  };
  /// What put() is about while it is checked: nothing of it is left out silently.
  struct Target {
    Key key;
    std::optional<Secret> trigger_secret;
  };
  struct Prepared {
    Held held;
    std::optional<Secret> trigger_secret;
  };

  Registry(DefinitionStore store, activity::Ledger& ledger, const Clock& clock, log::Log log, Vault vault,
           File file, Ports ports)
      : store_(store),
        ledger_(ledger),
        clock_(clock),
        log_(std::move(log)),
        vault_(std::move(vault)),
        file_(std::move(file)),
        ports_(std::move(ports)) {}

  Held opened(StoredDefinition stored) const;
  Result<Prepared> prepare(const Wish& wish, const Held* before) const;
  Result<Settled> settle(AllHeld held, const std::optional<Target>& target) const;
  std::vector<config::Definition> compose(AllHeld& held, const std::optional<Target>& target) const;
  void switch_in(config::Config& config, const Switches& switches) const;
  Result<void> require_start() const;
  Result<void> apply(const config::Config& next, config::Kind changed);
  Declared shown(const Key& key, const Held& held) const;
  std::optional<Declared> find_locked(const Key& key) const;
  static std::string newly_broken(const AllHeld& before, const Settled& after, const Key& but);
  Result<void> write(const std::function<Result<void>(db::Transaction&)>& work, activity::Entry& entry);
  activity::Entry entry_about(const Key& key, const std::string& verb, const std::string& who) const;

  DefinitionStore store_;
  activity::Ledger& ledger_;
  const Clock& clock_;
  log::Log log_;
  const Vault vault_;
  const File file_;
  const Ports ports_;
  config::DefinitionsByName of_file_;  ///< without secrets

  mutable std::mutex change_mutex_;  ///< one change at a time; taken before mutex_
  bool started_ = false;
  config::Config config_;  ///< that holds; without secrets that were given once

  mutable std::mutex mutex_;  ///< guards what readers see
  AllHeld held_;
  Switches switches_;
};

}  // namespace gpuscale::declare

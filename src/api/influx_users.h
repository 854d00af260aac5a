// SPDX-License-Identifier: Apache-2.0
/// The users that InfluxDB's statements make (CREATE USER ...), kept in state.db, their passwords as scrypt.
/// They reach InfluxDB's endpoints and nothing else: no pool, no trigger, no console. Start at
/// InfluxUsers::open(). Thread-safe.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/credentials.h"
#include "base/time.h"
#include "db/database.h"
#include "influxql/users.h"

namespace gpuscale::api {

/// Who calls one of InfluxDB's endpoints, as far as its own users go.
struct InfluxUser {
  std::string name;
  bool admin = false;
  std::map<std::string, influxql::Privilege, std::less<>> grants;  ///< by database

  bool may_read(std::string_view database) const;
  bool may_write(std::string_view database) const;
};

class InfluxUsers final : public influxql::Users {
 public:
  /// Creates its tables in `database`, which outlives it, as does `clock`. Errors: the database's.
  static Result<std::unique_ptr<InfluxUsers>> open(db::Database& database, const Clock& clock);

  /// Nothing where name or password is wrong. The first check of a password takes about 50 ms, one at a time;
  /// that it was right is remembered for kRemembered.
  std::optional<InfluxUser> authenticate(const Credentials& credentials);

  std::vector<User> all() const override;
  Result<std::vector<Grant>> grants(std::string_view user) const override;
  Result<void> create(const std::string& name, const Secret& password, bool admin) override;
  Result<void> set_password(std::string_view user, const Secret& password) override;
  Result<void> set_admin(std::string_view user, bool admin) override;
  Result<void> set_grant(std::string_view user, const std::string& database,
                         influxql::Privilege privilege) override;
  Result<void> drop(std::string_view user) override;
  Result<void> forget_database(std::string_view database) override;

  static constexpr std::chrono::minutes kRemembered{5};
  static constexpr std::size_t kMaxUsers = 10'000;

 private:
  struct Held {
    std::int64_t id = 0;
    std::string hash;
    InfluxUser user;
    std::string right;  ///< SHA-256 of the password last found right; empty = none
    MonoTime right_until{};
  };

  InfluxUsers(db::Database& database, const Clock& clock) : database_(database), clock_(clock) {}
  Result<void> load();
  std::vector<Held>::iterator find(std::string_view name);
  std::vector<Held>::const_iterator find(std::string_view name) const;

  db::Database& database_;
  const Clock& clock_;
  std::mutex change_mutex_;  ///< one change at a time; before mutex_
  std::mutex scrypt_mutex_;  ///< one password at a time: guessing must not take every core
  mutable std::mutex mutex_;
  std::vector<Held> users_;  ///< in order of creation
};

}  // namespace gpuscale::api

// SPDX-License-Identifier: Apache-2.0
/// The users that InfluxQL's statements make, show and remove (CREATE USER, GRANT, SHOW GRANTS ...): a port,
/// since passwords and their checks are no business of a query language.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace gpuscale::influxql {

/// What a user may do with a database. kAll contains the two others.
enum class Privilege { kNone, kRead, kWrite, kAll };

/// "NO PRIVILEGES", "READ", "WRITE", "ALL PRIVILEGES", as SHOW GRANTS has it.
constexpr std::string_view to_string(Privilege privilege) {
  switch (privilege) {
    case Privilege::kRead:
      return "READ";
    case Privilege::kWrite:
      return "WRITE";
    case Privilege::kAll:
      return "ALL PRIVILEGES";
    case Privilege::kNone:
      break;
  }
  return "NO PRIVILEGES";
}

/// Thread-safe. Every change lasts once it has returned.
class Users {
 public:
  struct User {
    std::string name;
    bool admin = false;
  };
  struct Grant {
    std::string database;
    Privilege privilege = Privilege::kNone;
  };

  virtual ~Users() = default;

  virtual std::vector<User> all() const = 0;  ///< in order of creation
  /// Ascending by database. Errors: kNotFound "user not found".
  virtual Result<std::vector<Grant>> grants(std::string_view user) const = 0;

  /// The very same user again is no error. Errors: kInvalidArgument "username required"; kConflict "user
  /// already exists" with another password or standing; kExhausted.
  virtual Result<void> create(const std::string& name, const Secret& password, bool admin) = 0;
  /// These four: errors: kNotFound "user not found".
  virtual Result<void> set_password(std::string_view user, const Secret& password) = 0;
  virtual Result<void> set_admin(std::string_view user, bool admin) = 0;
  /// In the place of what the user might do with this database.
  virtual Result<void> set_grant(std::string_view user, const std::string& database, Privilege privilege) = 0;
  virtual Result<void> drop(std::string_view user) = 0;
  /// Nobody may do anything with a database that is dropped, nor with its namesake that comes later.
  virtual Result<void> forget_database(std::string_view database) = 0;
};

}  // namespace gpuscale::influxql

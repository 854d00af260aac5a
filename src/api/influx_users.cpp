// SPDX-License-Identifier: Apache-2.0
#include "api/influx_users.h"

#include <algorithm>

#include "base/digest.h"

namespace gpuscale::api {

namespace {

using influxql::Privilege;

constexpr db::Migration kMigrations[] = {{1,
                                          "CREATE TABLE influx_user ("
                                          "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                          "  name TEXT NOT NULL UNIQUE,"
                                          "  hash TEXT NOT NULL,"
                                          "  admin INTEGER NOT NULL"
                                          ") STRICT;"
                                          "CREATE TABLE influx_grant ("
                                          "  user INTEGER NOT NULL,"
                                          "  database TEXT NOT NULL,"
                                          "  privilege INTEGER NOT NULL,"
                                          "  PRIMARY KEY (user, database)"
                                          ") STRICT;"}};

Error user_not_found() {
  return fail(Errc::kNotFound, "user not found");
}

}  // namespace

bool InfluxUser::may_read(std::string_view database) const {
  const auto found = grants.find(database);
  return admin ||
         (found != grants.end() && (found->second == Privilege::kRead || found->second == Privilege::kAll));
}

bool InfluxUser::may_write(std::string_view database) const {
  const auto found = grants.find(database);
  return admin ||
         (found != grants.end() && (found->second == Privilege::kWrite || found->second == Privilege::kAll));
}

Result<std::unique_ptr<InfluxUsers>> InfluxUsers::open(db::Database& database, const Clock& clock) {
  GS_CHECK(database.migrate("influx_users", kMigrations));
  std::unique_ptr<InfluxUsers> users(new InfluxUsers(database, clock));
  GS_CHECK(users->load());
  return users;
}

Result<void> InfluxUsers::load() {
  return database_.transact([this](db::Transaction& t) -> Result<void> {
    GS_TRY(db::Statement select, t.prepare("SELECT id, name, hash, admin FROM influx_user ORDER BY id"));
    while (true) {
      GS_TRY(const bool row, select.step());
      if (!row) break;
      Held& held = users_.emplace_back();
      held.id = select.integer(0);
      held.hash = select.text(2);
      held.user.name = select.text(1);
      held.user.admin = select.integer(3) != 0;
    }
    GS_TRY(db::Statement grants, t.prepare("SELECT user, database, privilege FROM influx_grant"));
    while (true) {
      GS_TRY(const bool row, grants.step());
      if (!row) return {};
      for (Held& held : users_) {
        if (held.id == grants.integer(0))
          held.user.grants[grants.text(1)] = static_cast<Privilege>(grants.integer(2));
      }
    }
  });
}

std::vector<InfluxUsers::Held>::iterator InfluxUsers::find(std::string_view name) {
  return std::find_if(users_.begin(), users_.end(),
                      [name](const Held& held) { return held.user.name == name; });
}

std::vector<InfluxUsers::Held>::const_iterator InfluxUsers::find(std::string_view name) const {
  return std::find_if(users_.begin(), users_.end(),
                      [name](const Held& held) { return held.user.name == name; });
}

std::optional<InfluxUser> InfluxUsers::authenticate(const Credentials& credentials) {
  std::string hash;
  const std::string digest = base::sha256_hex(credentials.secret.reveal());
  {
    const std::scoped_lock lock(mutex_);
    const auto found = find(credentials.user);
    if (found == users_.end()) return std::nullopt;
    if (found->right == digest && clock_.mono() < found->right_until) return found->user;
    hash = found->hash;
  }
  {
    const std::scoped_lock one_at_a_time(scrypt_mutex_);
    if (!base::verify_password(credentials.secret.reveal(), hash)) return std::nullopt;
  }
  const std::scoped_lock lock(mutex_);
  const auto found = find(credentials.user);
  // Changed or dropped while the password was checked.
  if (found == users_.end() || found->hash != hash) return std::nullopt;
  found->right = digest;
  found->right_until = clock_.mono() + kRemembered;
  return found->user;
}

std::vector<influxql::Users::User> InfluxUsers::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<User> out;
  for (const Held& held : users_) out.push_back({held.user.name, held.user.admin});
  return out;
}

Result<std::vector<influxql::Users::Grant>> InfluxUsers::grants(std::string_view user) const {
  const std::scoped_lock lock(mutex_);
  const auto found = find(user);
  if (found == users_.end()) return user_not_found();
  std::vector<Grant> out;
  for (const auto& [database, privilege] : found->user.grants) out.push_back({database, privilege});
  return out;
}

Result<void> InfluxUsers::create(const std::string& name, const Secret& password, bool admin) {
  if (name.empty()) return fail(Errc::kInvalidArgument, "username required");
  const std::scoped_lock change(change_mutex_);
  std::optional<Held> present;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = find(name); found != users_.end()) present = *found;
    if (!present && users_.size() >= kMaxUsers)
      return fail(Errc::kExhausted, "there are " + std::to_string(kMaxUsers) + " users already; drop some");
  }
  if (present) {
    const bool same = present->user.admin == admin && base::verify_password(password.reveal(), present->hash);
    return same ? Result<void>() : fail(Errc::kConflict, "user already exists");
  }
  Held made;
  made.hash = base::hash_password(password.reveal());
  made.user.name = name;
  made.user.admin = admin;
  GS_CHECK(database_.transact([&](db::Transaction& t) -> Result<void> {
    GS_TRY(db::Statement insert, t.prepare("INSERT INTO influx_user (name, hash, admin) VALUES (?, ?, ?)"));
    GS_CHECK(insert.bind(1, name).bind(2, made.hash).bind(3, std::int64_t{admin}).run());
    made.id = t.last_insert_id();
    return {};
  }));
  const std::scoped_lock lock(mutex_);
  users_.push_back(std::move(made));
  return {};
}

Result<void> InfluxUsers::set_password(std::string_view user, const Secret& password) {
  const std::scoped_lock change(change_mutex_);
  GS_CHECK(grants(user));
  const std::string hash = base::hash_password(password.reveal());
  GS_CHECK(database_.transact([&](db::Transaction& t) -> Result<void> {
    GS_TRY(db::Statement update, t.prepare("UPDATE influx_user SET hash = ? WHERE name = ?"));
    return update.bind(1, hash).bind(2, user).run();
  }));
  const std::scoped_lock lock(mutex_);
  const auto found = find(user);
  found->hash = hash;
  found->right.clear();
  return {};
}

Result<void> InfluxUsers::set_admin(std::string_view user, bool admin) {
  const std::scoped_lock change(change_mutex_);
  GS_CHECK(grants(user));
  GS_CHECK(database_.transact([&](db::Transaction& t) -> Result<void> {
    GS_TRY(db::Statement update, t.prepare("UPDATE influx_user SET admin = ? WHERE name = ?"));
    return update.bind(1, std::int64_t{admin}).bind(2, user).run();
  }));
  const std::scoped_lock lock(mutex_);
  find(user)->user.admin = admin;
  return {};
}

Result<void> InfluxUsers::set_grant(std::string_view user, const std::string& database, Privilege privilege) {
  const std::scoped_lock change(change_mutex_);
  GS_CHECK(grants(user));
  GS_CHECK(database_.transact([&](db::Transaction& t) -> Result<void> {
    GS_TRY(db::Statement put, t.prepare("INSERT OR REPLACE INTO influx_grant (user, database, privilege) "
                                        "SELECT id, ?, ? FROM influx_user WHERE name = ?"));
    return put.bind(1, database).bind(2, static_cast<std::int64_t>(privilege)).bind(3, user).run();
  }));
  const std::scoped_lock lock(mutex_);
  find(user)->user.grants[database] = privilege;
  return {};
}

Result<void> InfluxUsers::drop(std::string_view user) {
  const std::scoped_lock change(change_mutex_);
  GS_CHECK(grants(user));
  GS_CHECK(database_.transact([&](db::Transaction& t) -> Result<void> {
    GS_TRY(db::Statement gone, t.prepare("DELETE FROM influx_grant WHERE user IN "
                                         "(SELECT id FROM influx_user WHERE name = ?)"));
    GS_CHECK(gone.bind(1, user).run());
    GS_TRY(db::Statement remove, t.prepare("DELETE FROM influx_user WHERE name = ?"));
    return remove.bind(1, user).run();
  }));
  const std::scoped_lock lock(mutex_);
  users_.erase(find(user));
  return {};
}

Result<void> InfluxUsers::forget_database(std::string_view database) {
  const std::scoped_lock change(change_mutex_);
  {
    const std::scoped_lock lock(mutex_);
    if (std::none_of(users_.begin(), users_.end(),
                     [database](const Held& held) { return held.user.grants.contains(database); }))
      return {};
  }
  GS_CHECK(database_.transact([&](db::Transaction& t) -> Result<void> {
    GS_TRY(db::Statement gone, t.prepare("DELETE FROM influx_grant WHERE database = ?"));
    return gone.bind(1, database).run();
  }));
  const std::scoped_lock lock(mutex_);
  for (Held& held : users_) {
    if (const auto found = held.user.grants.find(database); found != held.user.grants.end())
      held.user.grants.erase(found);
  }
  return {};
}

}  // namespace gpuscale::api

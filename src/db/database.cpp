// SPDX-License-Identifier: Apache-2.0
#include "db/database.h"

#include <sqlite3.h>

#include <algorithm>

#include "db/sqlite_error.h"

namespace gpuscale::db {
namespace {

// Another process may hold the file for a moment (a user's sqlite3 shell, a backup); we wait that long for
// it.
constexpr int kBusyTimeoutMs = 5'000;
constexpr std::string_view kMemory = ":memory:";

Result<void> execute(sqlite3* connection, const std::string& sql) {
  const int rc = sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return sqlite_error(connection, rc, sql.substr(0, 80));
  return {};
}

}  // namespace

Error sqlite_error(sqlite3* connection, int code, std::string_view what) {
  Errc kind = Errc::kInternal;
  switch (code & 0xff) {
    case SQLITE_FULL:
      kind = Errc::kExhausted;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      kind = Errc::kUnavailable;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      kind = Errc::kCorrupt;
      break;
    default:
      break;
  }
  const char* reason = connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  return fail(kind, std::string(what) + ": " + reason);
}

Result<Statement> Transaction::prepare(std::string_view sql) {
  Prepared prepared = cache_.take(sql);
  if (prepared.handle == nullptr) {
    prepared.sql = sql;
    const int rc = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &prepared.handle, nullptr);
    if (rc != SQLITE_OK) return sqlite_error(connection_, rc, sql);
  }
  return Statement(connection_, cache_, std::move(prepared));
}

Result<void> Transaction::execute(std::string_view sql) {
  return db::execute(connection_, std::string(sql));
}

std::int64_t Transaction::last_insert_id() const {
  return sqlite3_last_insert_rowid(connection_);
}

int Transaction::changes() const {
  return sqlite3_changes(connection_);
}

bool is_in_memory(std::string_view path) {
  return path.empty() || path == kMemory;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  sqlite3* connection = nullptr;
  const std::string file(is_in_memory(path) ? kMemory : path);
  const int rc = sqlite3_open_v2(file.c_str(), &connection,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (rc != SQLITE_OK) {
    Error error = sqlite_error(connection, rc, "cannot open database " + file);
    sqlite3_close_v2(connection);
    return error;
  }
  std::unique_ptr<Database> database(new Database(connection, file));
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  // 2 MiB of page cache: the tables are small, and an idle server must stay small too.
  // Of the first of them a file takes notice before its first table alone.
  for (const char* pragma :
       {"PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON", "PRAGMA cache_size=-2048", "PRAGMA temp_store=MEMORY"}) {
    if (auto done = execute(connection, pragma); !done) {
      return std::move(done).error().with_context("cannot open database " + file);
    }
  }
  return database;
}

Database::~Database() {
  cache_.clear();
  sqlite3_close_v2(connection_);
}

Result<void> Database::run(std::string_view sql) {
  GS_TRY(Statement statement, Transaction(connection_, cache_).prepare(sql));
  return statement.run();
}

Result<void> Database::finish(bool commit) {
  if (commit) {
    auto committed = run("COMMIT");
    if (committed) return {};
    (void)run("ROLLBACK");
    return committed;
  }
  // A failed statement may have rolled back already (disk full): then there is nothing left to do.
  if (sqlite3_get_autocommit(connection_) != 0) return {};
  return run("ROLLBACK");
}

Result<void> Database::transact(const std::function<Result<void>(Transaction&)>& work) {
  const std::scoped_lock lock(mutex_);
  GS_CHECK(run("BEGIN IMMEDIATE"));
  Open open(*this);
  Transaction transaction(connection_, cache_);
  auto result = work(transaction);
  if (auto finished = open.finish(result.has_value()); !finished && result) return finished;
  return result;
}

Result<std::int64_t> Database::give_back(std::int64_t keep, std::int64_t most) {
  const auto number = [](Transaction& transaction, std::string_view sql) -> Result<std::int64_t> {
    GS_TRY(Statement statement, transaction.prepare(sql));
    GS_TRY(const bool found, statement.step());
    return found ? statement.integer(0) : 0;
  };
  std::int64_t given = 0;
  GS_CHECK(transact([&](Transaction& transaction) -> Result<void> {
    GS_TRY(const std::int64_t free, number(transaction, "PRAGMA freelist_count"));
    const std::int64_t pages = std::min(free - keep, most);
    if (pages <= 0) return {};
    GS_CHECK(transaction.execute("PRAGMA incremental_vacuum(" + std::to_string(pages) + ")"));
    GS_TRY(const std::int64_t left, number(transaction, "PRAGMA freelist_count"));
    given = free - left;
    return {};
  }));
  return given;
}

Result<void> Database::migrate(std::string_view name, std::span<const Migration> migrations) {
  return transact([&](Transaction& transaction) -> Result<void> {
    GS_CHECK(
        transaction.execute("CREATE TABLE IF NOT EXISTS schema_versions (name TEXT PRIMARY KEY, version "
                            "INTEGER NOT NULL) STRICT"));
    int present = 0;
    {
      GS_TRY(Statement select, transaction.prepare("SELECT version FROM schema_versions WHERE name = ?"));
      select.bind(1, name);
      GS_TRY(const bool found, select.step());
      if (found) present = static_cast<int>(select.integer(0));
    }
    const int newest = migrations.empty() ? 0 : migrations.back().version;
    if (present > newest) {
      return fail(Errc::kConflict, path_ + " was written by a newer gpuscale (schema " + std::string(name) +
                                       " " + std::to_string(present) + ", this one knows " +
                                       std::to_string(newest) + "); run that version, or restore a backup");
    }
    for (const Migration& migration : migrations) {
      if (migration.version <= present) continue;
      if (auto done = transaction.execute(migration.sql); !done) {
        return std::move(done).error().with_context("schema " + std::string(name) + " step " +
                                                    std::to_string(migration.version));
      }
    }
    GS_TRY(Statement upsert,
           transaction.prepare("INSERT INTO schema_versions (name, version) VALUES (?, ?) "
                               "ON CONFLICT (name) DO UPDATE SET version = excluded.version"));
    upsert.bind(1, name).bind(2, newest);
    return upsert.run();
  });
}

}  // namespace gpuscale::db

// SPDX-License-Identifier: Apache-2.0
/// RAII over SQLite (WAL, synchronous=FULL). One Database = one connection behind a mutex; a Transaction
/// holds it. SQL only through bound parameters. No domain words here.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "db/statement_cache.h"

struct sqlite3;

namespace gpuscale::db {

/// A prepared statement. Bind positions count from 1, columns from 0, as SQLite has them. Not thread-safe;
/// use it inside the Transaction that made it, which it does not outlive.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& bind(int position, std::int64_t value);
  Statement& bind(int position, int value) { return bind(position, static_cast<std::int64_t>(value)); }
  Statement& bind(int position, double value);
  Statement& bind(int position, std::string_view text);
  Statement& bind(int position, const char* text) { return bind(position, std::string_view(text)); }
  /// @param bytes are not copied: they stay as they are until it was run
  Statement& bind_blob(int position, std::string_view bytes);
  Statement& bind_null(int position);

  /// Moves to the next row; false when there is none. Errors also carry a failed bind.
  Result<bool> step();
  /// Runs a statement that yields no rows.
  Result<void> run();
  /// Ready to be bound and run again.
  void reset();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  std::string_view blob(int column) const;  ///< until the next step
  bool is_null(int column) const;

 private:
  friend class Transaction;
  Statement(sqlite3* connection, StatementCache& cache, Prepared prepared)
      : connection_(connection), cache_(&cache), sql_(std::move(prepared.sql)), statement_(prepared.handle) {}
  sqlite3* connection_;
  StatementCache* cache_;  ///< where it goes when it is no longer used
  std::string sql_;
  sqlite3_stmt* statement_;
  int bind_error_ = 0;
};

/// Work inside BEGIN IMMEDIATE .. COMMIT; obtained from Database::transact().
class Transaction {
 public:
  Result<Statement> prepare(std::string_view sql);
  Result<void> execute(std::string_view sql);  ///< one or more statements without parameters
  std::int64_t last_insert_id() const;
  int changes() const;

 private:
  friend class Database;
  Transaction(sqlite3* connection, StatementCache& cache) : connection_(connection), cache_(cache) {}
  sqlite3* connection_;
  StatementCache& cache_;
};

/// A step of a schema's life: applied once, in order of `version`, inside a transaction.
struct Migration {
  int version;
  std::string_view sql;
};

/// Whether that path ("" or ":memory:") names a database that is on no disk.
bool is_in_memory(std::string_view path);

class Database {
 public:
  /// Opens or creates the file ("" or ":memory:" = in memory). Errors: kUnavailable naming path and reason;
  /// kCorrupt where the file is no database.
  static Result<std::unique_ptr<Database>> open(const std::string& path);
  ~Database();

  /// Brings the schema called `name` (one per room) to its newest version. Errors: kConflict where the file
  /// was written by a newer gpuscale.
  Result<void> migrate(std::string_view name, std::span<const Migration> migrations);

  /// Runs `work` in one transaction: committed (on disk) when it returns a value, rolled back when it returns
  /// an error or the commit fails. Blocks others; keep it short and never call out from within.
  template <typename T>
  Result<T> transact(const std::function<Result<T>(Transaction&)>& work);
  Result<void> transact(const std::function<Result<void>(Transaction&)>& work);
  /// The same for reads only: no write lock is taken.
  template <typename T>
  Result<T> read(const std::function<Result<T>(Transaction&)>& work);

  /// Gives free pages (4 KiB each) back to the file system: all but `keep`, and at most `most` at once, for
  /// which others wait. @return how many; none in a file made before this was there, whose free pages are
  /// only used again.
  Result<std::int64_t> give_back(std::int64_t keep, std::int64_t most);

  const std::string& path() const { return path_; }

  /// For tests that die at every write: called before each commit and after it, with the connection held; may
  /// throw, as a crash would.
  void set_commit_hook(std::function<void(bool committed)> hook) { commit_hook_ = std::move(hook); }

 private:
  Database(sqlite3* connection, std::string path) : connection_(connection), path_(std::move(path)) {}
  Result<void> run(std::string_view sql);  ///< one statement without parameters, kept for its next use
  Result<void> finish(bool commit);

  /// Rolls back what nobody finished: work that throws must not leave the connection inside a transaction,
  /// where every later one would be refused.
  class Open {
   public:
    explicit Open(Database& database) : database_(database) {}
    ~Open() {
      if (!finished_) (void)database_.finish(false);
    }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;
    Result<void> finish(bool commit) {
      if (commit && database_.commit_hook_) database_.commit_hook_(false);
      finished_ = true;
      auto done = database_.finish(commit);
      if (commit && done && database_.commit_hook_) database_.commit_hook_(true);
      return done;
    }

   private:
    Database& database_;
    bool finished_ = false;
  };

  std::mutex mutex_;
  sqlite3* connection_;
  StatementCache cache_;
  std::string path_;
  std::function<void(bool)> commit_hook_;
};

template <typename T>
Result<T> Database::transact(const std::function<Result<T>(Transaction&)>& work) {
  const std::scoped_lock lock(mutex_);
  GS_CHECK(run("BEGIN IMMEDIATE"));
  Open open(*this);
  Transaction transaction(connection_, cache_);
  Result<T> result = work(transaction);
  if (auto finished = open.finish(result.has_value()); !finished && result)
    return std::move(finished).error();
  return result;
}

template <typename T>
Result<T> Database::read(const std::function<Result<T>(Transaction&)>& work) {
  const std::scoped_lock lock(mutex_);
  GS_CHECK(run("BEGIN"));
  Open open(*this);
  Transaction transaction(connection_, cache_);
  Result<T> result = work(transaction);
  if (auto finished = open.finish(false); !finished && result) return std::move(finished).error();
  return result;
}

}  // namespace gpuscale::db

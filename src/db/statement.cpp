// SPDX-License-Identifier: Apache-2.0
#include <sqlite3.h>

#include "db/database.h"
#include "db/sqlite_error.h"

namespace gpuscale::db {

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      cache_(other.cache_),
      sql_(std::move(other.sql_)),
      statement_(std::exchange(other.statement_, nullptr)),
      bind_error_(other.bind_error_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(connection_, other.connection_);
  std::swap(cache_, other.cache_);
  std::swap(sql_, other.sql_);
  std::swap(statement_, other.statement_);
  std::swap(bind_error_, other.bind_error_);
  return *this;
}

Statement::~Statement() {
  if (statement_ != nullptr) cache_->put({std::move(sql_), statement_});
}

Statement& Statement::bind(int position, std::int64_t value) {
  if (const int rc = sqlite3_bind_int64(statement_, position, value); rc != SQLITE_OK) bind_error_ = rc;
  return *this;
}

Statement& Statement::bind(int position, double value) {
  if (const int rc = sqlite3_bind_double(statement_, position, value); rc != SQLITE_OK) bind_error_ = rc;
  return *this;
}

Statement& Statement::bind(int position, std::string_view text) {
  const int rc = sqlite3_bind_text64(statement_, position, text.data() == nullptr ? "" : text.data(),
                                     text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (rc != SQLITE_OK) bind_error_ = rc;
  return *this;
}

Statement& Statement::bind_blob(int position, std::string_view bytes) {
  const int rc = sqlite3_bind_blob64(statement_, position, bytes.data() == nullptr ? "" : bytes.data(),
                                     bytes.size(), SQLITE_STATIC);
  if (rc != SQLITE_OK) bind_error_ = rc;
  return *this;
}

Statement& Statement::bind_null(int position) {
  if (const int rc = sqlite3_bind_null(statement_, position); rc != SQLITE_OK) bind_error_ = rc;
  return *this;
}

Result<bool> Statement::step() {
  if (bind_error_ != 0)
    return fail(Errc::kInternal, std::string("cannot bind: ") + sqlite3_errstr(bind_error_));
  const int rc = sqlite3_step(statement_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  return sqlite_error(connection_, rc, sqlite3_sql(statement_));
}

Result<void> Statement::run() {
  GS_TRY(const bool row, step());
  (void)row;
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bind_error_ = 0;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_, column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Statement::blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

}  // namespace gpuscale::db

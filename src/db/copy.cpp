// SPDX-License-Identifier: Apache-2.0
#include "db/copy.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <memory>

#include "db/sqlite_error.h"

namespace gpuscale::db {
namespace {

Result<void> bring_to_disk(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (!synced) return fail(Errc::kUnavailable, "cannot bring " + path + " to the disk");
  return {};
}

// Another process may hold the file for a moment.
constexpr int kCopyBusyTimeoutMs = 5'000;

struct Close {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

}  // namespace

Result<void> copy_database(const std::string& from, const std::string& to) {
  if (::access(from.c_str(), F_OK) != 0) return fail(Errc::kNotFound, from + " does not exist");
  if (::access(to.c_str(), F_OK) == 0) return fail(Errc::kConflict, to + " exists; name a new file");
  sqlite3* opened = nullptr;
  const int rc = sqlite3_open_v2(from.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, Close> connection(opened);
  if (rc != SQLITE_OK) return sqlite_error(opened, rc, "cannot open database " + from);
  sqlite3_busy_timeout(opened, kCopyBusyTimeoutMs);
  // The backup interface would begin again whenever somebody writes; one statement reads one moment.
  sqlite3_stmt* prepared = nullptr;
  if (const int code = sqlite3_prepare_v2(opened, "VACUUM INTO ?", -1, &prepared, nullptr); code != SQLITE_OK)
    return sqlite_error(opened, code, "cannot copy " + from);
  const std::unique_ptr<sqlite3_stmt, Finalize> statement(prepared);
  sqlite3_bind_text(prepared, 1, to.c_str(), -1, SQLITE_TRANSIENT);
  if (const int code = sqlite3_step(prepared); code != SQLITE_DONE)
    return sqlite_error(opened, code, "cannot copy " + from + " to " + to);
  return bring_to_disk(to);
}

}  // namespace gpuscale::db

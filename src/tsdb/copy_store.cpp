// SPDX-License-Identifier: Apache-2.0
#include "tsdb/copy_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "db/copy.h"
#include "tsdb/log_file.h"

namespace gpuscale::tsdb {
namespace {

Result<void> copy_frames(LogFileReader& reader, const std::string& to, int descriptor) {
  GS_CHECK(write_at(descriptor, to, 0, reader.head()));
  while (true) {
    GS_TRY(const auto frame, reader.next());
    if (!frame) break;
    GS_CHECK(write_at(descriptor, to, reader.at() - frame->bytes.size(), frame->bytes));
  }
  if (::fsync(descriptor) != 0) return log_file_error("cannot write", to, errno);
  return {};
}

Result<void> copy_log_file(const LogFile& file, const std::string& to) {
  auto reader = LogFileReader::open(file);
  // Then it was sealed meanwhile, and its samples are in the database, which is copied last.
  if (!reader && reader.error().code() == Errc::kNotFound) return {};
  if (!reader) return reader.error();
  constexpr mode_t kOwnerOnly = 0600;
  const int descriptor = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly);
  if (descriptor < 0) return log_file_error("cannot write", to, errno);
  const auto copied = copy_frames(*reader, to, descriptor);
  ::close(descriptor);
  return copied;
}

}  // namespace

Result<void> copy_store(const std::string& from, const std::string& to) {
  // The log first: whatever leaves it from now on is in the database by the time that is copied.
  GS_TRY(const auto files, log_files(from));
  for (const LogFile& file : files) GS_CHECK(copy_log_file(file, log_file_path(to, file.first)));
  return db::copy_database(from, to);
}

}  // namespace gpuscale::tsdb

// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "db/copy.h"
#include "tsdb/copy_store.h"

namespace gpuscale::cli {
namespace {

namespace fs = std::filesystem;

/// What a data folder holds beside its databases; it must be the same after a restore.
constexpr const char* kSmallFiles[] = {"installation.id", "node.token", "secret.key"};

Error unusable(const fs::path& path, const std::error_code& error) {
  return fail(Errc::kUnavailable, "cannot use " + path.string() + ": " + error.message());
}

/// `state.db` first: so a sample that a decision was made on is in the copy too.
Result<void> back_up(const fs::path& data, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(data / "metrics.db", error)) {
    return fail(Errc::kNotFound, data.string() + " holds no metrics.db; name a server's --data folder");
  }
  fs::create_directories(to, error);
  if (error) return unusable(to, error);
  fs::permissions(to, fs::perms::owner_all, error);
  if (error) return unusable(to, error);
  if (!fs::is_empty(to, error)) {
    return fail(Errc::kConflict, to.string() + " is not empty; name a new folder for each backup");
  }
  using Copy = Result<void> (*)(const std::string& from, const std::string& to);
  const std::pair<const char*, Copy> databases[] = {{"state.db", db::copy_database},
                                                    {"metrics.db", tsdb::copy_store}};
  for (const auto& [name, copy] : databases) {
    if (!fs::exists(data / name, error)) continue;
    GS_CHECK(copy((data / name).string(), (to / name).string()));
    fs::permissions(to / name, fs::perms::owner_read | fs::perms::owner_write, error);
    if (error) return unusable(to / name, error);
  }
  for (const char* name : kSmallFiles) {
    if (!fs::exists(data / name, error)) continue;
    fs::copy_file(data / name, to / name, error);
    if (error) return unusable(to / name, error);
    fs::permissions(to / name, fs::perms::owner_read | fs::perms::owner_write, error);
    if (error) return unusable(to / name, error);
  }
  return {};
}

/// Whether what was copied can open the secrets that it holds.
std::string words_on_the_key(const fs::path& to) {
  std::error_code error;
  if (fs::exists(to / "secret.key", error)) {
    return "It includes secret.key, which opens the secrets stored with it: keep the copy as safe as the "
           "secrets themselves.";
  }
  return "It includes no secret.key: where GPUSCALE_SECRET_KEY_FILE names the key, keep that file too, since "
         "without it the stored secrets cannot be opened.";
}

}  // namespace

void add_backup_command(CLI::App& app, Action& action) {
  struct BackupFlags {
    std::string data;
    std::string to;
  };
  auto* command = app.add_subcommand("backup",
                                     "Copy a data folder, also that of a running server, into a new one; to "
                                     "restore, start a server with it");
  auto flags = std::make_shared<BackupFlags>();
  command->add_option("--data", flags->data, "the server's data folder")->required();
  command->add_option("--to", flags->to, "a folder that does not exist or is empty")->required();
  command->callback([&action, flags] {
    action = [flags](const Context&) {
      if (const auto done = back_up(flags->data, flags->to); !done) return report(done.error());
      std::printf("%s is a copy of %s; restore: gpuscale serve --data %s\n", flags->to.c_str(),
                  flags->data.c_str(), flags->to.c_str());
      std::printf("%s\n", words_on_the_key(flags->to).c_str());
      return kExitDone;
    };
  });
}

}  // namespace gpuscale::cli

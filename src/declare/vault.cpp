// SPDX-License-Identifier: Apache-2.0
#include "declare/vault.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/digest.h"

namespace gpuscale::declare {
namespace {

/// "" = written, by its owner alone readable.
std::string write_new_key(const std::string& file, const std::string& hex) {
  const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (out < 0) return "cannot make " + file + ": " + std::strerror(errno);
  const std::string line = hex + "\n";
  const bool written =
      ::write(out, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(out) == 0;
  const int why = errno;
  ::close(out);
  return written ? "" : "cannot write " + file + ": " + std::strerror(why);
}

}  // namespace

Vault Vault::open(const std::string& file, bool may_make) {
  Vault vault;
  vault.file = file;
  errno = 0;
  std::ifstream in(file);
  std::string hex;
  if (!in && errno == ENOENT) {
    if (!may_make) {
      vault.trouble =
          "the key of the stored secrets, " + file +
          ", is missing; put it back from a backup (or name it with GPUSCALE_SECRET_KEY_FILE) and "
          "start again; if it is lost, write a new one with `openssl rand -hex 32 > " +
          file + "`, start again and give the secrets anew";
      return vault;
    }
    hex = base::random_hex(base::SealingKey::kBytes);
    if (const std::string trouble = write_new_key(file, hex); !trouble.empty()) {
      vault.trouble = trouble;
      return vault;
    }
  } else if (!(in >> hex)) {
    vault.trouble = "cannot read the key of the stored secrets from " + file + ": " +
                    (in.eof() ? "it is empty" : std::strerror(errno));
    return vault;
  }
  auto key = base::SealingKey::parse(Secret(hex));
  if (key) {
    vault.key = *std::move(key);
  } else {
    vault.trouble = file + ": " + key.error().message();
  }
  return vault;
}

std::string place_of(config::Kind kind, const std::string& name, const std::string& pointer) {
  return std::string(to_string(kind)) + "/" + name + pointer;
}

}  // namespace gpuscale::declare

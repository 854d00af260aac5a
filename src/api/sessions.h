// SPDX-License-Identifier: Apache-2.0
/// Browsers that have signed in: each holds a random id in a cookie, this holds the credentials behind it.
/// What those may is asked anew at each call, so a revoked token or a changed password ends its sessions by
/// itself. In memory only: a restart of the server signs everyone out. Thread-safe.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "api/credentials.h"
#include "base/time.h"

namespace gpuscale::api {

class Sessions {
 public:
  /// @return the id for the cookie, shown to nobody else. Beyond kMost the longest unused one ends.
  Secret open(Credentials credentials, MonoTime now);
  /// The credentials behind an id; nullopt where it is unknown or was unused for kIdle.
  std::optional<Credentials> find(const Secret& id, MonoTime now);
  void close(const Secret& id);

  static constexpr std::chrono::hours kIdle{12};  ///< a working day
  static constexpr std::size_t kMost = 1'000;

 private:
  struct Session {
    Credentials credentials;
    MonoTime used;
  };
  std::mutex mutex_;
  std::map<std::string, Session, std::less<>> sessions_;  ///< by SHA-256 of the id
};

}  // namespace gpuscale::api

// SPDX-License-Identifier: Apache-2.0
/// Browsers that have signed in: each holds a random id in a cookie, this holds the credentials behind it.
/// What those may is asked anew at each call, so a revoked token or a changed password ends its sessions by
/// itself. In memory only: a restart of the server signs everyone out. Thread-safe.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/credentials.h"
#include "base/time.h"

namespace gpuscale::api {

/// What is told of one that is open; none of it opens anything.
struct SessionInfo {
  std::string handle;   ///< names it to those who may end it
  std::string who;      ///< "admin", "token viewers"
  std::string peer;     ///< the address that it was opened from
  std::string browser;  ///< User-Agent, shortened
  WallTime opened;
  MonoTime used;
};

class Sessions {
 public:
  struct Opening {
    Credentials credentials;
    std::string who;
    std::string peer;
    std::string browser;
    WallTime at;
  };
  /// @return the id for the cookie, shown to nobody else. Beyond kMost the longest unused one ends.
  Secret open(Opening opening, MonoTime now);
  /// The credentials behind an id; nullopt where it is unknown or was unused for kIdle.
  std::optional<Credentials> find(const Secret& id, MonoTime now);
  /// Whose it was; nullopt where there was none.
  std::optional<SessionInfo> close(const Secret& id);
  std::optional<SessionInfo> close_by_handle(const std::string& handle);
  /// Those that were opened with the secret of this SHA-256.
  void close_all_of(const std::string& secret_digest);
  std::vector<SessionInfo> list(MonoTime now);  ///< the newest first
  std::optional<std::string> handle_of(const Secret& id) const;

  static constexpr std::chrono::hours kIdle{12};  ///< a working day
  static constexpr std::size_t kMost = 1'000;
  static constexpr std::size_t kMostBrowserBytes = 200;

 private:
  struct Session {
    Credentials credentials;
    SessionInfo info;
  };
  using Held = std::map<std::string, Session, std::less<>>;
  void forget_idle(MonoTime now);
  std::optional<SessionInfo> taken(Held::iterator found);

  mutable std::mutex mutex_;
  Held sessions_;  ///< by SHA-256 of the id
};

}  // namespace gpuscale::api

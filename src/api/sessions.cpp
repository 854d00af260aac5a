// SPDX-License-Identifier: Apache-2.0
#include "api/sessions.h"

#include <algorithm>

#include "base/digest.h"

namespace gpuscale::api {

Secret Sessions::open(Credentials credentials, MonoTime now) {
  Secret id("gss_" + base::random_secret().reveal());
  const std::scoped_lock lock(mutex_);
  std::erase_if(sessions_, [now](const auto& entry) { return now - entry.second.used >= kIdle; });
  if (sessions_.size() >= kMost) {
    sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) {
      return a.second.used < b.second.used;
    }));
  }
  sessions_.insert_or_assign(base::sha256_hex(id.reveal()), Session{std::move(credentials), now});
  return id;
}

std::optional<Credentials> Sessions::find(const Secret& id, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  const auto found = sessions_.find(base::sha256_hex(id.reveal()));
  if (found == sessions_.end()) return std::nullopt;
  if (now - found->second.used >= kIdle) {
    sessions_.erase(found);
    return std::nullopt;
  }
  found->second.used = now;
  return found->second.credentials;
}

void Sessions::close(const Secret& id) {
  const std::scoped_lock lock(mutex_);
  sessions_.erase(base::sha256_hex(id.reveal()));
}

}  // namespace gpuscale::api

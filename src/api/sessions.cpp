// SPDX-License-Identifier: Apache-2.0
#include "api/sessions.h"

#include <algorithm>

#include "base/digest.h"

namespace gpuscale::api {

Secret Sessions::open(Opening opening, MonoTime now) {
  Secret id("gss_" + base::random_secret().reveal());
  const std::scoped_lock lock(mutex_);
  forget_idle(now);
  if (sessions_.size() >= kMost) {
    sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) {
      return a.second.info.used < b.second.info.used;
    }));
  }
  SessionInfo info{base::random_hex(8),
                   std::move(opening.who),
                   std::move(opening.peer),
                   opening.browser.substr(0, kMostBrowserBytes),
                   opening.at,
                   now};
  sessions_.insert_or_assign(base::sha256_hex(id.reveal()),
                             Session{std::move(opening.credentials), std::move(info)});
  return id;
}

std::optional<Credentials> Sessions::find(const Secret& id, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  const auto found = sessions_.find(base::sha256_hex(id.reveal()));
  if (found == sessions_.end()) return std::nullopt;
  if (now - found->second.info.used >= kIdle) {
    sessions_.erase(found);
    return std::nullopt;
  }
  found->second.info.used = now;
  return found->second.credentials;
}

std::optional<SessionInfo> Sessions::close(const Secret& id) {
  const std::scoped_lock lock(mutex_);
  return taken(sessions_.find(base::sha256_hex(id.reveal())));
}

std::optional<SessionInfo> Sessions::close_by_handle(const std::string& handle) {
  const std::scoped_lock lock(mutex_);
  return taken(std::find_if(sessions_.begin(), sessions_.end(),
                            [&](const auto& entry) { return entry.second.info.handle == handle; }));
}

void Sessions::close_all_of(const std::string& secret_digest) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(sessions_, [&](const auto& entry) {
    return base::sha256_hex(entry.second.credentials.secret.reveal()) == secret_digest;
  });
}

std::vector<SessionInfo> Sessions::list(MonoTime now) {
  const std::scoped_lock lock(mutex_);
  forget_idle(now);
  std::vector<SessionInfo> out;
  for (const auto& [digest, session] : sessions_) out.push_back(session.info);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.opened > b.opened; });
  return out;
}

std::optional<std::string> Sessions::handle_of(const Secret& id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = sessions_.find(base::sha256_hex(id.reveal()));
  return found == sessions_.end() ? std::nullopt : std::optional(found->second.info.handle);
}

void Sessions::forget_idle(MonoTime now) {
  std::erase_if(sessions_, [now](const auto& entry) { return now - entry.second.info.used >= kIdle; });
}

std::optional<SessionInfo> Sessions::taken(Held::iterator found) {
  if (found == sessions_.end()) return std::nullopt;
  SessionInfo info = std::move(found->second.info);
  sessions_.erase(found);
  return info;
}

}  // namespace gpuscale::api

// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what statements found out and later ones may use again, as long as the store says
/// that nothing changed beneath it. The least recently used is forgotten first. Thread-safe.
#pragma once
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace gpuscale::influxql {

class AnswerCache {
 public:
  using Entry = std::shared_ptr<const void>;  ///< of the type that the key's first word says

  explicit AnswerCache(std::size_t max_bytes = 48U << 20U) : max_bytes_(max_bytes) {}

  Entry find(const std::string& key) {
    const std::scoped_lock lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    held_.splice(held_.begin(), held_, found->second);
    return found->second->entry;
  }
  /// Replaces what stood there. An entry over a quarter of the whole is not kept.
  void keep(const std::string& key, Entry entry, std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) forget(found->second);
    if (bytes > max_bytes_ / 4) return;
    held_.push_front({key, std::move(entry), bytes + key.size() + sizeof(Held)});
    by_key_[key] = held_.begin();
    bytes_ += held_.front().bytes;
    while (bytes_ > max_bytes_) forget(std::prev(held_.end()));
  }

 private:
  struct Held {
    std::string key;
    Entry entry;
    std::size_t bytes;
  };
  void forget(std::list<Held>::iterator at) {
    bytes_ -= at->bytes;
    by_key_.erase(at->key);
    held_.erase(at);
  }

  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::list<Held> held_;  // the one used last in front
  std::map<std::string, std::list<Held>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace gpuscale::influxql

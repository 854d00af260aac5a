// SPDX-License-Identifier: Apache-2.0
#include "alert/answer_cache.h"

namespace gpuscale::alert {

AnswerCache::AnswerPtr AnswerCache::get(const std::string& key, WallTime moment,
                                        const std::function<Answer()>& ask, std::optional<Nanos> patience) {
  std::shared_ptr<Slot> slot;
  {
    std::unique_lock lock(mutex_);
    sweep(moment);
    std::shared_ptr<Slot>& found = slots_[key];
    if (found && found->moment == moment) {
      slot = found;
      const auto answered = [&] { return slot->answer != nullptr; };
      if (patience) {
        answered_.wait_until(lock, slot->asked + *patience, answered);
      } else {
        answered_.wait(lock, answered);
      }
      return slot->answer;
    }
    const bool hangs = patience && found && found->answer == nullptr &&
                       std::chrono::steady_clock::now() - found->asked > *patience;
    if (hangs) return nullptr;
    found = std::make_shared<Slot>();
    found->moment = moment;
    found->asked = std::chrono::steady_clock::now();
    slot = found;
  }
  auto answer = std::make_shared<const Answer>(ask());
  const std::scoped_lock lock(mutex_);
  slot->answer = answer;
  answered_.notify_all();
  return answer;
}

void AnswerCache::sweep(WallTime moment) {
  if (moment >= swept_ && moment - swept_ < kLife) return;
  swept_ = moment;
  std::erase_if(slots_, [&](const auto& entry) {
    const Slot& slot = *entry.second;
    return slot.answer != nullptr && (slot.moment > moment || moment - slot.moment >= kLife);
  });
}

}  // namespace gpuscale::alert

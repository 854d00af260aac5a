// SPDX-License-Identifier: Apache-2.0
#include "alert/answer_cache.h"

namespace gpuscale::alert {

AnswerCache::AnswerPtr AnswerCache::get(const std::string& key, WallTime moment,
                                        const std::function<Answer()>& ask) {
  std::shared_ptr<Slot> slot;
  {
    std::unique_lock lock(mutex_);
    sweep(moment);
    std::shared_ptr<Slot>& found = slots_[key];
    if (found && found->moment == moment) {
      slot = found;
      answered_.wait(lock, [&] { return slot->answer != nullptr; });
      return slot->answer;
    }
    found = std::make_shared<Slot>();
    found->moment = moment;
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

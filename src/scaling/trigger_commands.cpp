// SPDX-License-Identifier: Apache-2.0
// What an administrator asks of a trigger: another secret, off, on.
#include <algorithm>

#include "base/digest.h"
#include "scaling/live_controller.h"

namespace gpuscale::scaling {
namespace {

activity::Entry trigger_entry(const TriggerSpec& trigger, std::string kind, std::string summary,
                              const std::string& who, WallTime now) {
  return {.id = 0,
          .at = now,
          .kind = std::move(kind),
          .pool = trigger.pool,
          .subject = trigger.name,
          .correlation = activity::new_correlation(),
          .summary = std::move(summary),
          .details = {{"source", who}, {"trigger", trigger.name}}};
}

}  // namespace

Result<TriggerSpec> LiveController::trigger_named(const std::string& name) const {
  const auto held = setup();
  std::string known;
  for (const TriggerSpec& trigger : held->triggers) {
    if (trigger.name == name) return trigger;
    known += (known.empty() ? "" : ", ") + trigger.name;
  }
  return fail(Errc::kNotFound, "no trigger \"" + name + "\"; known: " + (known.empty() ? "none" : known));
}

Result<Secret> LiveController::rotate_secret(const std::string& name, const std::string& who) {
  GS_TRY(const TriggerSpec trigger, trigger_named(name));
  if (trigger.secret_is_declared) {
    return fail(Errc::kConflict,
                "the secret of trigger " + name +
                    " is declared in the configuration file, which wins at each start; change "
                    "it there and start the server again, or take it out there: the present "
                    "one then stays, and may be rotated");
  }
  const Secret secret = base::random_secret();
  const SecretHash hash = SecretHash::of(secret);
  const WallTime now = parts_.clock.wall();
  const std::scoped_lock lock(configure_mutex_);
  GS_CHECK(book_->change([&](Draft& draft) -> Result<void> {
    draft.tell(trigger_entry(trigger, "trigger.rotated", who + " gives trigger " + name + " a new secret",
                             who, now));
    return draft.store().save_secret(draft.transaction(), name, hash);
  }));
  auto next = std::make_shared<Setup>(*setup());
  next->secrets.insert_or_assign(name, hash);
  const std::scoped_lock setup_lock(setup_mutex_);
  setup_ = std::move(next);
  return secret;
}

Result<void> LiveController::enable_trigger(const std::string& name, bool on, const std::string& who) {
  GS_TRY(const TriggerSpec trigger, trigger_named(name));
  if (on && trigger.declared_off) {
    return fail(Errc::kConflict, "trigger " + name + " is disabled in the configuration; enable it there");
  }
  const WallTime now = parts_.clock.wall();
  const std::scoped_lock lock(configure_mutex_);
  if (trigger.enabled != on) {
    GS_CHECK(book_->change([&](Draft& draft) -> Result<void> {
      draft.tell(trigger_entry(trigger, on ? "trigger.enabled" : "trigger.disabled",
                               who + (on ? " enables trigger " : " disables trigger ") + name, who, now));
      return TriggerSwitches::turn(draft.transaction(), name, on);
    }));
  }
  auto next = std::make_shared<Setup>(*setup());
  for (TriggerSpec& each : next->triggers) {
    if (each.name == name) each.enabled = on;
  }
  GS_CHECK(errands_->configure(next->triggers));
  const std::scoped_lock setup_lock(setup_mutex_);
  setup_ = std::move(next);
  return {};
}

}  // namespace gpuscale::scaling

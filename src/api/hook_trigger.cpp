// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <mutex>

#include "api/answers.h"
#include "api/outcome.h"
#include "api/text.h"
#include "api/trigger_request.h"

namespace gpuscale::api {

namespace {

constexpr std::size_t kMaxKey = 200;

/// Writes refused calls to the ledger, but not so many that a stranger could fill it: each entry is a commit
/// to disk, and the ledger keeps the newest 100,000. Thread-safe.
class RefusalBook {
 public:
  explicit RefusalBook(Services& services) : services_(services) {}

  void note(const http::Request& request, const std::string& trigger, const Error& error, int status) {
    std::uint64_t left_out = 0;
    {
      const std::scoped_lock lock(mutex_);
      const MonoTime now = services_.clock.mono();
      if (now >= window_end_) {
        window_end_ = now + std::chrono::minutes{1};
        in_window_ = 0;
      }
      if (in_window_ >= kPerMinute) {
        ++left_out_;
        return;
      }
      ++in_window_;
      std::swap(left_out, left_out_);
    }
    activity::Entry entry;
    entry.at = services_.clock.wall();
    entry.kind = "trigger.refused";
    entry.subject = trigger.substr(0, 100);
    entry.correlation = activity::new_correlation();
    entry.summary =
        "refused a call of trigger \"" + entry.subject + "\" from " + request.peer + ": " + error.message();
    entry.details = {{"source", "http " + request.peer},
                     {"status", status},
                     {"error", error.message()},
                     {"not_written_before_this", left_out}};
    if (const auto written = services_.ledger.append(std::move(entry)); !written) {
      services_.log.error("activity.unwritten", {{"kind", "trigger.refused"}, {"error", written.error()}});
    }
  }

 private:
  static constexpr int kPerMinute = 30;
  Services& services_;
  std::mutex mutex_;
  MonoTime window_end_;
  int in_window_ = 0;
  std::uint64_t left_out_ = 0;
};

/// A token, or the admin's password, in the place of the trigger's own secret. Not with --no-auth: a trigger
/// keeps its secret there, since any page that a browser shows may send a GET to loopback.
Result<void> authenticate_caller(Services& services, const http::Request& request) {
  if (services.auth.mode() == AuthMode::kOff) return fail(Errc::kUnauthenticated, "wrong secret");
  GS_TRY(const auto credentials, credentials_of(request, UrlCredentials::kIgnored));
  const Result<Principal> principal = services.auth.authenticate(credentials);
  if (!principal) return fail(Errc::kUnauthenticated, "wrong secret");
  if (principal->scopes.allow(Scope::kTrigger)) return {};
  return fail(Errc::kForbidden, principal->name + " lacks the scope \"trigger\"");
}

Result<void> authenticate(Services& services, const http::Request& request, const TriggerRequest& call) {
  const scaling::Controller& controller = services.controller;
  if (call.signature) {
    GS_TRY(const std::string digest, controller.secret_digest(call.trigger));
    return verify_signature(*call.signature, request.body, digest, services.clock.wall());
  }
  if (!call.secret.empty()) return controller.authenticate(call.trigger, call.secret.reveal());
  if (!request.headers.has("Authorization")) {
    // Asked all the same, so that an unknown trigger is 404 here as well.
    GS_CHECK(controller.authenticate(call.trigger, ""));
    return fail(Errc::kUnauthenticated, "secret is missing");
  }
  GS_TRY(const auto credentials, credentials_of(request, UrlCredentials::kIgnored));
  const auto own = controller.authenticate(call.trigger, credentials->secret.reveal());
  if (own || own.error().code() != Errc::kUnauthenticated) return own;
  return authenticate_caller(services, request);
}

/// What another gpuscale may have made; anything else would only soil the ledger, and is no reason to refuse.
bool is_correlation(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

Result<scaling::TriggerCall> call_of(const http::Request& request, const TriggerRequest& request_parts) {
  scaling::TriggerCall call;
  call.trigger = request_parts.trigger;
  if (request_parts.type) {
    GS_TRY(call.type, parse_type(*request_parts.type));
  }
  if (request_parts.step) {
    GS_TRY(call.step, parse_step(*request_parts.step));
  }
  call.idempotency_key = std::string(request.headers.get("Idempotency-Key"));
  if (call.idempotency_key.size() > kMaxKey) {
    return fail(Errc::kInvalidArgument, "Idempotency-Key is longer than 200 bytes");
  }
  // A signed call that is sent again, by its owner or by a listener, is the same call.
  if (call.idempotency_key.empty() && request_parts.signature) {
    call.idempotency_key = "signature " + request_parts.signature->v1;
  }
  if (const std::string_view given = request.headers.get("X-Gpuscale-Correlation"); is_correlation(given)) {
    call.correlation = std::string(given);
  }
  call.source = "http " + request.peer;
  return call;
}

std::optional<scaling::TriggerSpec> spec_of(const scaling::Controller& controller, const std::string& name) {
  for (const auto& trigger : controller.triggers()) {
    if (trigger.name == name) return trigger;
  }
  return std::nullopt;
}

/// The answer to an alert that does not fire: nothing is pulled, and the caller reads why.
Result<scaling::TriggerOutcome> left_alone(const scaling::Controller& controller,
                                           const scaling::TriggerSpec& trigger, const AlertBody& alert) {
  scaling::TriggerOutcome outcome;
  outcome.trigger = trigger.name;
  outcome.pool = trigger.pool;
  outcome.type = trigger.type;
  outcome.step = trigger.step;
  for (const auto& pool : controller.pools()) {
    if (pool.spec.name == outcome.pool) outcome.from = outcome.to = pool.desired;
  }
  outcome.reason = "the message says that its alert does not fire (" + alert.words +
                   "); only a firing alert pulls" +
                   (alert.resolved ? ", unless the trigger says on_resolved" : "");
  return outcome;
}

/// How often each trigger's URL was called in the minute that runs. Thread-safe.
class CallMeter {
 public:
  Result<void> admit(const scaling::TriggerSpec& trigger, MonoTime now) {
    if (trigger.calls_per_minute <= 0) return {};
    const std::scoped_lock lock(mutex_);
    Minute& minute = minutes_[trigger.name];
    if (now >= minute.end) minute = {now + std::chrono::minutes{1}, 0};
    if (++minute.calls <= trigger.calls_per_minute) return {};
    const auto left = std::chrono::ceil<std::chrono::seconds>(minute.end - now).count();
    return fail(Errc::kExhausted, "trigger " + trigger.name + " takes " +
                                      std::to_string(trigger.calls_per_minute) +
                                      " calls a minute; try again in " + std::to_string(left) + " s");
  }

 private:
  struct Minute {
    MonoTime end{};
    int calls = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Minute> minutes_;
};

/// Who may call it, whatever secret they have.
Result<void> check_source(const scaling::TriggerSpec& trigger, const std::string& peer) {
  const auto from = [&](const base::Cidr& range) { return range.contains(peer); };
  if (trigger.sources.empty() || std::any_of(trigger.sources.begin(), trigger.sources.end(), from)) return {};
  return fail(Errc::kForbidden,
              "trigger " + trigger.name + " takes no calls from " + peer + " (see its sources)");
}

Result<scaling::TriggerOutcome> pull(Services& services, CallMeter& meter, const http::Request& request,
                                     const TriggerRequest& parts) {
  GS_CHECK(authenticate(services, request, parts));
  GS_TRY(scaling::TriggerCall call, call_of(request, parts));
  const auto trigger = spec_of(services.controller, call.trigger);
  if (!trigger) return fail(Errc::kNotFound, "no trigger \"" + call.trigger + "\"");
  GS_CHECK(check_source(*trigger, request.peer));
  GS_CHECK(meter.admit(*trigger, services.clock.mono()));
  if (!parts.alert) return services.controller.pull(call);
  const AlertBody& alert = *parts.alert;
  call.source += ", " + alert.about;
  const bool by_its_end = alert.resolved && !trigger->on_resolved.empty();
  if (!alert.firing && !by_its_end) return left_alone(services.controller, *trigger, alert);
  if (call.idempotency_key.empty()) {
    call.idempotency_key = alert.key;
    call.key_life = trigger->repeat;
  }
  if (by_its_end) {
    // The other trigger's own direction and step: what the caller says is about this one.
    call.trigger = trigger->on_resolved;
    call.type.reset();
    call.step.reset();
  }
  return services.controller.pull(call);
}

http::Response handle(Services& services, RefusalBook& refusals, CallMeter& meter,
                      const http::Request& request) {
  const auto parts = read_trigger_request(request);
  const auto outcome =
      parts ? pull(services, meter, request, *parts) : Result<scaling::TriggerOutcome>(parts.error());
  if (outcome) return outcome_answer(*outcome);
  http::Response response = error_answer(outcome.error());
  refusals.note(request, parts ? parts->trigger : "", outcome.error(), response.status);
  return response;
}

}  // namespace

void register_hook_trigger(Routes& routes) {
  Services& services = routes.services();
  auto refusals = std::make_shared<RefusalBook>(services);
  auto meter = std::make_shared<CallMeter>();
  const http::Handler handler = [&services, refusals, meter](const http::Request& request) {
    return handle(services, *refusals, *meter, request);
  };
  const std::vector<Key> keys{
      {"triggerUrl", "string", "the trigger's name", true},
      {"secret", "string", "the trigger's secret; or as Authorization: Bearer, or signed"},
      {"type", "string", "scale_out, scale_in, run or call; must be the trigger's own"},
      {"step", "integer", "1..1000; default the trigger's own"}};
  for (const http::Method method : {http::Method::kGet, http::Method::kPost}) {
    routes.add_documented({.method = method,
                           .pattern = "/hook/trigger",
                           .scope = std::nullopt,
                           .summary = "Pull a trigger; the answer says what was done and why",
                           .query = keys},
                          handler);
  }
  // Link checkers and previews send HEAD; it must scale nothing.
  routes.add_plain(http::Method::kHead, "/hook/trigger", [](const http::Request&) {
    http::Response response = error_answer(fail(Errc::kUnsupported, "use GET or POST"));
    response.status = 405;
    response.headers.set("Allow", "GET, POST");
    return response;
  });
}

}  // namespace gpuscale::api

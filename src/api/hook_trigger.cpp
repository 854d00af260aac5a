// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
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

/// The answer to an alert that is over: nothing is pulled, and the caller reads why.
Result<scaling::TriggerOutcome> left_alone(const scaling::Controller& controller,
                                           const TriggerRequest& call) {
  scaling::TriggerOutcome outcome;
  for (const auto& trigger : controller.triggers()) {
    if (trigger.name != call.trigger) continue;
    outcome.trigger = trigger.name;
    outcome.pool = trigger.pool;
    outcome.type = trigger.type;
    outcome.step = trigger.step;
  }
  for (const auto& pool : controller.pools()) {
    if (pool.spec.name == outcome.pool) outcome.from = outcome.to = pool.desired;
  }
  outcome.reason =
      "the message says that its alert does not fire (" + call.alert_over + "); only a firing alert pulls";
  return outcome;
}

Result<scaling::TriggerOutcome> pull(Services& services, const http::Request& request,
                                     const TriggerRequest& parts) {
  GS_CHECK(authenticate(services, request, parts));
  GS_TRY(const scaling::TriggerCall call, call_of(request, parts));
  if (!parts.alert_over.empty()) return left_alone(services.controller, parts);
  return services.controller.pull(call);
}

http::Response handle(Services& services, RefusalBook& refusals, const http::Request& request) {
  const auto parts = read_trigger_request(request);
  const auto outcome =
      parts ? pull(services, request, *parts) : Result<scaling::TriggerOutcome>(parts.error());
  if (outcome) return outcome_answer(*outcome);
  http::Response response = error_answer(outcome.error());
  refusals.note(request, parts ? parts->trigger : "", outcome.error(), response.status);
  return response;
}

}  // namespace

void register_hook_trigger(Routes& routes) {
  Services& services = routes.services();
  auto refusals = std::make_shared<RefusalBook>(services);
  const http::Handler handler = [&services, refusals](const http::Request& request) {
    return handle(services, *refusals, request);
  };
  const std::vector<Key> keys{
      {"triggerUrl", "string", "the trigger's name", true},
      {"secret", "string", "the trigger's secret; or as Authorization: Bearer, or signed"},
      {"type", "string", "scale_out or scale_in; must be the trigger's own"},
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

// SPDX-License-Identifier: Apache-2.0
/// The commands that show and change one REST resource each: pool, node, rule, channel, trigger, activity.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "base/nearest_name.h"
#include "cli/command.h"
#include "cli/declared_commands.h"
#include "cli/remote.h"
#include "cli/table.h"
#include "cli/timeline.h"
#include "cli/why.h"
#include "http/message.h"

namespace gpuscale::cli {
namespace {

using Columns = std::vector<std::pair<std::string, std::string>>;
using Json = nlohmann::json;

int print(const RemoteOptions& options, const Json& answer, const std::string& list_key,
          const Columns& columns) {
  if (options.json()) {
    std::printf("%s\n", answer.dump(2).c_str());
    return kExitDone;
  }
  const Json& items = answer.contains(list_key) ? answer[list_key] : Json::array();
  std::fputs(table_of(items, columns).to_text().c_str(), stdout);
  return kExitDone;
}

/// `gpuscale <resource> list`: one GET shown as a table.
void add_list(CLI::App& parent, Action& action, const std::string& path, const std::string& list_key,
              Columns columns, const std::string& verb = "list", const std::string& help = "List them") {
  auto* command = parent.add_subcommand(verb, help);
  auto options = std::make_shared<RemoteOptions>();
  options->add_to(*command);
  command->callback([&action, options, path, list_key, columns = std::move(columns)] {
    action = [options, path, list_key, columns](const Context&) {
      const auto answer = Remote(*options).get(path);
      if (!answer) return report(answer.error());
      return print(*options, *answer, list_key, columns);
    };
  });
}

int print_outcome(const RemoteOptions& options, const Json& outcome) {
  if (options.json()) {
    std::printf("%s\n", outcome.dump(2).c_str());
  } else if (outcome.contains("errand")) {
    std::printf("%s: %s\n", cell_of(outcome.value("status", Json())).c_str(),
                cell_of(outcome.value("reason", Json())).c_str());
  } else {
    std::printf("%s: %s -> %s: %s\n", cell_of(outcome.value("status", Json())).c_str(),
                cell_of(outcome.value("from", Json())).c_str(), cell_of(outcome.value("to", Json())).c_str(),
                cell_of(outcome.value("reason", Json())).c_str());
  }
  return kExitDone;
}

/// `gpuscale node <verb> ID`: one POST without a body.
void add_node_verb(CLI::App& parent, Action& action, const std::string& verb, const std::string& help) {
  auto* command = parent.add_subcommand(verb, help);
  auto options = std::make_shared<RemoteOptions>();
  auto id = std::make_shared<std::string>();
  options->add_to(*command);
  command->add_option("NODE", *id, "the node's id")->required();
  command->callback([&action, options, id, verb] {
    action = [options, id, verb](const Context&) {
      const auto answer = Remote(*options).call(
          http::Method::kPost, "/api/v1/nodes/" + http::url_encode(*id) + "/" + verb, nullptr);
      if (!answer) return report(answer.error());
      std::printf("%s: %s\n", id->c_str(), verb.c_str());
      return kExitDone;
    };
  });
}

/// `gpuscale pool <verb> POOL [--for 1h]`.
void add_pool_hold(CLI::App& parent, Action& action, const std::string& verb, const std::string& help) {
  auto* command = parent.add_subcommand(verb, help);
  auto options = std::make_shared<RemoteOptions>();
  auto name = std::make_shared<std::string>();
  auto lasts = std::make_shared<std::string>();
  options->add_to(*command);
  command->add_option("POOL", *name)->required();
  if (verb != "resume") command->add_option("--for", *lasts, "then it ends by itself, as 1h");
  command->callback([&action, options, name, lasts, verb] {
    action = [options, name, lasts, verb](const Context&) {
      Json body = Json::object();
      if (!lasts->empty()) body["for"] = *lasts;
      const auto answer = Remote(*options).call(
          http::Method::kPost, "/api/v1/pools/" + http::url_encode(*name) + "/" + verb, body);
      if (!answer) return report(answer.error());
      std::printf("%s: %s\n", name->c_str(), verb.c_str());
      return kExitDone;
    };
  });
}

/// `gpuscale node why NODE`: its line of the victim ledger.
void add_node_why(CLI::App& parent, Action& action) {
  auto* command = parent.add_subcommand("why", "Say whether the node would be taken next, and why (not)");
  auto options = std::make_shared<RemoteOptions>();
  auto id = std::make_shared<std::string>();
  options->add_to(*command);
  command->add_option("NODE", *id, "the node's id")->required();
  command->callback([&action, options, id] {
    action = [options, id](const Context&) {
      const auto answer = Remote(*options).get("/api/v1/nodes/" + http::url_encode(*id) + "/why");
      if (!answer) return report(answer.error());
      if (options->json()) {
        std::printf("%s\n", answer->dump(2).c_str());
        return kExitDone;
      }
      for (const auto& [head, key] : Columns{{"state", "state"},
                                             {"health", "health"},
                                             {"GPU work %", "utilization"},
                                             {"in flight", "in_flight"},
                                             {"age s", "age_seconds"},
                                             {"protected", "protected"},
                                             {"last report", "last_report"}}) {
        std::printf("%-12s %s\n", head.c_str(), cell_of(answer->value(key, Json())).c_str());
      }
      for (const Json& line : answer->value("why", Json::array()))
        std::printf("- %s\n", cell_of(line).c_str());
      return kExitDone;
    };
  });
}

/// `gpuscale trigger <verb> NAME`.
void add_trigger_verb(CLI::App& parent, Action& action, const std::string& verb, const std::string& help) {
  auto* command = parent.add_subcommand(verb, help);
  auto options = std::make_shared<RemoteOptions>();
  auto name = std::make_shared<std::string>();
  options->add_to(*command);
  command->add_option("TRIGGER", *name)->required();
  command->callback([&action, options, name, verb] {
    action = [options, name, verb](const Context&) {
      const auto answer = Remote(*options).call(
          http::Method::kPost, "/api/v1/triggers/" + http::url_encode(*name) + "/" + verb, nullptr);
      if (!answer) return report(answer.error());
      if (options->json()) {
        std::printf("%s\n", answer->dump(2).c_str());
      } else if (verb == "rotate") {
        std::printf("The new secret of trigger %s, shown this once: %s\n", name->c_str(),
                    cell_of(answer->value("secret", Json())).c_str());
      } else {
        std::printf("%s: %sd\n", name->c_str(), verb.c_str());
      }
      return kExitDone;
    };
  });
}

void print_entry(const RemoteOptions& options, const Json& entry) {
  if (options.json()) {
    std::printf("%s\n", entry.dump().c_str());
    return;
  }
  std::printf("%-24s  %-17s  %-16s  %s\n", cell_of(entry.value("at", Json())).c_str(),
              cell_of(entry.value("kind", Json())).c_str(), cell_of(entry.value("subject", Json())).c_str(),
              cell_of(entry.value("summary", Json())).c_str());
}

struct ActivityOptions {
  RemoteOptions remote;
  std::string pool;
  std::string kind;
  std::string why;
  int limit = 50;
  bool follow = false;
};

/// Shows the entries after the first answer as they come; ends by a signal.
int follow_activity(Remote& remote, const ActivityOptions& options, const std::string& filter, Json last_id,
                    const std::atomic<bool>& stop) {
  while (!stop) {
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
    const auto answer = remote.get("/api/v1/activity?limit=1000" + filter + "&after_id=" + last_id.dump());
    if (!answer) return report(answer.error());
    for (const Json& entry : (*answer)["activity"]) {
      print_entry(options.remote, entry);
      last_id = entry["id"];
    }
    std::fflush(stdout);
  }
  return kExitDone;
}

/// Everything that belongs to what `options.why` names.
int show_why(Remote& remote, const ActivityOptions& options) {
  const auto chain_of = [&remote](const std::string& correlation) -> Result<Json> {
    return remote.get("/api/v1/activity?limit=10000&correlation=" + http::url_encode(correlation));
  };
  auto answer = chain_of(options.why);
  if (!answer) return report(answer.error());
  if ((*answer)["activity"].empty()) {
    const auto all = remote.get("/api/v1/activity?limit=10000");
    if (!all) return report(all.error());
    const auto entries = parse_activity(*all);
    if (!entries) return report(entries.error());
    const std::string correlation = correlation_of(options.why, *entries);
    if (correlation.empty()) {
      return report(fail(Errc::kNotFound,
                         "nothing in the ledger is about \"" + options.why +
                             "\": give a correlation, a node, a rule, a trigger or an idempotency key"));
    }
    answer = chain_of(correlation);
    if (!answer) return report(answer.error());
  }
  if (options.remote.json()) {
    std::printf("%s\n", answer->dump(2).c_str());
    return kExitDone;
  }
  const auto chain = parse_activity(*answer);
  if (!chain) return report(chain.error());
  std::fputs(why_text(*chain).c_str(), stdout);
  return kExitDone;
}

/// Whether the server has such a pool, or had: one that was removed has its entries still. Errors: kNotFound,
/// with what was meant perhaps.
Result<void> check_pool(Remote& remote, const std::string& name) {
  GS_TRY(const auto entries, remote.get("/api/v1/activity?limit=1&pool=" + http::url_encode(name)));
  if (!entries.value("activity", Json::array()).empty()) return {};
  GS_TRY(const auto answer, remote.get("/api/v1/pools"));
  std::vector<std::string> names;
  for (const Json& pool : answer.value("pools", Json::array())) {
    names.push_back(pool.value("name", ""));
    if (names.back() == name) return {};
  }
  return fail(Errc::kNotFound,
              "no pool \"" + name + "\", and nothing is written of one" + base::did_you_mean(name, names));
}

int show_activity(const ActivityOptions& options, const std::atomic<bool>& stop) {
  Remote remote(options.remote);
  if (!options.why.empty() && !options.follow) return show_why(remote, options);
  std::string filter;
  if (!options.pool.empty()) filter += "&pool=" + http::url_encode(options.pool);
  if (!options.kind.empty()) filter += "&kind=" + http::url_encode(options.kind);
  if (!options.why.empty()) filter += "&correlation=" + http::url_encode(options.why);
  const auto answer = remote.get("/api/v1/activity?limit=" + std::to_string(options.limit) + filter);
  if (!answer) return report(answer.error());
  if ((*answer)["activity"].empty() && !options.pool.empty()) {
    if (const auto known = check_pool(remote, options.pool); !known) {
      const int code = report(known.error());
      // One that is followed may come.
      if (!options.follow) return code;
    }
  }
  Json last_id = 0;
  for (const Json& entry : (*answer)["activity"]) {
    print_entry(options.remote, entry);
    last_id = entry["id"];
  }
  std::fflush(stdout);
  if (!options.follow) return kExitDone;
  return follow_activity(remote, options, filter, last_id, stop);
}

}  // namespace

void add_pool_command(CLI::App& app, Action& action) {
  auto* pool = app.add_subcommand("pool", "Show pools, set their size, pause them")->require_subcommand(1);
  add_declared_verbs(*pool, action, config::Kind::kPools);
  add_list(*pool, action, "/api/v1/pools", "pools",
           {{"NAME", "name"},
            {"PROVIDER", "provider"},
            {"MIN", "min"},
            {"MAX", "max"},
            {"DESIRED", "desired"},
            {"NODES", "counts"},
            {"PHASE", "phase"},
            {"WHY", "phase_reason"},
            {"HELD", "hold"},
            {"SIZE SET", "override"},
            {"FAULT", "fault"}});
  add_pool_hold(*pool, action, "pause", "Keep the size as it is; nodes that die are replaced");
  add_pool_hold(*pool, action, "only-out", "Let the pool grow and not shrink");
  add_pool_hold(*pool, action, "resume", "Let the pool go on");
  auto* scale = pool->add_subcommand("scale", "Set the number of nodes wanted, inside the pool's bounds");
  auto options = std::make_shared<RemoteOptions>();
  auto name = std::make_shared<std::string>();
  auto desired = std::make_shared<int>(0);
  auto lasts = std::make_shared<std::string>();
  options->add_to(*scale);
  scale->add_option("POOL", *name)->required();
  scale->add_option("NODES", *desired)->required();
  scale->add_option("--for", *lasts, "nothing else moves the pool for so long, as 30m");
  scale->callback([&action, options, name, desired, lasts] {
    action = [options, name, desired, lasts](const Context&) {
      Json body{{"desired", *desired}};
      if (!lasts->empty()) body["for"] = *lasts;
      const auto answer = Remote(*options).call(
          http::Method::kPut, "/api/v1/pools/" + http::url_encode(*name) + "/desired", body);
      if (!answer) return report(answer.error());
      return print_outcome(*options, *answer);
    };
  });
}

void add_node_command(CLI::App& app, Action& action) {
  auto* node = app.add_subcommand("node", "Show nodes and why they (do not) go; protect, drain, release one")
                   ->require_subcommand(1);
  add_list(*node, action, "/api/v1/nodes", "nodes",
           {{"ID", "id"},
            {"POOL", "pool"},
            {"STATE", "state"},
            {"GPU %", "utilization"},
            {"IN FLIGHT", "in_flight"},
            {"AGE S", "age_seconds"},
            {"ENDPOINT", "endpoint"},
            {"HEALTH", "health"},
            {"NEXT", "victim_rank"},
            {"WHY", "reason"}});
  add_node_verb(*node, action, "release", "Drain the node, then end it");
  add_node_why(*node, action);
  add_node_verb(*node, action, "drain", "Let the node take no new work and keep it; the pool replaces it");
  add_node_verb(*node, action, "undrain", "Take a draining node back");
  add_node_verb(*node, action, "protect", "Never take the node for scale-in");
  add_node_verb(*node, action, "unprotect", "Let scale-in take the node again");
}

void add_rule_command(CLI::App& app, Action& action) {
  auto* rule = app.add_subcommand("rule", "Show rules and their states; test, back-test and silence them")
                   ->require_subcommand(1);
  add_declared_verbs(*rule, action, config::Kind::kRules);
  add_list(*rule, action, "/api/v1/rules", "rules",
           {{"NAME", "name"},
            {"STATE", "state"},
            {"SINCE", "since"},
            {"NOW", "explanation"},
            {"MUTED BY", "muted_by"},
            {"ERROR", "last_error"}});
  add_list(*rule, action, "/api/v1/silences", "silences",
           {{"ID", "id"},
            {"RULE", "rule"},
            {"LABELS", "labels"},
            {"UNTIL", "until"},
            {"WHO", "who"},
            {"COMMENT", "comment"}},
           "silences", "Silences that have not expired");
  add_rule_trials(*rule, action);
}

void add_channel_command(CLI::App& app, Action& action) {
  auto* channel =
      app.add_subcommand("channel", "Show channels and what they delivered")->require_subcommand(1);
  add_declared_verbs(*channel, action, config::Kind::kChannels);
  add_list(*channel, action, "/api/v1/channels", "channels",
           {{"NAME", "name"},
            {"TYPE", "type"},
            {"URL", "url"},
            {"TRIGGER", "trigger"},
            {"RESTS UNTIL", "resting_until"},
            {"FAULT", "fault"}});
  add_list(*channel, action, "/api/v1/deliveries/dead", "deliveries",
           {{"ID", "id"},
            {"CHANNEL", "channel"},
            {"SENT", "state_sent"},
            {"STATE", "state"},
            {"ATTEMPTS", "attempts"},
            {"CREATED", "created"},
            {"STATUS", "answer_status"},
            {"ERROR", "last_error"}},
           "dead", "What could not be delivered, newest first");
  auto* replay = channel->add_subcommand("replay", "Send a dead message once more");
  auto replay_options = std::make_shared<RemoteOptions>();
  auto id = std::make_shared<std::string>();
  replay_options->add_to(*replay);
  replay->add_option("ID", *id, "as `channel dead` lists it")->required();
  replay->callback([&action, replay_options, id] {
    action = [replay_options, id](const Context&) {
      const auto answer =
          Remote(*replay_options)
              .call(http::Method::kPost, "/api/v1/deliveries/" + http::url_encode(*id) + "/replay", nullptr);
      if (!answer) return report(answer.error());
      std::printf("%s: waits again\n", id->c_str());
      return kExitDone;
    };
  });
  auto* deliveries = channel->add_subcommand("deliveries", "Show the newest deliveries of a channel");
  auto options = std::make_shared<RemoteOptions>();
  auto name = std::make_shared<std::string>();
  options->add_to(*deliveries);
  deliveries->add_option("CHANNEL", *name)->required();
  deliveries->callback([&action, options, name] {
    action = [options, name](const Context&) {
      const auto answer = Remote(*options).get("/api/v1/channels/" + http::url_encode(*name) + "/deliveries");
      if (!answer) return report(answer.error());
      return print(*options, *answer, "deliveries",
                   {{"ID", "id"},
                    {"STATE", "state"},
                    {"SENT", "state_sent"},
                    {"ATTEMPTS", "attempts"},
                    {"CREATED", "created"},
                    {"STATUS", "answer_status"},
                    {"ERROR", "last_error"}});
    };
  });
}

void add_trigger_command(CLI::App& app, Action& action) {
  auto* trigger = app.add_subcommand("trigger", "Show triggers; pull one")->require_subcommand(1);
  add_declared_verbs(*trigger, action, config::Kind::kTriggers);
  add_list(*trigger, action, "/api/v1/triggers", "triggers",
           {{"NAME", "name"},
            {"POOL", "pool"},
            {"TYPE", "type"},
            {"STEP", "step"},
            {"ENABLED", "enabled"},
            {"FAULT", "fault"}});
  add_trigger_verb(*trigger, action, "rotate",
                   "Make a new secret, shown this once; the old one ends at once");
  add_trigger_verb(*trigger, action, "enable", "Take calls again");
  add_trigger_verb(*trigger, action, "disable", "Refuse every call");
  auto* pull =
      trigger->add_subcommand("pull", "Pull a trigger, with its secret from GPUSCALE_TRIGGER_SECRET");
  struct PullOptions {
    RemoteOptions remote;
    std::string name;
    std::string secret;
    std::optional<int> step;
  };
  auto options = std::make_shared<PullOptions>();
  options->remote.add_to(*pull);
  pull->add_option("TRIGGER", options->name)->required();
  pull->add_option("--secret", options->secret,
                   "better in the environment; without one a token with the scope trigger will do")
      ->envname("GPUSCALE_TRIGGER_SECRET");
  pull->add_option("--step", options->step, "default: the trigger's own");
  pull->callback([&action, options] {
    action = [options](const Context&) {
      std::string path = "/hook/trigger?triggerUrl=" + http::url_encode(options->name);
      if (options->step) path += "&step=" + std::to_string(*options->step);
      RemoteOptions remote = options->remote;
      // The hook takes the trigger's own secret as its bearer.
      if (!options->secret.empty()) remote.token = options->secret;
      remote.variables = "GPUSCALE_TRIGGER_SECRET, " + remote.variables;
      const auto answer = Remote(remote).call(http::Method::kPost, path, nullptr);
      if (!answer) return report(answer.error());
      return print_outcome(options->remote, *answer);
    };
  });
}

void add_schedule_command(CLI::App& app, Action& action) {
  auto* schedule = app.add_subcommand("schedule", "Show schedules: what holds now and what comes next")
                       ->require_subcommand(1);
  add_declared_verbs(*schedule, action, config::Kind::kSchedules);
  add_list(*schedule, action, "/api/v1/schedules", "schedules",
           {{"NAME", "name"},
            {"ENABLED", "enabled"},
            {"WHEN", "when"},
            {"ZONE", "timezone"},
            {"FOR", "for"},
            {"POOL", "pool"},
            {"MIN", "min"},
            {"MAX", "max"},
            {"FLOOR", "floor"},
            {"TRIGGER", "trigger"},
            {"MUTES", "mute"},
            {"HOLDS UNTIL", "holds_until"},
            {"NEXT", "next_runs"},
            {"FAULT", "fault"}});
}

void add_activity_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("activity", "Show what happened and why");
  auto options = std::make_shared<ActivityOptions>();
  options->remote.add_to(*command);
  command->add_option("--pool", options->pool, "of this pool alone");
  command->add_option("--kind", options->kind, "kinds that begin so, as node. or rule.firing");
  command->add_option(
      "--why", options->why,
      "the whole chain, from samples to nodes, of a correlation, node, rule, trigger or idempotency key");
  command->add_option("--limit", options->limit, "the newest so many")->capture_default_str();
  command->add_flag("--follow,-f", options->follow, "go on as new entries come");
  add_replay_command(*command, action);
  command->callback([&action, options, command] {
    if (!command->get_subcommands().empty()) return;
    action = [options](const Context& context) { return show_activity(*options, context.stop); };
  });
}

}  // namespace gpuscale::cli

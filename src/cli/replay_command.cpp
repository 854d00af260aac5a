// SPDX-License-Identifier: Apache-2.0
/// gpuscale activity replay RANGE
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/counted.h"
#include "base/duration.h"
#include "base/rfc3339.h"
#include "base/system_clock.h"
#include "cli/command.h"
#include "cli/remote.h"
#include "cli/table.h"
#include "http/message.h"

namespace gpuscale::cli {
namespace {

using nlohmann::json;

struct ReplayFlags {
  RemoteOptions remote;
  std::string range;
  std::string pool;
  std::string policy;
};

/// "2h" = the last two hours; "FROM" or "FROM/TO" in RFC 3339.
Result<std::string> query_of(const std::string& range, WallTime now) {
  const auto between = [](WallTime from, WallTime to) {
    return "since=" + http::url_encode(base::format_rfc3339(from)) +
           "&until=" + http::url_encode(base::format_rfc3339(to));
  };
  if (const auto length = base::parse_duration(range)) return between(now - *length, now);
  const std::size_t slash = range.find('/');
  const auto from = base::parse_rfc3339(range.substr(0, slash));
  const auto to =
      slash == std::string::npos ? Result<WallTime>(now) : base::parse_rfc3339(range.substr(slash + 1));
  if (!from || !to) {
    return fail(Errc::kInvalidArgument,
                "\"" + range + "\" is no range; give 2h, or 2026-11-26T08:00:00Z/2026-11-26T10:00:00Z");
  }
  return between(*from, *to);
}

/// For people: without the fraction of its second.
std::string second_of(const json& at) {
  const auto time = base::parse_rfc3339(cell_of(at));
  return time ? base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(*time)) : cell_of(at);
}

int print_replay(const json& answer) {
  const auto counted = [&](const char* key, const char* one, const char* several) {
    return base::counted(answer[key].get<std::int64_t>(), one, several);
  };
  std::printf("%s from %s to %s: %s, %s, %s, %s\n", counted("decisions", "decision", "decisions").c_str(),
              second_of(answer["since"]).c_str(), second_of(answer["until"]).c_str(),
              counted("passes", "pass over nodes", "passes over nodes").c_str(),
              counted("triggers", "trigger call", "trigger calls").c_str(),
              counted("sizes", "size asked for", "sizes asked for").c_str(),
              counted("looks", "look of policies", "looks of policies").c_str());
  for (const json& record : answer["damaged"]) std::printf("not replayed: %s\n", cell_of(record).c_str());
  if (const json& first = answer["first_difference"]; !first.is_null()) {
    std::printf("%s; the first is a %s of pool %s at %s\n  recorded: %s\n  replayed: %s\n",
                counted("differing", "differs", "differ").c_str(), cell_of(first["kind"]).c_str(),
                cell_of(first["pool"]).c_str(), cell_of(first["at"]).c_str(),
                cell_of(first["recorded"]).c_str(), cell_of(first["replayed"]).c_str());
  }
  const bool identical = answer["identical"].get<bool>();
  if (identical) {
    std::puts(answer["decisions"] == 0 ? "nothing was decided in this range, or it is no longer recorded"
                                       : "every answer is the same, bit for bit");
  }
  return identical ? kExitDone : kExitFailed;
}

int print_what_if(json answer) {
  if (answer["pools"].empty()) std::puts("no pool was looked at in this range, or it is no longer recorded");
  for (json& pool : answer["pools"]) {
    for (json& row : pool["rows"]) row["at"] = second_of(row["at"]);
    std::printf(
        "pool %s: %s looks; there were %s node-hours, %s would have wanted %s (more at %s looks, fewer "
        "at %s)\n",
        cell_of(pool["pool"]).c_str(), cell_of(pool["looks"]).c_str(),
        cell_of(pool["had_node_hours"]).c_str(), cell_of(answer["policy"]).c_str(),
        cell_of(pool["would_node_hours"]).c_str(), cell_of(pool["looks_more"]).c_str(),
        cell_of(pool["looks_fewer"]).c_str());
    std::fputs(table_of(pool["rows"], {{"AT", "at"},
                                       {"HAD", "had"},
                                       {"WANTED", "wanted"},
                                       {"WOULD WANT", "would_want"},
                                       {"WHY", "reason"}})
                   .to_text()
                   .c_str(),
               stdout);
    if (pool["rows_omitted"] != 0)
      std::printf("and %s more changes; ask for a shorter range\n", cell_of(pool["rows_omitted"]).c_str());
  }
  return kExitDone;
}

int replay(const ReplayFlags& flags) {
  auto query = query_of(flags.range, base::SystemClock().wall());
  if (!query) return report(query.error());
  if (!flags.pool.empty()) *query += "&pool=" + http::url_encode(flags.pool);
  if (!flags.policy.empty()) *query += "&policy=" + http::url_encode(flags.policy);
  const auto answer = Remote(flags.remote).get("/api/v1/activity/replay?" + *query);
  if (!answer) return report(answer.error());
  if (flags.remote.json()) {
    std::printf("%s\n", answer->dump(2).c_str());
    return answer->value("identical", true) ? kExitDone : kExitFailed;
  }
  return flags.policy.empty() ? print_replay(*answer) : print_what_if(*answer);
}

}  // namespace

void add_replay_command(CLI::App& activity, Action& action) {
  auto* command = activity.add_subcommand(
      "replay",
      "Run recorded decisions again: is each answer the same? What would another policy have wanted?");
  auto flags = std::make_shared<ReplayFlags>();
  command->add_option("range", flags->range, "2h, 7d, or FROM/TO in RFC 3339")->required();
  command->add_option("--pool", flags->pool, "of this pool alone");
  command->add_option("--policy", flags->policy,
                      "ask this policy about the same inputs instead, as lookout, hpa=0.6, target=4 or step");
  flags->remote.add_to(*command);
  command->callback([&action, flags] { action = [flags](const Context&) { return replay(*flags); }; });
}

}  // namespace gpuscale::cli

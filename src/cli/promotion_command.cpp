// SPDX-License-Identifier: Apache-2.0
/// gpuscale policy promote | rollback
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/remote.h"
#include "cli/table.h"

namespace gpuscale::cli {
namespace {

using nlohmann::json;

struct PromotionFlags {
  RemoteOptions remote;
  std::string pool;
  std::string policy;
  std::string probation;
  std::vector<std::string> notify;
};

std::string names_in(const json& list) {
  std::string out;
  for (const json& name : list) out += (out.empty() ? "" : ", ") + cell_of(name);
  return out.empty() ? "nobody" : out;
}

int ask(const PromotionFlags& flags, const std::string& verb, const json& body) {
  const auto answer =
      Remote(flags.remote)
          .call(http::Method::kPost, "/api/v1/pools/" + http::url_encode(flags.pool) + "/" + verb, body);
  if (!answer) return report(answer.error());
  if (flags.remote.json()) {
    std::printf("%s\n", answer->dump(2).c_str());
  } else if (verb == "promote") {
    std::printf("pool %s: policy %s is heard; until now: %s. Harm before %s brings those back.\n",
                flags.pool.c_str(), cell_of((*answer)["policy"]).c_str(),
                names_in((*answer)["before"]).c_str(), cell_of((*answer)["probation_until"]).c_str());
  } else {
    std::printf("pool %s: policy %s is a shadow again; heard: %s\n", flags.pool.c_str(),
                cell_of((*answer)["policy"]).c_str(), names_in((*answer)["before"]).c_str());
  }
  return kExitDone;
}

int promote(const PromotionFlags& flags) {
  json body{{"policy", flags.policy}};
  if (!flags.probation.empty()) body["probation"] = flags.probation;
  if (!flags.notify.empty()) body["notify"] = flags.notify;
  return ask(flags, "promote", body);
}

}  // namespace

void add_promotion_commands(CLI::App& policy, Action& action) {
  auto* up = policy.add_subcommand("promote", "Let this policy alone decide; harm brings the former back");
  auto flags = std::make_shared<PromotionFlags>();
  up->add_option("POOL", flags->pool)->required();
  up->add_option("NAME", flags->policy, "one of the pool's policies")->required();
  up->add_option("--probation", flags->probation, "while harm rolls it back, as 24h (the default)");
  up->add_option("--notify", flags->notify, "channels to be told of a roll-back");
  flags->remote.add_to(*up);
  up->callback([&action, flags] { action = [flags](const Context&) { return promote(*flags); }; });

  auto* back = policy.add_subcommand("rollback", "Let those decide again that did before the promotion");
  auto back_flags = std::make_shared<PromotionFlags>();
  back->add_option("POOL", back_flags->pool)->required();
  back_flags->remote.add_to(*back);
  back->callback([&action, back_flags] {
    action = [back_flags](const Context&) { return ask(*back_flags, "rollback", nullptr); };
  });
}

}  // namespace gpuscale::cli

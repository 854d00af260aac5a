// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <gtest/gtest.h>

namespace gpuscale::config {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kGood = R"(cluster: inference-cn-beijing
pools:
  - name: gpu
    provider: {type: local}
    min: 2
    max: 6
    cooldown: {scale_out: 30s, scale_in: 2m}
triggers:
  - {name: gpu-out, pool: gpu, type: scale_out, step: 1}
  - {name: gpu-in,  pool: gpu, type: scale_in}
channels:
  - {name: scale_out, type: trigger, trigger: gpu-out}
  - {name: hook, type: webhook, url: "https://x.invalid/${TOKEN}", method: PUT, headers: {A: b}}
rules:
  - name: GPU usage high
    every: 5s
    queries:
      C: SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time(30s) fill(null)
    condition: avg(C, 1m) > 45
    for: 0s
    repeat: 30s
    notify: [scale_out]
)";

Environment environment_with_token() {
  return [](const std::string& name) -> std::optional<std::string> {
    if (name == "TOKEN") return "s3cret";
    return std::nullopt;
  };
}

std::string faults_in(std::string_view yaml) {
  const auto parsed = parse(yaml, "f.yaml", environment_with_token());
  return parsed ? "" : parsed.error().message();
}

std::string with_policy(const std::string& policy) {
  return std::string(kGood) + "policies:\n  - {name: p, pool: gpu, " + policy + "}\n";
}

TEST(Config, ReadsPoliciesThatGoByAFormula) {
  const auto read = [](const std::string& keys) {
    return parse(with_policy("queries: {Q: SELECT mean(v) FROM m WHERE $timeFilter}, " + keys), "f.yaml",
                 environment_with_token());
  };
  const auto target = read("type: target, value: \"last(Q, 1m) / ready_nodes\", target: 0.5");
  ASSERT_TRUE(target) << target.error().message();
  EXPECT_EQ(target->policies[0].choice.knob, 0.5);
  EXPECT_EQ(target->policies[0].formula.queries.at("Q"), "SELECT mean(v) FROM m WHERE $timeFilter");
  const auto step = read(
      "type: step, value: \"avg(Q, 1m)\", steps: [{above: 80, add: 2}, {below: 30, remove: 1, for: 5m}]");
  ASSERT_TRUE(step) << step.error().message();
  EXPECT_EQ(step->policies[0].steps, (std::vector<policy::StepRule>{{true, 80, 2, 0}, {false, 30, 1, 300}}));
  for (const auto& [keys, says] :
       {std::pair("type: target, value: \"avg(Q, 1m)\"", "over 0"),
        std::pair("type: target, value: \"avg(P, 1m)\", target: 1", "asks for P"),
        std::pair("type: step, value: \"avg(Q, 1m)\"", "needs steps"),
        std::pair("type: step, value: 1, steps: [{above: 3, below: 1}]", "either above"),
        std::pair("type: hpa, value: 1", "belong to target and step")}) {
    const auto wrong = read(keys);
    ASSERT_FALSE(wrong) << keys;
    EXPECT_NE(wrong.error().message().find(says), std::string::npos) << wrong.error().message();
  }
}

TEST(Config, ReadsWarmNodesCommandsAndFallbacks) {
  const auto parsed = parse(
      "pools:\n  - name: a\n    warm: {nodes: 2, keep: 30m}\n    provider:\n      type: local\n"
      "      command: [serve, --model, my model, \"{port}\"]\n      gpus: [0, 1]\n"
      "      changes_per_minute: 30\n      list_every: 5s\n      fallback: {type: docker, image: i}\n",
      "f.yaml", environment_with_token());
  ASSERT_TRUE(parsed) << parsed.error().message();
  const pool::PoolSpec& spec = parsed->pools[0];
  EXPECT_EQ(spec.warm.nodes, 2);
  EXPECT_EQ(spec.warm.keep, minutes{30});
  EXPECT_EQ(spec.provider.options.at("command"), "serve\n--model\nmy model\n{port}\n");
  EXPECT_EQ(spec.provider.limits, (pool::CallLimits{30, seconds{5}}));
  ASSERT_EQ(spec.provider.fallback.size(), 1U);
  EXPECT_EQ(spec.provider.fallback[0].options.at("image"), "i");
  EXPECT_NE(faults_in("pools:\n  - {name: a, provider: {type: local, fallback: {type: moon}}}\n")
                .find("fallback: provider type"),
            std::string::npos);
  EXPECT_NE(faults_in("pools:\n  - {name: a, warm: {keep: 1m}}\n").find("needs nodes"), std::string::npos);
}

TEST(Config, ReadsDrainHooksAndRefusesWhatIsNoProgram) {
  const auto pool_with = [](const std::string& hooks) {
    return "pools:\n  - {name: a, provider: {type: local, hooks: " + hooks + "}}\n";
  };
  const auto parsed = parse(pool_with("{drain: [/opt/lb, remove], end: [/opt/save], limit: 2m}"), "f.yaml",
                            environment_with_token());
  ASSERT_TRUE(parsed) << parsed.error().message();
  const pool::DrainHooks expected{
      .drain = {"/opt/lb", "remove"}, .undrain = {}, .end = {"/opt/save"}, .limit = minutes{2}};
  EXPECT_EQ(parsed->pools[0].provider.hooks, expected);
  for (const auto& [hooks, says] :
       {std::pair("{drain: [lb, remove]}", "absolute path"), std::pair("{end: [/x], limit: 2h}", "1s to 1h"),
        std::pair("{start: [/x]}", "start")}) {
    EXPECT_NE(faults_in(pool_with(hooks)).find(says), std::string::npos) << faults_in(pool_with(hooks));
  }
}

TEST(Config, ReadsPolicies) {
  const auto tracked = parse(with_policy("type: target_tracking, target: 55, boot: 90s, shadow: true"),
                             "f.yaml", environment_with_token());
  ASSERT_TRUE(tracked) << tracked.error().message();
  ASSERT_EQ(tracked->policies.size(), 1U);
  EXPECT_EQ(tracked->policies[0].choice.to_string(), "target_tracking=0.55");
  EXPECT_EQ(tracked->policies[0].boot_seconds, 90);
  EXPECT_TRUE(tracked->policies[0].shadow);
  const auto plain = parse(with_policy("setting: 0.999"), "f.yaml", environment_with_token());
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(plain->policies[0].choice.to_string(), "lookout=0.999");
}

TEST(Config, ReadsASimulatedCloudAndWhatClassesCount) {
  const auto config = parse(
      "pools:\n  - name: gpu\n    provider: {type: sim, boot: 90s, boot_failures: 5%, zones: [a, b]}\n"
      "    scale_in: {capacity: {NVIDIA H100: 2.5, NVIDIA L4: 1}}\n",
      "f.yaml", {});
  ASSERT_TRUE(config) << config.error().message();
  const std::map<std::string, double> counted{{"NVIDIA H100", 2.5}, {"NVIDIA L4", 1}};
  EXPECT_EQ(config->pools[0].scale_in.capacity, counted);
  EXPECT_EQ(config->pools[0].provider.options.at("boot_failures"), "5%");
  EXPECT_NE(faults_in("pools: [{name: a, scale_in: {capacity: {L4: much}}}]\n").find("much"),
            std::string::npos);
}

TEST(Config, RefusesPoliciesThatContradictThemselves) {
  const auto names = [](const std::string& policy, const std::string& text) {
    const std::string faults = faults_in(with_policy(policy));
    return faults.find(text) != std::string::npos ? std::string() : policy + ": " + faults;
  };
  EXPECT_EQ(names("type: target_tracking, target: 0", "target"), "");
  EXPECT_EQ(names("type: target_tracking, target: 101", "target"), "");
  EXPECT_EQ(names("type: target_tracking, target: 50, setting: 0.5", "give one of them"), "");
  EXPECT_EQ(names("type: recipe, target: 50", "has no target"), "");
  EXPECT_EQ(names("type: hpz", "no policy \"hpz\"; did you mean \"hpa\"? Known: lookout, "), "");
  EXPECT_EQ(names("type: magic", "no policy \"magic\"; known: lookout, "), "");
  EXPECT_EQ(names("type: keda", "rate of requests"), "");
  EXPECT_EQ(names("type: hpa, setting: 3", "target utilisation"), "");
  EXPECT_EQ(names("boot: 5h", "2h"), "");
  EXPECT_EQ(names("type: target, target: 1, value: last(Q, 1m), queries: {Q: SELECT v FROM m}",
                  "policies[0].queries: \"Q\" has no $timeFilter"),
            "");
  EXPECT_EQ(
      names("type: target, target: 1, value: last(Q, 1m), queries: {Q: SELEC v FROM m WHERE $timeFilter}",
            "policies[0].queries: \"Q\" "),
      "");
  EXPECT_NE(faults_in("policies:\n  - {name: p, pool: nowhere}\n").find("no pool"), std::string::npos);
}

TEST(Config, ReadsTheExampleOfTheDesign) {
  const auto config = parse(kGood, "f.yaml", environment_with_token());
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->cluster, "inference-cn-beijing");
  ASSERT_EQ(config->pools.size(), 1U);
  EXPECT_EQ(config->pools[0].min, 2);
  EXPECT_EQ(config->pools[0].max, 6);
  EXPECT_EQ(config->pools[0].cooldown_out, seconds{30});
  EXPECT_EQ(config->pools[0].cooldown_in, minutes{2});
  ASSERT_EQ(config->triggers.size(), 2U);
  EXPECT_EQ(config->triggers[1].type, scaling::Direction::kIn);
  EXPECT_EQ(config->channels[1].url, "https://x.invalid/s3cret");
  EXPECT_EQ(config->channels[1].method, http::Method::kPut);
  EXPECT_EQ(config->channels[1].headers.at("A"), "b");
  EXPECT_EQ(config->rules[0].repeat, seconds{30});
  EXPECT_EQ(config->rules[0].notify, std::vector<std::string>{"scale_out"});
  EXPECT_NE(config->rules[0].queries.at("C").find("$timeFilter"), std::string::npos);
}

TEST(Config, AnEmptyFileIsAnEmptyCluster) {
  const auto config = parse("", "f.yaml", environment_with_token());
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->pools.empty());
}

struct Case {
  const char* what;
  const char* yaml;
  const char* place;
  const char* text;
};

class ConfigFault : public ::testing::TestWithParam<Case> {};

TEST_P(ConfigFault, NamesPlaceAndMend) {
  const std::string faults = faults_in(GetParam().yaml);
  EXPECT_NE(faults.find(std::string("f.yaml:") + GetParam().place + ": "), std::string::npos) << faults;
  EXPECT_NE(faults.find(GetParam().text), std::string::npos) << faults;
}

INSTANTIATE_TEST_SUITE_P(
    Config, ConfigFault,
    ::testing::Values(
        Case{"unknown key", "clusterr: x\n", "1:1",
             "unknown key \"clusterr\" in the file; did you mean \"cluster\"?"},
        Case{"unknown nested key", "pools:\n  - {name: a, maxx: 3}\n", "2:15", "did you mean \"max\"?"},
        Case{"far from any key", "zebra: 1\n", "1:1",
             "known keys: channels, cluster, fleet, policies, pools, rules, schedules, sources, store, "
             "triggers"},
        Case{"wrong type", "pools:\n  - {name: a, min: two}\n", "2:20",
             "\"two\" must be a whole number from 0"},
        Case{"list for a value", "cluster: [a]\n", "1:10", "must be a single value"},
        Case{"value for a list", "pools: 3\n", "1:8", "must be a list"},
        Case{"value for a mapping", "pools: [3]\n", "1:9", "must be a mapping"},
        Case{"min over max", "pools:\n  - {name: a, min: 5, max: 2}\n", "2:20",
             "min 5 is greater than max 2"},
        Case{"min over every max",
             "pools: [{name: a, max: 4}]\nschedules:\n  - {name: s, cron: '0 9 * * *', pool: a, set: {min: "
             "9}}\n",
             "3:48", "min 9 is over the most that pool a may ever have, 4"},
        Case{"unknown provider", "pools:\n  - {name: a, provider: {type: moon}}\n", "2:25", "\"moon\""},
        Case{"bad duration", "pools:\n  - {name: a, cooldown: {scale_in: 2 minutes}}\n", "2:36",
             "is not a duration"},
        Case{"no time to boot", "pools:\n  - {name: a, boot_timeout: 0s}\n", "2:29", "must be 1s or longer"},
        Case{"no time to report", "pools:\n  - {name: a, telemetry_timeout: 500ms}\n", "2:34",
             "must be 1s or longer"},
        Case{"no such pool", "triggers:\n  - {name: t, pool: x, type: scale_in}\n", "2:21",
             "no pool \"x\"; none is declared"},
        Case{"bad direction", "pools: [{name: a}]\ntriggers:\n  - {name: t, pool: a, type: up}\n", "3:30",
             "\"up\" is none of scale_out, scale_in"},
        Case{"step of zero",
             "pools: [{name: a}]\ntriggers:\n  - {name: t, pool: a, type: scale_in, step: 0}\n", "3:46",
             "from 1 to 1000"},
        Case{"short secret",
             "pools: [{name: a}]\ntriggers:\n  - {name: t, pool: a, type: scale_in, secret: x}\n", "3:48",
             "shorter than 16"},
        Case{"twice the same name", "pools:\n  - {name: a}\n  - {name: a}\n", "3:12", "used twice"},
        Case{"twice the same key", "cluster: a\ncluster: b\n", "2:1", "stands twice"},
        Case{"name with a slash", "pools:\n  - {name: ../etc}\n", "2:12", "must be 1 to 63 letters"},
        Case{"missing name", "pools:\n  - {min: 1}\n", "2:5", "pools[0].name: is missing"},
        Case{"variable not set", "cluster: ${NOPE}\n", "1:10", "environment variable NOPE is not set"},
        Case{"variable without its end", "cluster: ${NOPE\n", "1:10", "\"${NOPE\" has no closing }"},
        Case{"second document", "pools: [{name: a}]\n---\npools: [{name: b}]\n", "3:1",
             "a second document begins here"},
        Case{"not UTF 8", "pools:\n  - {name: caf\xe9}\n", "2:15", "not UTF-8"},
        Case{"no url", "channels:\n  - {name: c, type: webhook}\n", "2:5", "url: is missing"},
        Case{"strange url", "channels:\n  - {name: c, type: webhook, url: ftp://x}\n", "2:35",
             "must begin with http"},
        Case{"no such trigger", "channels:\n  - {name: c, type: trigger, trigger: t}\n", "2:39",
             "no trigger \"t\""},
        Case{"no such state", "channels:\n  - {name: c, type: webhook, url: 'http://x', states: [loud]}\n",
             "2:55", "none of firing"},
        Case{"not YAML", "pools: [\n", "2:1", "not valid YAML"}),
    [](const auto& tested) {
      std::string name = tested.param.what;
      for (char& c : name) {
        if (c == ' ') c = '_';
      }
      return name;
    });

TEST(Config, ReportsEveryFaultAtOnceInOrder) {
  const std::string faults = faults_in("polls: []\npools:\n  - {name: a, min: x}\n");
  EXPECT_LT(faults.find("f.yaml:1:1"), faults.find("f.yaml:3:20")) << faults;
}

TEST(Config, ThePoolsCeilingIsTheLineOfTheRuleThatGrowsItUnlessStated) {
  const std::string text =
      "pools:\n  - {name: gpu, max: 4}\n  - {name: own, max: 4, scale_in: {ceiling: 60}}\n  - {name: bare, "
      "max: 2}\n"
      "triggers:\n  - {name: out, pool: gpu, type: scale_out}\n  - {name: out2, pool: own, type: scale_out}\n"
      "channels:\n  - {name: c, type: webhook, url: 'http://x/hook/trigger?triggerUrl=out&type=scale_out'}\n"
      "  - {name: c2, type: trigger, trigger: out2}\n"
      "rules:\n  - name: high\n    queries: {C: 'SELECT mean(\"utilization_gpu\") FROM \"gpu\" WHERE "
      "$timeFilter'}\n"
      "    condition: avg(C, 1m) > 45\n    notify: [c, c2]\n";
  const auto config = parse(text, "f", environment_with_token());
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->pools[0].scale_in.ceiling, 45);
  EXPECT_EQ(config->pools[1].scale_in.ceiling, 60);
  EXPECT_EQ(config->pools[2].scale_in.ceiling, 0);
}

TEST(Config, TheStoreHasSettings) {
  const auto plain = parse("cluster: a\n", "f", environment_with_token());
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->store.keep_samples, std::chrono::hours{7 * 24});
  EXPECT_EQ(plain->store.keep_minutes, std::chrono::hours{90 * 24});
  const auto given = parse(
      "store: {retention_autocreate: false, health: false, max_select_series: 3, keep_samples: 2d, "
      "keep_minutes: 0s}\n",
      "f", environment_with_token());
  ASSERT_TRUE(given) << given.error().message();
  EXPECT_FALSE(given->store.retention_autocreate);
  EXPECT_FALSE(given->store.health);
  EXPECT_EQ(given->store.max_select_series, 3);
  EXPECT_EQ(given->store.keep_samples, std::chrono::hours{48});
  for (const char* wrong : {"store: {keep_samples: 1h}\n", "store: {keep_samples: 9d, keep_minutes: 8d}\n"})
    EXPECT_FALSE(parse(wrong, "f", environment_with_token())) << wrong;
}

TEST(Config, ABraceCanBeWrittenLiterally) {
  EXPECT_EQ(parse("cluster: a$${B}\n", "f", environment_with_token())->cluster, "a${B}");
}

TEST(Config, SaysWhichFileIsMissing) {
  const auto config = load("/nope/gpuscale.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code(), Errc::kNotFound);
  EXPECT_NE(config.error().message().find("/nope/gpuscale.yaml"), std::string::npos);
}

}  // namespace
}  // namespace gpuscale::config

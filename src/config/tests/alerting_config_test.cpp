// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "config/config.h"
#include "config/rule_tests.h"

namespace gpuscale::config {
namespace {

using namespace std::chrono_literals;
using notify::ChannelKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<Config> read(const std::string& yaml) {
  return parse(yaml, "file", [](const std::string&) { return std::nullopt; });
}
std::string fault(const std::string& yaml) {
  const auto config = read(yaml);
  return config ? "" : config.error().message();
}

constexpr const char* kPool =
    "pools: [{name: gpu, min: 1, max: 3}]\n"
    "triggers:\n"
    "  - {name: out, pool: gpu, type: scale_out}\n"
    "  - {name: in, pool: gpu, type: scale_in}\n";

TEST(AlertingConfig, ReadsTriggersThatRunACommandOrCallAUrl) {
  const auto config = read(R"(
triggers:
  - {name: redeploy, type: run, command: [/bin/redeploy, a], timeout: 5m, cooldown: 1m, secret: 0123456789abcdef}
  - {name: ci, type: call, url: "https://ci/build", method: PUT, bearer: b, body: '{"c": {{ correlation | json }}}'}
)");
  ASSERT_TRUE(config) << config.error().message();
  const auto& run = config->triggers.at(0);
  EXPECT_EQ(run.type, scaling::Direction::kRun);
  EXPECT_THAT(run.action->command, ElementsAre("/bin/redeploy", "a"));
  EXPECT_EQ(run.action->timeout, 5min);
  EXPECT_EQ(run.cooldown, 1min);
  const auto& call = config->triggers.at(1);
  EXPECT_EQ(call.action->url, "https://ci/build");
  EXPECT_EQ(call.action->method, http::Method::kPut);
  EXPECT_EQ(call.action->bearer.reveal(), "b");
  EXPECT_EQ(call.action->timeout, 10s);
}

TEST(AlertingConfig, WhatATriggerThatRunsOrCallsCannotSayIsRefused) {
  EXPECT_THAT(fault("triggers: [{name: r, type: run}]"), HasSubstr("command"));
  EXPECT_THAT(fault("triggers: [{name: r, type: run, command: [/x], step: 2}]"), HasSubstr("step"));
  EXPECT_THAT(fault("triggers: [{name: c, type: call, url: 'ftp://x'}]"), HasSubstr("http://"));
  EXPECT_THAT(fault("triggers: [{name: c, type: call, url: 'http://x', body: '{{ nonsense }}'}]"),
              HasSubstr("nonsense"));
  EXPECT_THAT(fault("triggers: [{name: c, type: call, url: 'http://x', pool: gone}]"),
              HasSubstr("no pool \"gone\""));
  EXPECT_THAT(fault("triggers: [{name: r, type: run, command: [/x], timeout: 1h}]"),
              HasSubstr("at most 10m"));
  EXPECT_THAT(fault("triggers: [{name: r, type: run, command: [/x], cooldown: 60d}]"), HasSubstr("7d"));
  EXPECT_THAT(fault("triggers: [{name: r, type: dance, pool: gpu}]"), HasSubstr("run"));
}

TEST(AlertingConfig, ReadsARuleInFull) {
  const auto config = read(std::string(kPool) + R"(
channels: [{name: people, type: slack, url: "https://hooks.slack.com/x"}]
rules:
  - name: queue
    pool: gpu
    every: 1s
    queries: {Q: "SELECT sum(queue_depth) FROM gpu WHERE $timeFilter GROUP BY node"}
    condition: last(Q, 10s) / ready_nodes > 4
    recover: last(Q, 10s) / ready_nodes < 1
    for: 5s
    keep_firing_for: 20s
    per_series: true
    whole_buckets: false
    no_data: alert
    labels: {severity: page}
    annotations: {summary: "{{ rule }} of {{ labels.node }} at {{ value }}"}
    message: "look at {{ labels.node }}"
    notify: [people]
)");
  ASSERT_TRUE(config) << config.error().message();
  const auto& rule = config->rules.at(0);
  EXPECT_EQ(rule.pool, "gpu");
  EXPECT_EQ(rule.recover, "last(Q, 10s) / ready_nodes < 1");
  EXPECT_EQ(rule.keep_firing_for, Nanos{20s});
  EXPECT_TRUE(rule.per_series);
  EXPECT_FALSE(rule.whole_buckets);
  EXPECT_EQ(rule.labels.at("severity"), "page");
  EXPECT_THAT(config->channels.at(0).states, ElementsAre("firing", "ok", "no_data", "error"));
}

TEST(AlertingConfig, ProfileGrafana44HasItsOwnDefaults) {
  const auto config = read(R"(
rules:
  - name: old
    profile: grafana-4.4
    queries: {C: "SELECT mean(u) FROM gpu WHERE $timeFilter"}
    condition: avg(C, 1m) > 45
)");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->rules.at(0).profile, alert::Profile::kGrafana44);
  EXPECT_EQ(config->rules.at(0).no_data, alert::Absence::kNoData);
  EXPECT_EQ(config->rules.at(0).on_error, alert::Absence::kAlert);
}

TEST(AlertingConfig, ReadsEveryKindOfChannel) {
  const auto config = read(std::string(kPool) + R"(
channels:
  - {name: a, type: trigger, trigger: out}
  - {name: b, type: webhook, url: "https://x/y", payload: alertmanager, signing_secret: hush, basic: {user: u, password: p}}
  - {name: c, type: webhook, url: "https://x/y", body: "{{ title | json }}", client_certificate: {certificate_file: a.pem, key_file: b.pem}}
  - {name: d, type: dingtalk, url: "https://oapi.dingtalk.com/robot/send?access_token=t", signing_secret: SEC1}
  - {name: e, type: wecom, url: "https://qyapi.weixin.qq.com/x"}
  - {name: f, type: feishu, url: "https://open.feishu.cn/x"}
  - {name: g, type: teams, url: "https://x/y"}
  - {name: h, type: pagerduty, routing_key: k}
  - {name: i, type: alertmanager, url: "http://127.0.0.1:9093"}
  - {name: j, type: email, server: "smtp://mail:25", from: a@b, to: [c@d]}
  - {name: k, type: exec, command: [/bin/true, x], timeout: 5s}
)");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->channels.at(1).payload, notify::Payload::kAlertmanager);
  EXPECT_EQ(config->channels.at(2).payload, notify::Payload::kTemplate);
  EXPECT_EQ(config->channels.at(7).url, "https://events.pagerduty.com/v2/enqueue");
  EXPECT_EQ(config->channels.at(9).kind, ChannelKind::kEmail);
  EXPECT_THAT(config->channels.at(10).command, ElementsAre("/bin/true", "x"));
  EXPECT_THAT(config->channels.at(10).states, ElementsAre("firing")) << "a program may act";
}

TEST(AlertingConfig, FaultsOfChannelsNameTheirMend) {
  const auto channel = [](const std::string& keys) { return fault("channels: [{name: x, " + keys + "}]"); };
  EXPECT_THAT(channel("type: pigeon"), HasSubstr("\"pigeon\" is none of webhook, trigger, dingtalk"));
  EXPECT_THAT(channel("type: webhook, url: ftp://x"), HasSubstr("must begin with http"));
  EXPECT_THAT(channel("type: webhook, url: http://x, body: '{{ x }}'"), HasSubstr("no value \"x\""));
  EXPECT_THAT(channel("type: webhook, url: http://x, body: y, payload: grafana"), HasSubstr("keep one"));
  EXPECT_THAT(channel("type: webhook, url: http://x, client_certificate: {key_file: k}"),
              HasSubstr("needs both"));
  EXPECT_THAT(channel("type: pagerduty"), HasSubstr("routing_key: is missing"));
  EXPECT_THAT(channel("type: email, server: mail, from: a@b, to: [c]"), HasSubstr("must begin with smtp://"));
  EXPECT_THAT(channel("type: email, server: smtp://m, from: a@b, to: [c]"), HasSubstr("\"c\" is no address"));
  EXPECT_THAT(channel("type: exec, command: []"), HasSubstr("must be a list of 1 to 64 words"));
  EXPECT_THAT(channel("type: slack, url: http://x, timeout: 0s"), HasSubstr("must be longer than 0"));
}

TEST(AlertingConfig, TriggersHaveLimits) {
  const auto config = read(R"(
pools: [{name: gpu, min: 1, max: 3}]
triggers:
  - {name: out, pool: gpu, type: scale_out, max_step: 2, calls_per_minute: 10, sources: [10.0.0.0/8, "::1"], repeat: 30s, on_resolved: in}
  - {name: in, pool: gpu, type: scale_in}
)");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->triggers.at(0).max_step, 2);
  EXPECT_TRUE(config->triggers.at(0).sources.at(0).contains("10.1.2.3"));
  EXPECT_EQ(config->triggers.at(0).repeat, Nanos{30s});
  EXPECT_THAT(
      fault("pools: [{name: gpu}]\ntriggers: [{name: o, pool: gpu, type: scale_out, on_resolved: x, sources: "
            "[home]}]"),
      ::testing::AllOf(HasSubstr("no trigger \"x\""), HasSubstr("\"home\" is no range of addresses")));
}

TEST(AlertingConfig, TheAddressOfAnAlertmanagerEndsBeforeItsApi) {
  EXPECT_THAT(fault("channels: [{name: a, type: alertmanager, url: \"http://h:9093/am/api/v2/alerts\"}]"),
              HasSubstr("url: ends before the API's path: http://h:9093/am"));
}

TEST(AlertingConfig, SchedulesAreReadAndCheckedAgainstTheRest) {
  const auto config = read(std::string(kPool) + R"(
schedules:
  - {name: morning, cron: "30 8 * * 1-5", timezone: Asia/Shanghai, pool: gpu, set: {min: 2, floor: 3}}
  - {name: launch, at: "2026-12-01 08:00", trigger: out, step: 2}
)");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->schedules.at(0).min, 2);
  EXPECT_EQ(config->schedules.at(0).floor, 3);
  EXPECT_FALSE(config->schedules.at(0).max);
  EXPECT_EQ(config->schedules.at(1).step, 2);
  EXPECT_FALSE(config->schedules.at(0).step);
  const std::string wrong = fault(R"(
schedules:
  - {name: x, cron: "61 * * * *", pool: no, set: {min: 2}}
  - {name: y, cron: "0 0 * * *", for: 1h, mute: [nothing]}
)");
  EXPECT_THAT(wrong, HasSubstr("schedules[0].cron: the minute \"61\" is none of 0 to 59"));
  EXPECT_THAT(wrong, HasSubstr("no pool \"no\""));
  EXPECT_THAT(wrong, HasSubstr("no rule \"nothing\""));
}

TEST(RuleTests, TracksRepeatValuesAndHoldGaps) {
  const auto track = parse_track("20x2 _ 1.5 _x2");
  ASSERT_TRUE(track);
  EXPECT_THAT(*track, ElementsAre(20, 20, std::nullopt, 1.5, std::nullopt, std::nullopt));
  for (const char* wrong : {"x3", "20x", "20x0", "abc", "20x1.5", "1x9999999"})
    EXPECT_FALSE(parse_track(wrong)) << wrong;
}

}  // namespace
}  // namespace gpuscale::config

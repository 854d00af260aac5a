// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "config/config.h"

namespace gpuscale::config {
namespace {

using ::testing::HasSubstr;

Result<Config> read_sources(const std::string& yaml) {
  return parse(yaml, "file", [](const std::string& name) -> std::optional<std::string> {
    return name == "TOKEN" ? std::optional<std::string>("t0ken") : std::nullopt;
  });
}
std::string source_fault(const std::string& yaml) {
  const auto config = read_sources(yaml);
  return config ? "" : config.error().message();
}
std::string with_rule(const std::string& query, const std::string& sources) {
  return "sources:\n"
         "  - {name: prom, type: prometheus, url: \"http://p:9090\"}\n"
         "  - {name: old, type: influxdb, url: \"http://i:8086\", database: telegraf}\n"
         "rules:\n"
         "  - {name: r, queries: {C: '" +
         query + "'}, sources: " + sources + ", condition: 'avg(C, 1m) > 45'}\n";
}

TEST(Sources, AreReadInFull) {
  const auto config = read_sources(R"(
sources:
  - name: prom
    type: prometheus
    url: https://prometheus:9090/prefix
    ask: range
    step: 15s
    bearer: ${TOKEN}
    ca_file: /etc/ca.pem
    client_certificate: {certificate_file: /c.pem, key_file: /k.pem}
    headers: {X-Scope-OrgID: tenant}
    timeout: 3s
  - {name: old, type: influxdb, url: "http://i:8086", database: telegraf, retention_policy: week, basic: {user: u, password: p}}
)");
  ASSERT_TRUE(config) << config.error().message();
  const auto& prom = config->sources.at(0);
  EXPECT_EQ(prom.bearer.reveal(), "t0ken");
  EXPECT_EQ(prom.step, std::chrono::seconds{15});
  EXPECT_EQ(prom.headers.at("X-Scope-OrgID"), "tenant");
  EXPECT_EQ(prom.client_key, "/k.pem");
  EXPECT_EQ(prom.timeout, std::chrono::seconds{3});
  EXPECT_EQ(config->sources.at(1).database, "telegraf");
  EXPECT_EQ(config->sources.at(1).user, "u");
}

TEST(Sources, WhatIsWrongIsNamedWithItsMend) {
  EXPECT_THAT(source_fault("sources: [{name: a, url: 'http://x'}]"),
              HasSubstr("type: is missing; write influxdb"));
  EXPECT_THAT(source_fault("sources: [{name: a, type: prometheus, url: 'x:1'}]"), HasSubstr("http://"));
  EXPECT_THAT(source_fault("sources: [{name: a, type: influxdb, url: 'http://x'}]"), HasSubstr("database"));
  EXPECT_THAT(source_fault("sources: [{name: a, type: prometheus, url: 'http://x', database: d}]"),
              HasSubstr("database"));
  EXPECT_THAT(source_fault("sources: [{name: a, type: prometheus, url: 'http://x?token=s'}]"),
              HasSubstr("must not hold a query"));
  EXPECT_THAT(source_fault("sources: [{name: embedded, type: prometheus, url: 'http://x'}]"),
              HasSubstr("the server's own store"));
  EXPECT_THAT(source_fault("sources: [{name: a, type: prometheus, url: 'http://x', timeout: 1m}]"),
              HasSubstr("at most 10s"));
  EXPECT_THAT(source_fault("sources: [{name: a, type: prometheus, url: 'http://x', ask: instant, step: 5s}]"),
              HasSubstr("leave it out"));
}

TEST(Sources, ARuleMaySendEachOfItsQueriesToOne) {
  const auto config = read_sources(with_rule("avg(gpu_util)", "{C: prom}"));
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->rules.at(0).sources.at("C"), "prom");
  EXPECT_EQ(source_fault(with_rule("SELECT mean(u) FROM gpu WHERE $timeFilter GROUP BY time($__interval)",
                                   "{C: old}")),
            "");
  EXPECT_EQ(source_fault(with_rule("SELECT mean(u) FROM gpu WHERE $timeFilter", "{C: embedded}")), "");
}

TEST(Sources, WhatARuleCannotAskIsRefusedWhenItIsLoaded) {
  EXPECT_THAT(source_fault(with_rule("up", "{C: nowhere}")),
              HasSubstr("no source \"nowhere\"; known: embedded, prom, old"));
  EXPECT_THAT(source_fault(with_rule("up", "{D: prom}")), HasSubstr("sources: there is no query \"D\""));
  EXPECT_THAT(source_fault(with_rule("SELECT u FROM gpu", "{C: old}")), HasSubstr("no $timeFilter"));
  EXPECT_THAT(source_fault(with_rule("SELEKT u FROM gpu WHERE $timeFilter", "{C: old}")),
              HasSubstr("found SELEKT"));
  EXPECT_THAT(source_fault(with_rule("SELECT u INTO x FROM gpu WHERE $timeFilter", "{C: old}")),
              HasSubstr("may read, not change"));
  EXPECT_THAT(source_fault(with_rule("SELECT u FROM gpu WHERE $timeFilter", "{C: prom}")),
              HasSubstr("asked in PromQL"));
}

}  // namespace
}  // namespace gpuscale::config

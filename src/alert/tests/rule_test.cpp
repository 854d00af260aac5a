// SPDX-License-Identifier: Apache-2.0
#include "alert/rule.h"

#include <gmock/gmock.h>

namespace gpuscale::alert {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RuleSpec good() {
  RuleSpec spec;
  spec.name = "GPU usage high";
  spec.queries = {{"C", "SELECT mean(u) FROM gpu WHERE $timeFilter"}};
  spec.condition = "avg(C, 1m) > 45";
  spec.notify = {"scale_out"};
  return spec;
}

TEST(Rule, AGoodOneHasNoFaults) {
  EXPECT_THAT(faults_of(good(), {"scale_in", "scale_out"}), IsEmpty());
}

TEST(Rule, EveryFaultIsNamedWithItsMend) {
  struct Case {
    void (*spoil)(RuleSpec&);
    const char* fault;
  };
  const std::vector<Case> cases = {
      {[](RuleSpec& r) { r.every = Nanos{1}; }, "every: 1ns is not from 500ms"},
      {[](RuleSpec& r) { r.hold_for = Nanos{-1}; }, "for: "},
      {[](RuleSpec& r) { r.repeat = std::chrono::hours{24 * 400}; }, "repeat: "},
      {[](RuleSpec& r) { r.queries.clear(); }, "queries: there is none"},
      {[](RuleSpec& r) { r.queries["C"] = "SELECT 1"; }, "has no $timeFilter"},
      {[](RuleSpec& r) { r.queries["C"] = "SELEKT x WHERE $timeFilter"; },
       "queries: \"C\" error parsing query: found SELEKT, expected SELECT"},
      {[](RuleSpec& r) {
         r.queries["C"] = "SELECT mean(u) FROM gpu WHERE $timeFilter GROUP BY time($__interval) fil(none)";
       },
       "found fil, expected ; at line 1, char 70"},
      {[](RuleSpec& r) { r.queries["C"] = "SELECT median() FROM gpu WHERE ${timeFilter}"; },
       "queries: \"C\" invalid number of arguments for median"},
      {[](RuleSpec& r) {
         r.queries["C"] =
             "SELECT mean(u) FROM gpu WHERE node =~ /((a{1,1000}){1,1000}){1,1000}/ AND $timeFilter";
       },
       "error parsing regexp: invalid repetition size"},
      {[](RuleSpec& r) { r.queries["C"] = "DELETE FROM gpu WHERE $timeFilter"; },
       "queries: \"C\" a rule may read, not change: DELETE FROM gpu"},
      {[](RuleSpec& r) { r.queries["D"] = "x $timeFilter"; }, "\"D\" is not used by the condition"},
      {[](RuleSpec& r) { r.condition = "avg(Q, 1m) > 45"; }, "condition: no query \"Q\"; known: C"},
      {[](RuleSpec& r) { r.condition = "avg(C, 1m) >"; }, "condition: line 1, column 13: found the end"},
      {[](RuleSpec& r) { r.condition = "avg(C, 1m) > ready_nodes"; },
       "condition: ready_nodes is a fact of a pool; say of which by \"pool\""},
      {[](RuleSpec& r) { r.condition = "1 > 2"; }, "condition: names no query"},
      {[](RuleSpec& r) { r.recover = "avg(C, 1m"; }, "recover: line 1, column 10: found the end"},
      {[](RuleSpec& r) { r.message = "{{ labels.node"; }, "message: line 1, column 1: \"{{\" without \"}}\""},
      {[](RuleSpec& r) { r.annotations["a"] = "{{ node }}"; },
       "annotations.a: line 1, column 1: no value \"node\""},
      {[](RuleSpec& r) { r.no_data = Absence::kNoData; },
       "no_data: the value no_data is for profile grafana-4.4"},
      {[](RuleSpec& r) {
         r.profile = Profile::kGrafana44;
         r.repeat = std::chrono::seconds{5};
       },
       "profile: grafana-4.4 has no for"},
      {[](RuleSpec& r) {
         r.profile = Profile::kGrafana44;
         r.condition = "(avg(C, 1m) > 1)";
       },
       "condition: profile grafana-4.4 knows tests"},
      {[](RuleSpec& r) { r.notify = {"pager"}; }, "notify: no channel \"pager\"; known: scale_in, scale_out"},
      {[](RuleSpec& r) { r.notify = {"scale_in", "scale_in"}; }, "\"scale_in\" is named twice"},
  };
  for (const Case& each : cases) {
    RuleSpec spec = good();
    each.spoil(spec);
    EXPECT_THAT(faults_of(spec, {"scale_in", "scale_out"}), Contains(HasSubstr(each.fault)));
  }
}

}  // namespace
}  // namespace gpuscale::alert

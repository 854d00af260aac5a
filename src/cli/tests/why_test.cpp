// SPDX-License-Identifier: Apache-2.0
#include "cli/why.h"

#include <gmock/gmock.h>

namespace gpuscale::cli {
namespace {

using ::testing::HasSubstr;

activity::Entry about(const std::string& kind, const std::string& subject, const std::string& correlation,
                      std::int64_t second, nlohmann::json details = nlohmann::json::object()) {
  activity::Entry entry;
  entry.at = base::from_unix_nanos(second * 1'000'000'000);
  entry.kind = kind;
  entry.subject = subject;
  entry.correlation = correlation;
  entry.summary = subject + " did it";
  entry.details = std::move(details);
  return entry;
}

TEST(Why, FindsTheNewestEpisodeOfWhateverIsNamed) {
  const std::vector<activity::Entry> entries = {
      about("rule.firing", "high", "c-1", 1),
      about("message.sent", "scaler", "c-1", 2, {{"idempotency_key", "c-1-1"}}),
      about("node.ready", "gpu-1", "c-1", 3), about("rule.firing", "high", "c-2", 9)};
  EXPECT_EQ(correlation_of("high", entries), "c-2");
  EXPECT_EQ(correlation_of("gpu-1", entries), "c-1");
  EXPECT_EQ(correlation_of("c-1-1", entries), "c-1");
  EXPECT_EQ(correlation_of("c-1", entries), "c-1");
  EXPECT_EQ(correlation_of("nothing", entries), "");
}

TEST(Why, ShowsEachStepWithItsInputsAndTheTimeSinceTheFirst) {
  const std::string text = why_text(
      {about("rule.firing", "high", "c-1", 1, {{"explanation", "avg(C, 1m) = 61 > 45"}, {"muted_by", ""}}),
       about("trigger.accepted", "gpu-out", "c-1", 3, {{"from", 2}, {"to", 3}, {"clipped_by", nullptr}})});
  EXPECT_THAT(text, HasSubstr("rule.firing        high did it\n    explanation: avg(C, 1m) = 61 > 45\n"));
  EXPECT_THAT(text, HasSubstr("+2.000 s  trigger.accepted   gpu-out did it\n    from: 2; to: 3\n"));
}

}  // namespace
}  // namespace gpuscale::cli

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "api/testing/test_api.h"
#include "api/trigger_request.h"
#include "base/digest.h"

namespace gpuscale::api {
namespace {

using testing::parsed;
using testing::TestApi;

constexpr const char* kUrl = "/hook/trigger?triggerUrl=gpu-out&secret=s3cret";

http::Response send(const TestApi& api, http::Method method, const std::string& target,
                    const std::string& body = "", http::Headers headers = {}) {
  return api.send(TestApi::request(method, target, body, std::move(headers)));
}
http::Response get(const TestApi& api, const std::string& target) {
  return send(api, http::Method::kGet, target);
}

TEST(HookTrigger, PullsTheTriggerAndSaysWhatItDid) {
  TestApi api;
  const auto response = get(api, std::string(kUrl) + "&type=scale_out&step=2");
  EXPECT_EQ(response.status, 200);
  const auto body = parsed(response);
  EXPECT_EQ(body["status"], "accepted");
  EXPECT_EQ(body["from"], 2);
  EXPECT_EQ(body["to"], 4);
  EXPECT_TRUE(body["clipped_by"].is_null());
  EXPECT_TRUE(body["retry_after_seconds"].is_null());
  ASSERT_EQ(api.controller.calls.size(), 1U);
  EXPECT_EQ(api.controller.calls[0].step, 2);
  EXPECT_EQ(api.controller.calls[0].type, scaling::Direction::kOut);
  EXPECT_EQ(api.controller.calls[0].source, "http 127.0.0.1");
}

TEST(HookTrigger, TheListShowsWhatATriggerRunsOrCallsAndHowTheLastEndedWithoutItsSecrets) {
  TestApi api;
  scaling::TriggerSpec run{.name = "redeploy", .type = scaling::Direction::kRun};
  run.action.emplace();
  run.action->command = {"/bin/redeploy", "model-a"};
  scaling::TriggerSpec call{.name = "ci", .type = scaling::Direction::kCall};
  call.action.emplace();
  call.action->url = "https://ci.example.com/build?token=t0ken";
  call.action->bearer = Secret("b3arer");
  api.controller.more_triggers = {run, call};
  const auto response = api.get("/api/v1/triggers");
  EXPECT_EQ(response.body.find("t0ken"), std::string::npos);
  EXPECT_EQ(response.body.find("b3arer"), std::string::npos);
  const auto list = parsed(response)["triggers"];
  EXPECT_EQ(list[2]["type"], "run");
  EXPECT_EQ(list[2]["command"], (nlohmann::json{"/bin/redeploy", "model-a"}));
  EXPECT_EQ(list[2]["last"]["state"], "done");
  EXPECT_EQ(list[3]["method"], "POST");
  EXPECT_TRUE(list[3]["last"].is_null());
  const auto errands = parsed(api.get("/api/v1/triggers/redeploy/errands"))["errands"];
  EXPECT_EQ(errands[0]["result"], "exit code 0");
  EXPECT_EQ(errands[0]["started"], "1970-01-01T00:00:02Z");
}

TEST(HookTrigger, LeavesStepAndTypeToTheTriggerWhereTheCallNamesNone) {
  TestApi api;
  EXPECT_EQ(get(api, kUrl).status, 200);
  EXPECT_FALSE(api.controller.calls.at(0).step);
  EXPECT_FALSE(api.controller.calls.at(0).type);
}

TEST(HookTrigger, RefusesEveryStepThatIsNoWholeNumberFrom1To1000) {
  TestApi api;
  for (const char* step :
       {"0", "-1", "1e9", "two", "1001", "1.5", "%2B3", "", "0x2", "99999999999999999999", "3%20"}) {
    const auto response = get(api, std::string(kUrl) + "&step=" + step);
    EXPECT_EQ(response.status, 400) << step;
    EXPECT_EQ(parsed(response)["error"], "step must be a whole number from 1 to 1000") << step;
  }
  EXPECT_TRUE(api.controller.calls.empty());
  EXPECT_EQ(get(api, std::string(kUrl) + "&step=1000").status, 200);
}

TEST(HookTrigger, RefusesWhatIsWrongWithTheStatusThatFits) {
  TestApi api;
  EXPECT_EQ(get(api, "/hook/trigger?triggerUrl=gpu-out&secret=wrong").status, 401);
  EXPECT_EQ(get(api, "/hook/trigger?triggerUrl=gpu-out").status, 401);
  EXPECT_EQ(get(api, "/hook/trigger?triggerUrl=nosuch&secret=s3cret").status, 404);
  EXPECT_EQ(get(api, "/hook/trigger?triggerUrl=nosuch").status, 404);
  EXPECT_EQ(get(api, "/hook/trigger?secret=s3cret").status, 400);
  EXPECT_EQ(get(api, std::string(kUrl) + "&type=scale_up").status, 400);
  EXPECT_EQ(get(api, std::string(kUrl) + "&step=1&step=5").status, 400);
  EXPECT_TRUE(api.controller.calls.empty());
}

TEST(HookTrigger, WritesRefusedCallsToTheLedgerWithTheirSourceAndWithoutTheSecret) {
  TestApi api;
  get(api, "/hook/trigger?triggerUrl=gpu-out&secret=my-guess");
  const auto entries = api.activity("trigger.refused");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].subject, "gpu-out");
  EXPECT_EQ(entries[0].details["source"], "http 127.0.0.1");
  EXPECT_EQ(entries[0].details["status"], 401);
  EXPECT_EQ(activity::to_json(entries[0]).dump().find("my-guess"), std::string::npos);
}

TEST(HookTrigger, AFloodOfRefusedCallsDoesNotFillTheLedger) {
  TestApi api;
  for (int i = 0; i < 100; ++i) get(api, "/hook/trigger?triggerUrl=gpu-out&secret=x");
  EXPECT_EQ(api.activity("trigger.refused").size(), 30U);
  api.clock.advance(std::chrono::minutes{2});
  get(api, "/hook/trigger?triggerUrl=gpu-out&secret=x");
  const auto entries = api.activity("trigger.refused");
  ASSERT_EQ(entries.size(), 31U);
  EXPECT_EQ(entries.back().details["not_written_before_this"], 70);
}

TEST(HookTrigger, TakesItsParametersFromAFormOrAJsonBody) {
  TestApi api;
  EXPECT_EQ(send(api, http::Method::kPost, "/hook/trigger", "triggerUrl=gpu-out&secret=s3cret&step=3",
                 {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}})
                .status,
            200);
  EXPECT_EQ(send(api, http::Method::kPost, "/hook/trigger",
                 R"({"triggerUrl":"gpu-in","secret":"s3cret","type":"scale_in","step":4})")
                .status,
            200);
  ASSERT_EQ(api.controller.calls.size(), 2U);
  EXPECT_EQ(api.controller.calls[0].step, 3);
  EXPECT_EQ(api.controller.calls[1].step, 4);
  EXPECT_EQ(api.controller.calls[1].type, scaling::Direction::kIn);
  for (const char* step : {"1e9", "2.5", "true", "null", "[1]", "-1", "0", "18446744073709551616"}) {
    const std::string body = R"({"triggerUrl":"gpu-in","secret":"s3cret","step":)" + std::string(step) + "}";
    EXPECT_EQ(send(api, http::Method::kPost, "/hook/trigger", body).status, 400) << step;
  }
}

TEST(HookTrigger, TheQueryWinsOverTheBody) {
  TestApi api;
  send(api, http::Method::kPost, std::string(kUrl) + "&step=2",
       R"({"triggerUrl":"gpu-in","secret":"x","step":9})");
  ASSERT_EQ(api.controller.calls.size(), 1U);
  EXPECT_EQ(api.controller.calls[0].trigger, "gpu-out");
  EXPECT_EQ(api.controller.calls[0].step, 2);
}

TEST(HookTrigger, AnAlertsOwnKeysAreNotTakenForParameters) {
  TestApi api;
  const auto response =
      send(api, http::Method::kPost, kUrl, R"({"type":"alert","step":{"a":1},"title":"x"})");
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(api.controller.calls.at(0).type);
}

TEST(HookTrigger, OnlyAnAlertThatFiresPulls) {
  struct Case {
    const char* body;
    bool pulls;
  };
  const Case cases[] = {{R"({"ruleName":"GPU usage high","state":"alerting"})", true},
                        {R"({"ruleName":"GPU usage high","state":"ok"})", false},
                        {R"({"ruleName":"GPU usage high","state":"no_data"})", false},
                        {R"({"alerts":[],"status":"firing"})", true},
                        {R"({"alerts":[],"status":"resolved"})", false},
                        {R"({"state":"ok"})", true},
                        {"not json at all", true}};
  for (const Case& each : cases) {
    TestApi api;
    const auto response = send(api, http::Method::kPost, kUrl, each.body);
    EXPECT_EQ(response.status, 200) << each.body;
    EXPECT_EQ(api.controller.calls.size(), each.pulls ? 1U : 0U) << each.body;
    if (each.pulls) continue;
    EXPECT_EQ(parsed(response)["status"], "unchanged");
    EXPECT_EQ(parsed(response)["from"], 2);
    EXPECT_EQ(parsed(response)["to"], 2);
  }
}

TEST(HookTrigger, OurOwnMessagesPullWhateverStateTheirChannelSends) {
  TestApi api;
  send(api, http::Method::kPost, kUrl, R"({"ruleName":"idle","state":"ok"})",
       {{"X-Gpuscale-Correlation", "c-7"}});
  ASSERT_EQ(api.controller.calls.size(), 1U);
  EXPECT_EQ(api.controller.calls[0].correlation, "c-7");
}

TEST(HookTrigger, TakesTheSecretAsABearer) {
  TestApi api;
  const char* url = "/hook/trigger?triggerUrl=gpu-out";
  EXPECT_EQ(send(api, http::Method::kGet, url, "", {{"Authorization", "Bearer s3cret"}}).status, 200);
  EXPECT_EQ(send(api, http::Method::kGet, url, "", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(send(api, http::Method::kGet, url, "", {{"Authorization", "Digest x"}}).status, 401);
}

TEST(HookTrigger, TakesATokenWithTheScopeTriggerInTheSecretsPlace) {
  TestApi api;
  const char* url = "/hook/trigger?triggerUrl=gpu-out";
  EXPECT_EQ(send(api, http::Method::kGet, url, "", {{"Authorization", api.bearer(Scope::kTrigger)}}).status,
            200);
  EXPECT_EQ(send(api, http::Method::kGet, url, "", {{"Authorization", api.bearer(Scope::kRead)}}).status,
            403);
}

TEST(HookTrigger, KeepsItsSecretWhereNoAuthenticationIsRequired) {
  TestApi api(AuthMode::kOff);
  EXPECT_EQ(get(api, "/hook/trigger?triggerUrl=gpu-out").status, 401);
  EXPECT_EQ(
      send(api, http::Method::kGet, "/hook/trigger?triggerUrl=gpu-out", "", {{"Authorization", "Bearer x"}})
          .status,
      401);
  EXPECT_EQ(get(api, kUrl).status, 200);
}

std::string sign(WallTime at, const std::string& body, const std::string& secret = "s3cret") {
  const std::string t = std::to_string(base::to_unix_nanos(at) / 1'000'000'000);
  return "t=" + t + ",v1=" + base::hmac_sha256_hex(base::sha256_hex(secret), t + "." + body);
}

TEST(HookTrigger, TakesASignedCallOnceWithinFiveMinutes) {
  TestApi api;
  const std::string body = R"({"triggerUrl":"gpu-out","step":2})";
  const std::string signature = sign(api.clock.wall(), body);
  const auto call = [&](const std::string& header, const std::string& content) {
    return send(api, http::Method::kPost, "/hook/trigger", content, {{"X-Gpuscale-Signature", header}})
        .status;
  };
  EXPECT_EQ(call(signature, body), 200);
  EXPECT_EQ(api.controller.calls.at(0).idempotency_key,
            "signature " + signature.substr(signature.find("v1=") + 3));
  EXPECT_EQ(call(signature, R"({"triggerUrl":"gpu-out","step":9})"), 401);
  EXPECT_EQ(call(sign(api.clock.wall(), body, "guess"), body), 401);
  EXPECT_EQ(call("v1=abc", body), 400);
  EXPECT_EQ(call("t=99999999999999999999,v1=" + std::string(64, 'a'), body), 400);
  api.clock.advance(std::chrono::seconds{301});
  EXPECT_EQ(call(signature, body), 401);
  EXPECT_EQ(call(sign(api.clock.wall() + std::chrono::seconds{301}, body), body), 401);
  EXPECT_EQ(api.controller.calls.size(), 1U);
}

TEST(HookTrigger, ASignedCallCarriesNothingUnsignedThatChangesWhatItDoes) {
  TestApi api;
  const std::string signature = sign(api.clock.wall(), "");
  const auto call = [&](const std::string& url) {
    return send(api, http::Method::kGet, url, "", {{"X-Gpuscale-Signature", signature}}).status;
  };
  EXPECT_EQ(call("/hook/trigger?triggerUrl=gpu-out"), 200);
  EXPECT_EQ(call("/hook/trigger?triggerUrl=gpu-out&step=9"), 400);
  EXPECT_EQ(call("/hook/trigger?triggerUrl=gpu-out&type=scale_in"), 400);
}

TEST(HookTrigger, HandsOnTheIdempotencyKeyAndBoundsIt) {
  TestApi api;
  EXPECT_EQ(send(api, http::Method::kPost, kUrl, "", {{"Idempotency-Key", "k1"}}).status, 200);
  EXPECT_EQ(api.controller.calls.at(0).idempotency_key, "k1");
  EXPECT_EQ(send(api, http::Method::kPost, kUrl, "", {{"Idempotency-Key", std::string(201, 'k')}}).status,
            400);
}

TEST(HookTrigger, RefusalsByThePoolAreOutcomesWithTheirStatus) {
  TestApi api;
  scaling::TriggerOutcome outcome;
  outcome.verdict = scaling::Verdict::kCooldown;
  outcome.retry_after = std::chrono::milliseconds{12'300};
  outcome.clipped_by = "max";
  api.controller.next_outcome = outcome;
  const auto cooldown = get(api, kUrl);
  EXPECT_EQ(cooldown.status, 429);
  EXPECT_EQ(cooldown.headers.get("Retry-After"), "13");
  EXPECT_EQ(parsed(cooldown)["retry_after_seconds"], 13);
  EXPECT_EQ(parsed(cooldown)["clipped_by"], "max");
  api.controller.next_outcome->verdict = scaling::Verdict::kConflict;
  EXPECT_EQ(get(api, kUrl).status, 409);
  api.controller.next_outcome->verdict = scaling::Verdict::kUnchanged;
  EXPECT_EQ(get(api, kUrl).status, 200);
}

TEST(HookTrigger, OtherMethodsThanGetAndPostAreNotTaken) {
  TestApi api;
  for (const http::Method method : {http::Method::kHead, http::Method::kPut, http::Method::kDelete}) {
    EXPECT_EQ(send(api, method, kUrl).status, 405);
  }
  EXPECT_TRUE(api.controller.calls.empty());
}

}  // namespace
}  // namespace gpuscale::api

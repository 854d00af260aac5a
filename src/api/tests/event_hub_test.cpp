// SPDX-License-Identifier: Apache-2.0
#include "api/event_hub.h"

#include <gtest/gtest.h>

#include "api/testing/recording_writer.h"
#include "api/testing/test_api.h"

namespace gpuscale::api {
namespace {

using testing::must;
using testing::RecordingWriter;
using testing::TestApi;

class EventHubTest : public ::testing::Test {
 protected:
  std::int64_t append(const std::string& summary) {
    activity::Entry entry;
    entry.at = clock_.wall();
    entry.kind = "node.ready";
    entry.summary = summary;
    return must(ledger_->append(std::move(entry)));
  }
  static bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  base::testing::ManualClock clock_;
  std::unique_ptr<db::Database> database_ = must(db::Database::open(":memory:"));
  std::unique_ptr<activity::Ledger> ledger_ = must(activity::Ledger::open(*database_));
  EventHub hub_{*ledger_, clock_, log::Log::silent(), {.max_listeners = 2, .batch = 3}};
};

TEST_F(EventHubTest, ANewListenerHearsWhatComesAndNothingOld) {
  append("old");
  const auto writer = std::make_shared<RecordingWriter>();
  ASSERT_TRUE(hub_.attach(writer, std::nullopt));
  const std::int64_t id = append("new\nline");
  hub_.pump(clock_.mono());
  hub_.pump(clock_.mono());
  EXPECT_FALSE(contains(writer->text(), "old"));
  const std::string head = "id: " + std::to_string(id) + "\nevent: activity\ndata: {";
  EXPECT_TRUE(contains(writer->text(), head));
  EXPECT_EQ(writer->text().find(head), writer->text().rfind(head));
  EXPECT_TRUE(contains(writer->text(), R"(new\nline)"));
}

TEST_F(EventHubTest, AListenerResumesAfterTheEntryItNamesInAsManyTurnsAsItTakes) {
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 8; ++i) ids.push_back(append("entry " + std::to_string(i)));
  const auto writer = std::make_shared<RecordingWriter>();
  ASSERT_TRUE(hub_.attach(writer, ids[0]));
  int turns = 1;
  while (hub_.pump(clock_.mono())) ++turns;
  EXPECT_EQ(turns, 3);
  EXPECT_FALSE(contains(writer->text(), "entry 0"));
  for (int i = 1; i < 8; ++i) EXPECT_TRUE(contains(writer->text(), "entry " + std::to_string(i)));
}

TEST_F(EventHubTest, SaysEveryFifteenSecondsThatItIsThere) {
  const auto writer = std::make_shared<RecordingWriter>();
  ASSERT_TRUE(hub_.attach(writer, std::nullopt));
  clock_.advance(std::chrono::seconds{14});
  hub_.pump(clock_.mono());
  EXPECT_FALSE(contains(writer->text(), ": still here"));
  clock_.advance(std::chrono::seconds{1});
  hub_.pump(clock_.mono());
  EXPECT_TRUE(contains(writer->text(), ": still here\n\n"));
}

TEST_F(EventHubTest, DropsAListenerThatIsTooSlowAndKeepsTheOthers) {
  const auto slow = std::make_shared<RecordingWriter>(30);
  const auto quick = std::make_shared<RecordingWriter>();
  ASSERT_TRUE(hub_.attach(slow, std::nullopt));
  ASSERT_TRUE(hub_.attach(quick, std::nullopt));
  append("news");
  hub_.pump(clock_.mono());
  EXPECT_EQ(hub_.listeners(), 1U);
  EXPECT_TRUE(contains(quick->text(), "news"));
}

TEST_F(EventHubTest, ForgetsAListenerThatHasGoneAndRefusesOneTooMany) {
  const auto first = std::make_shared<RecordingWriter>();
  ASSERT_TRUE(hub_.attach(first, std::nullopt));
  ASSERT_TRUE(hub_.attach(std::make_shared<RecordingWriter>(), std::nullopt));
  EXPECT_EQ(hub_.attach(std::make_shared<RecordingWriter>(), std::nullopt).error().code(), Errc::kExhausted);
  first->finish();
  hub_.pump(clock_.mono());
  EXPECT_TRUE(hub_.attach(std::make_shared<RecordingWriter>(), std::nullopt));
}

TEST_F(EventHubTest, ItsThreadDeliversAndStopEndsEveryStream) {
  hub_.start();
  const auto writer = std::make_shared<RecordingWriter>();
  ASSERT_TRUE(hub_.attach(writer, std::nullopt));
  ledger_->set_listener([this](const activity::Entry&) { hub_.notify(); });
  append("by thread");
  while (!contains(writer->text(), "by thread")) std::this_thread::yield();
  hub_.stop();
  EXPECT_TRUE(writer->closed());
  EXPECT_FALSE(hub_.attach(std::make_shared<RecordingWriter>(), std::nullopt));
  hub_.stop();
}

TEST(Events, AnswerAsAStreamThatResumesByHeader) {
  TestApi api;
  activity::Entry entry;
  entry.kind = "node.ready";
  entry.summary = "missed";
  must(api.ledger->append(entry));
  const auto response = api.call(http::Method::kGet, "/api/v1/events", "", {{"Last-Event-ID", "0"}});
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("Content-Type"), "text/event-stream");
  const auto writer = std::make_shared<RecordingWriter>();
  response.stream(writer);
  api.events.pump(api.clock.mono());
  EXPECT_NE(writer->text().find("missed"), std::string::npos);
  EXPECT_EQ(api.call(http::Method::kGet, "/api/v1/events", "", {{"Last-Event-ID", "x"}}).status, 400);
}

}  // namespace
}  // namespace gpuscale::api

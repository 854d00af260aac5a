// SPDX-License-Identifier: Apache-2.0
#include "http/stream_queue.h"

#include <gtest/gtest.h>

namespace gpuscale::http {
namespace {

TEST(StreamQueue, GivesWhatWaitsAtOnceAndOneBatchAtATime) {
  StreamQueue queue;
  StreamQueue::Batch batch;
  EXPECT_FALSE(queue.take(batch));
  EXPECT_TRUE(queue.push("a"));
  EXPECT_TRUE(queue.push("b"));
  ASSERT_TRUE(queue.take(batch));
  EXPECT_EQ(batch.data, "ab");
  EXPECT_FALSE(batch.last);
  EXPECT_TRUE(queue.push("c"));
  EXPECT_FALSE(queue.take(batch)) << "the first is still being written";
  queue.written();
  ASSERT_TRUE(queue.take(batch));
  EXPECT_EQ(batch.data, "c");
}

TEST(StreamQueue, WhatWaitsIsWrittenBeforeTheEnd) {
  StreamQueue queue;
  StreamQueue::Batch batch;
  EXPECT_TRUE(queue.push("a"));
  EXPECT_TRUE(queue.finish());
  EXPECT_FALSE(queue.finish());
  EXPECT_FALSE(queue.push("late"));
  ASSERT_TRUE(queue.take(batch));
  EXPECT_EQ(batch.data, "a");
  EXPECT_FALSE(batch.last);
  queue.written();
  ASSERT_TRUE(queue.take(batch));
  EXPECT_TRUE(batch.last);
  EXPECT_FALSE(batch.cut_off);
}

TEST(StreamQueue, AReaderThatIsTooSlowIsCutOff) {
  StreamQueue queue;
  StreamQueue::Batch batch;
  EXPECT_TRUE(queue.push(std::string(StreamQueue::kMaxBytes, 'x')));
  EXPECT_FALSE(queue.push("y"));
  EXPECT_TRUE(queue.closed());
  ASSERT_TRUE(queue.take(batch));
  EXPECT_TRUE(batch.last && batch.cut_off);
  EXPECT_EQ(batch.data, "");
}

}  // namespace
}  // namespace gpuscale::http

// SPDX-License-Identifier: Apache-2.0
/// A store in memory that is written in line protocol and asked in InfluxQL.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/testing/manual_clock.h"
#include "influxql/engine.h"
#include "influxql/render.h"
#include "metrics/line_protocol.h"

namespace gpuscale::influxql {

class QueryTest : public ::testing::Test {
 protected:
  explicit QueryTest(const tsdb::StoreLimits& limits) {
    auto opened = tsdb::Store::open({":memory:", limits}, clock_, log::Log::silent());
    EXPECT_TRUE(opened);
    store_ = *std::move(opened);
    EXPECT_TRUE(store_->create_database("db", std::nullopt));
    engine_ = std::make_unique<Engine>(*store_);
    context_.database = "db";
    context_.now = base::from_unix_nanos(0);
  }

  void write(const std::string& lines, metrics::Precision precision) {
    const auto parsed = metrics::parse_lines(lines, precision, 0);
    ASSERT_TRUE(parsed.errors.empty());
    ASSERT_TRUE(store_->write("db", "", parsed.points));
  }
  std::string ask(const std::string& text) {
    const auto results = engine_->execute(text, context_);
    EXPECT_TRUE(results) << text;
    return results ? render_json(*results, "ns", false) : "";
  }

  base::testing::ManualClock clock_;
  std::unique_ptr<tsdb::Store> store_;
  std::unique_ptr<Engine> engine_;
  QueryContext context_;
};

}  // namespace gpuscale::influxql

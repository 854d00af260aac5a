// SPDX-License-Identifier: Apache-2.0
#include "influxql/render.h"

#include <gtest/gtest.h>

#include <array>

#include "influxql/go_number.h"

namespace gpuscale::influxql {
namespace {

std::string go_json_number(double value) {
  std::array<char, kMostNumberBytes> text{};
  return {text.data(), write_go_json_number(text.data(), value)};
}

TEST(GoNumber, PrintsAsGoDoes) {
  const std::vector<std::pair<double, std::string>> cases = {
      {0, "0"},
      {-0.0, "-0"},
      {1, "1"},
      {1.5, "1.5"},
      {0.1, "0.1"},
      {1e-6, "0.000001"},
      {1e-7, "1e-7"},
      {-2.5e-10, "-2.5e-10"},
      {1e20, "100000000000000000000"},
      {1e21, "1e+21"},
      {1.5e300, "1.5e+300"},
      {142857142857142861824.0, "142857142857142860000"},
      {123456.789, "123456.789"},
  };
  for (const auto& [value, text] : cases) EXPECT_EQ(go_json_number(value), text);
  EXPECT_EQ(go_fixed(1e-7), "0.0000001");
  EXPECT_EQ(go_fixed(1e22), "10000000000000000000000");
}

std::string json_of(const Row& row, std::optional<std::string> epoch = std::nullopt) {
  StatementResult result;
  result.rows.push_back(row);
  return render_json({result}, std::move(epoch), false);
}

TEST(Render, EscapesAsGoDoes) {
  Row row;
  row.columns = {"a<b>&\"\\"};
  row.values.push_back({Cell(std::string("\x01\n\t\xc3\xa9\xff\xe2\x80\xa8"))});
  EXPECT_EQ(
      json_of(row),
      "{\"results\":[{\"statement_id\":0,\"series\":[{\"columns\":[\"a\\u003cb\\u003e\\u0026\\\"\\\\\"],"
      "\"values\":[[\"\\u0001\\n\\t\xc3\xa9\\ufffd\\u2028\"]]}]}]}\n");
}

TEST(Render, ShowsTimesByEpochAndByZone) {
  Row row;
  row.name = "m";
  row.columns = {"time"};
  row.values.push_back({Cell(base::from_unix_nanos(1'500'000'000'123'000'000))});
  const auto value = [&](std::optional<std::string> epoch) {
    const std::string json = json_of(row, std::move(epoch));
    const std::size_t at = json.find("[[") + 2;
    return json.substr(at, json.find("]]") - at);
  };
  EXPECT_EQ(value(std::nullopt), "\"2017-07-14T02:40:00.123Z\"");
  EXPECT_EQ(value("ns"), "1500000000123000000");
  EXPECT_EQ(value("ms"), "1500000000123");
  EXPECT_EQ(value("h"), "416666");
  row.zone = "America/Los_Angeles";
  EXPECT_EQ(value(std::nullopt), "\"2017-07-13T19:40:00.123-07:00\"");
}

TEST(Render, IndentsByFour) {
  StatementResult result;
  result.error = "bad";
  EXPECT_EQ(
      render_json({result}, std::nullopt, true),
      "{\n    \"results\": [\n        {\n            \"statement_id\": 0,\n            \"error\": \"bad\"\n"
      "        }\n    ]\n}\n");
  EXPECT_EQ(render_json({}, std::nullopt, true), "{}\n");
}

}  // namespace
}  // namespace gpuscale::influxql

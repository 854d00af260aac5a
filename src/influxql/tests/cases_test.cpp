// SPDX-License-Identifier: Apache-2.0
/// InfluxDB's own server tests, and answers recorded from 1.6.7, replayed against the engine on a store of
/// maps.
#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "base/rfc3339.h"
#include "influxql/render.h"
#include "influxql/testing/compat_files.h"
#include "influxql/testing/memory_store.h"

namespace gpuscale::influxql {
namespace {

using nlohmann::json;
using testing::compat_lines;
using testing::MemoryStore;

/// Fills in `{{now_ns-5}}`, `{{now_rfc+1}}`, `{{rep:x:3}}`.
std::string filled(const std::string& text, std::int64_t now) {
  static const std::regex kTemplate(R"(\{\{(?:now_(rfc|ns|u|ms|s|m|h)([+-]\d+)?|rep:(.):(\d+))\}\})");
  static const std::map<std::string, std::int64_t> kUnits = {{"ns", 1},
                                                             {"u", 1'000},
                                                             {"ms", 1'000'000},
                                                             {"s", 1'000'000'000},
                                                             {"m", 60'000'000'000},
                                                             {"h", 3'600'000'000'000}};
  std::string out;
  std::size_t last = 0;
  if (text.find("{{") == std::string::npos) return text;
  for (std::sregex_iterator at(text.begin(), text.end(), kTemplate), end; at != end; ++at) {
    const std::smatch& m = *at;
    out += text.substr(last, static_cast<std::size_t>(m.position()) - last);
    last = static_cast<std::size_t>(m.position() + m.length());
    if (m[3].matched) {
      out += std::string(std::stoul(m[4]), m[3].str().front());
      continue;
    }
    const std::int64_t value = now + (m[2].matched ? std::stoll(m[2]) : 0);
    out += m[1] == "rfc" ? base::format_rfc3339(base::from_unix_nanos(value))
                         : std::to_string(value / kUnits.at(m[1]));
  }
  return out + text.substr(last);
}

std::string quoted(const std::string& name) {
  return '"' + name + '"';
}

struct Tally {
  int right = 0;
  int all = 0;
};

class Replay {
 public:
  explicit Replay(const std::vector<json>& cases, bool list_failures) : list_(list_failures) {
    std::string suite;
    for (const json& one : cases) {
      if (one["suite"] != suite) {
        suite = one["suite"];
        store_ = std::make_unique<MemoryStore>();
      }
      step(one);
    }
  }
  std::map<std::string, Tally> by_area;
  Tally total;

 private:
  static constexpr std::int64_t kNow = 1'700'000'000'123'456'789;

  std::string ask(const std::string& text, const json& params) {
    QueryContext context;
    context.now = base::from_unix_nanos(kNow + 1'000'000'000);
    if (params.contains("db")) context.database = params["db"];
    if (params.contains("rp")) context.policy = params["rp"];
    if (params.contains("params")) {
      const json bound =
          params["params"].is_string() ? json::parse(params["params"].get<std::string>()) : params["params"];
      for (const auto& [name, value] : bound.items()) context.params.emplace(name, testing::param_of(value));
    }
    context.limits.max_buckets = 0;
    const auto results = Engine(*store_).execute(text, context);
    if (!results) return json{{"error", results.error().message()}}.dump();
    std::string epoch = params.value("epoch", "");
    return render_json(*results, epoch, params.value("pretty", "") == "true");
  }

  void prepare(const json& one) {
    for (const json& setup : one["setup"]) {
      const std::string db = setup["db"];
      if (setup["op"] == "drop_db") {
        ask("DROP DATABASE " + quoted(db), json::object());
        continue;
      }
      ask("CREATE DATABASE " + quoted(db), json::object());
      if (setup["op"] != "create_rp") continue;
      std::string duration = setup.value("duration", "0s");
      if (duration == "0s" || duration.empty()) duration = "INF";
      ask("CREATE RETENTION POLICY " + quoted(setup["rp"]) + " ON " + quoted(db) + " DURATION " + duration +
              " REPLICATION 1" + (setup.value("default", false) ? " DEFAULT" : ""),
          json::object());
    }
    for (const json& write : one["writes"]) {
      std::string precision;
      if (write.contains("params") && write["params"].contains("precision")) {
        const json& given = write["params"]["precision"];
        precision = (given.is_array() ? given.front() : given).get<std::string>();
      }
      const std::string body = filled(write["data"], kNow);
      const auto parsed = metrics::parse_lines(body, metrics::parse_precision(precision), kNow);
      EXPECT_TRUE(
          store_->write(write["db"].get<std::string>(), write.value("rp", ""), parsed.points).has_value() ||
          write.value("exp_status", 204) != 204);
    }
  }

  void step(const json& one) {
    prepare(one);
    const std::string command = filled(one["command"], kNow);
    json params = one["params"].is_object() ? one["params"] : json::object();
    for (auto& [name, value] : params.items()) {
      if (value.is_array() && !value.empty()) value = json(value.front());
      if (value.is_string()) value = filled(value, kNow);
    }
    std::string is = ask(command, params);
    if (one.value("skip", false)) return;
    std::string want = filled(one["exp"], kNow);
    if (one.contains("normalize") && one["normalize"].is_string()) {
      const std::regex noise(one["normalize"].get<std::string>());
      is = std::regex_replace(is, noise, "#");
      want = std::regex_replace(want, noise, "#");
    }
    const auto trim = [](std::string text) {
      while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
      return text;
    };
    is = trim(is);
    bool right = is == trim(want);
    if (one.value("pattern", false)) right = std::regex_search(is, std::regex(want));
    if (!right && one.contains("exp_alt")) {
      for (const json& other : one["exp_alt"]) right = right || is == other.get<std::string>();
    }
    if (!right) {
      const json a = json::parse(is, nullptr, false);
      const json b = json::parse(want, nullptr, false);
      right = !a.is_discarded() && a == b;
    }
    Tally& area = by_area[one.value("area", "")];
    ++area.all;
    ++total.all;
    area.right += right ? 1 : 0;
    total.right += right ? 1 : 0;
    if (!right && list_) {
      std::cout << "FAIL " << one["suite"].get<std::string>() << "/" << one["seq"] << " ["
                << one.value("area", "") << "]\n  q: " << command.substr(0, 500) << "\n  want "
                << want.substr(0, 700) << "\n  is   " << is.substr(0, 700) << "\n";
    }
  }

  bool list_;
  std::unique_ptr<MemoryStore> store_;
};

bool listing() {
  return std::getenv("GPUSCALE_LIST_FAILURES") != nullptr;
}

void report(const Replay& replay) {
  for (const auto& [area, tally] : replay.by_area) {
    std::cout << "  " << area << " " << tally.right << "/" << tally.all << "\n";
  }
  std::cout << "  all " << replay.total.right << "/" << replay.total.all << "\n";
}

/// The default configuration of 1.6.7 with the features that this server offers.
bool applies(const json& one) {
  const auto unset = [&one](const char* key) {
    return !one.contains(key) || one[key].is_null() || one[key].empty();
  };
  return one["version"] == "1.6.7" && unset("server_config") && unset("requires") && one["area"] != "users";
}

/// Suites about what a write stores, which is the store's and the API's affair.
bool about_writing(const json& one) {
  const std::string suite = one["suite"];
  return suite == "obs_line_protocol" || suite == "obs_write_precision" || suite == "obs_server_timestamp";
}

// Not offered: users (2 cases); "partial":true on a complete answer is the api room's (1).
TEST(Cases, ServerTestsOfInfluxDb) {
  std::vector<json> cases;
  for (json& one : compat_lines("influx_cases.jsonl")) {
    if (applies(one)) cases.push_back(std::move(one));
  }
  if (cases.empty()) GTEST_SKIP() << "no reference cases here";
  const Replay replay(cases, listing());
  report(replay);
  EXPECT_GE(replay.total.right, replay.total.all - 4);
  EXPECT_GE(replay.total.all, 990);
}

// Not offered: continuous queries and users.
TEST(Cases, AnswersRecordedFromInfluxDb) {
  std::vector<json> cases;
  for (json& one : compat_lines("influx_observed.jsonl")) {
    if (!about_writing(one) && one["area"] != "users") cases.push_back(std::move(one));
  }
  if (cases.empty()) GTEST_SKIP() << "no reference cases here";
  const Replay replay(cases, listing());
  report(replay);
  EXPECT_GE(replay.total.right, replay.total.all - 11);
  EXPECT_GE(replay.total.all, 50);
}

}  // namespace
}  // namespace gpuscale::influxql

// SPDX-License-Identifier: Apache-2.0
// The section of stores that are not ours, and what rules may ask of them.
#include <algorithm>

#include "base/name_list.h"
#include "config/sections.h"

namespace gpuscale::config {
namespace {

using datasource::Asking;
using datasource::SourceKind;
using datasource::SourceSpec;

constexpr std::chrono::seconds kLongestAnswerTime{10};
constexpr std::chrono::hours kLongestStep{24};

void read_prometheus(YamlReader& reader, SourceSpec& spec) {
  spec.ask = reader.choice("ask", {"range", "instant"}, 0) == 1 ? Asking::kInstant : Asking::kRange;
  spec.step = reader.duration("step", spec.step);
  if (spec.step < Nanos{0} || spec.step > kLongestStep) reader.fault("step", "must be from 0s to 1d");
  if (spec.step > Nanos{0} && spec.ask == Asking::kInstant)
    reader.fault("step", "is of ask: range; leave it out");
}

}  // namespace

SourceSpec read_source(YamlReader& reader) {
  SourceSpec spec;
  spec.name = read_title(reader);
  if (spec.name == datasource::kOwnStore)
    reader.fault("name", "\"embedded\" is the server's own store; choose another");
  if (!reader.has("type"))
    reader.fault("type", "is missing; write influxdb or prometheus (also for VictoriaMetrics)");
  const bool influxdb = reader.choice("type", {"influxdb", "prometheus"}, 1) == 0;
  spec.kind = influxdb ? SourceKind::kInfluxdb : SourceKind::kPrometheus;
  read_http_place(reader, spec);
  if (spec.url.find('?') != std::string::npos)
    reader.fault("url", "must not hold a query; secrets go to basic, bearer or headers");
  read_identity(reader, spec);
  spec.headers = reader.text_map("headers");
  if (influxdb) {
    spec.database = reader.required_text("database");
    spec.retention_policy = reader.text("retention_policy");
  } else {
    read_prometheus(reader, spec);
  }
  spec.timeout = std::chrono::ceil<std::chrono::milliseconds>(reader.duration("timeout", spec.timeout));
  if (spec.timeout <= std::chrono::milliseconds{0} || spec.timeout > kLongestAnswerTime)
    reader.fault("timeout", "must be longer than 0 and at most 10s");
  reader.finish();
  return spec;
}

void check_rule_sources(const alert::RuleSpec& rule, const std::vector<SourceSpec>& sources,
                        YamlReader& reader) {
  for (const auto& [ref, name] : rule.sources) {
    const auto found = std::find_if(sources.begin(), sources.end(),
                                    [&name = name](const SourceSpec& each) { return each.name == name; });
    if (found == sources.end()) {
      std::vector<std::string> known = {datasource::kOwnStore};
      for (const SourceSpec& each : sources) known.push_back(each.name);
      reader.fault("sources", "no source \"" + name + "\"; known: " + base::known_names(known));
      continue;
    }
    const auto query = rule.queries.find(ref);
    if (query == rule.queries.end()) continue;
    if (const std::string fault = query_fault(*found, query->second); !fault.empty())
      reader.fault("queries", "\"" + ref + "\" " + fault);
  }
}

}  // namespace gpuscale::config

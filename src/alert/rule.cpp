// SPDX-License-Identifier: Apache-2.0
#include "alert/rule.h"

#include <algorithm>
#include <set>

#include "alert/condition.h"
#include "alert/grafana44.h"
#include "alert/text_template.h"
#include "base/duration.h"
#include "base/name_list.h"
#include "datasource/source_spec.h"

namespace gpuscale::alert {
namespace {

constexpr Nanos kShortestEvery = std::chrono::milliseconds{500};
constexpr Nanos kLongest = std::chrono::hours{24 * 366};
constexpr std::size_t kMaxQueries = 32;
constexpr std::size_t kMaxQueryBytes = 16'384;
constexpr std::size_t kMaxTexts = 64;

void check_span(std::vector<std::string>& faults, const char* key, Nanos value, Nanos least) {
  if (value >= least && value <= kLongest) return;
  faults.push_back(std::string(key) + ": " + base::format_duration(value) + " is not from " +
                   base::format_duration(least) + " to " + base::format_duration(kLongest));
}

/// Collects into `used` which queries it names.
void check_condition(std::vector<std::string>& faults, const RuleSpec& spec, const std::string& key,
                     const std::string& text, std::set<std::string>& used) {
  const auto condition = parse_condition(text);
  if (!condition) {
    faults.push_back(key + ": " + condition.error().message() + "; write it like avg(C, 1m) > 45");
    return;
  }
  const auto reductions = reductions_of(*condition);
  if (reductions.empty()) faults.push_back(key + ": names no query; write it like avg(C, 1m) > 45");
  for (const Reduction* each : reductions) used.insert(each->query);
  const auto facts = facts_of(*condition);
  if (!facts.empty() && spec.pool.empty()) {
    faults.push_back(key + ": " + base::known_names(facts) +
                     " is a fact of a pool; say of which by \"pool\"");
  }
  if (spec.profile == Profile::kGrafana44 && !grafana44::chain_of(*condition)) {
    faults.push_back(key +
                     ": profile grafana-4.4 knows tests against numbers, joined by and and or from left "
                     "to right; brackets, not, calculations and facts need the profile gpuscale");
  }
}

void check_conditions(std::vector<std::string>& faults, const RuleSpec& spec) {
  std::set<std::string> used;
  const std::size_t before = faults.size();
  check_condition(faults, spec, "condition", spec.condition, used);
  if (!spec.recover.empty()) check_condition(faults, spec, "recover", spec.recover, used);
  std::vector<std::string> known;
  for (const auto& [ref, text] : spec.queries) known.push_back(ref);
  for (const std::string& ref : used) {
    if (!spec.queries.contains(ref))
      faults.push_back("condition: no query \"" + ref + "\"; known: " + base::known_names(known));
  }
  if (faults.size() > before) return;  // what is unused is not known before all can be read
  for (const std::string& ref : known) {
    if (!used.contains(ref)) faults.push_back("queries: \"" + ref + "\" is not used by the condition");
  }
}

void check_queries(std::vector<std::string>& faults, const RuleSpec& spec) {
  if (spec.queries.empty())
    faults.emplace_back("queries: there is none; write at least one, like C: SELECT ...");
  if (spec.queries.size() > kMaxQueries)
    faults.push_back("queries: more than " + std::to_string(kMaxQueries));
  for (const auto& [ref, text] : spec.queries) {
    if (text.size() > kMaxQueryBytes) {
      faults.push_back("queries: \"" + ref + "\" is longer than " + std::to_string(kMaxQueryBytes) +
                       " bytes");
    } else if (!spec.sources.contains(ref)) {
      if (const std::string fault = datasource::influxql_fault(text); !fault.empty())
        faults.push_back("queries: \"" + ref + "\" " + fault);
    }
  }
  for (const auto& [ref, source] : spec.sources) {
    if (!spec.queries.contains(ref)) faults.push_back("sources: there is no query \"" + ref + "\"");
  }
}

void check_template(std::vector<std::string>& faults, const std::string& key, const std::string& text) {
  if (const auto parsed = TextTemplate::parse(text, template_names()); !parsed) {
    faults.push_back(key + ": " + parsed.error().message());
  }
}

void check_texts(std::vector<std::string>& faults, const char* key, const Texts& texts) {
  if (texts.size() > kMaxTexts)
    faults.push_back(std::string(key) + ": more than " + std::to_string(kMaxTexts));
  for (const auto& [name, text] : texts) check_template(faults, std::string(key) + "." + name, text);
}

void check_profile(std::vector<std::string>& faults, const RuleSpec& spec) {
  if (spec.profile == Profile::kOwn) {
    if (spec.no_data == Absence::kNoData || spec.on_error == Absence::kNoData) {
      faults.emplace_back("no_data: the value no_data is for profile grafana-4.4; write keep, alert or ok");
    }
    return;
  }
  if (spec.on_error == Absence::kOk || spec.on_error == Absence::kNoData) {
    faults.emplace_back("on_error: profile grafana-4.4 knows alert and keep");
  }
  if (spec.hold_for > Nanos{0} || spec.keep_firing_for > Nanos{0} || spec.repeat > Nanos{0} ||
      spec.per_series || !spec.recover.empty()) {
    faults.emplace_back(
        "profile: grafana-4.4 has no for, keep_firing_for, repeat, recover and per_series; leave them out, "
        "or "
        "use the profile gpuscale");
  }
}

}  // namespace

bool judges_alike(const RuleSpec& a, const RuleSpec& b) {
  return a.profile == b.profile && a.queries == b.queries && a.sources == b.sources &&
         a.condition == b.condition && a.recover == b.recover && a.pool == b.pool &&
         a.per_series == b.per_series && a.whole_buckets == b.whole_buckets;
}

const std::vector<std::string>& template_names() {
  static const std::vector<std::string> kNames = {"rule",  "state",       "title", "labels",
                                                  "value", "explanation", "pool",  "at"};
  return kNames;
}

std::vector<std::string> faults_of(const RuleSpec& spec, const std::vector<std::string>& known_channels) {
  std::vector<std::string> faults;
  check_span(faults, "every", spec.every, kShortestEvery);
  check_span(faults, "for", spec.hold_for, Nanos{0});
  check_span(faults, "keep_firing_for", spec.keep_firing_for, Nanos{0});
  check_span(faults, "repeat", spec.repeat, Nanos{0});
  check_span(faults, "gone_after", spec.gone_after, Nanos{0});
  check_profile(faults, spec);
  check_queries(faults, spec);
  check_conditions(faults, spec);
  check_template(faults, "message", spec.message);
  check_texts(faults, "labels", spec.labels);
  check_texts(faults, "annotations", spec.annotations);
  std::set<std::string> seen;
  for (const std::string& channel : spec.notify) {
    if (std::find(known_channels.begin(), known_channels.end(), channel) == known_channels.end()) {
      faults.push_back("notify: no channel \"" + channel + "\"; known: " + base::known_names(known_channels));
    }
    if (!seen.insert(channel).second) faults.push_back("notify: \"" + channel + "\" is named twice");
  }
  return faults;
}

}  // namespace gpuscale::alert

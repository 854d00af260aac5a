// SPDX-License-Identifier: Apache-2.0
#include "alert/rule.h"

#include <algorithm>
#include <set>

#include "alert/condition.h"
#include "base/duration.h"

namespace gpuscale::alert {
namespace {

constexpr Nanos kShortestEvery = std::chrono::milliseconds{500};
constexpr Nanos kLongest = std::chrono::hours{24 * 366};
constexpr std::size_t kMaxQueries = 32;
constexpr std::size_t kMaxQueryBytes = 16'384;

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

void check_span(std::vector<std::string>& faults, const char* key, Nanos value, Nanos least) {
  if (value >= least && value <= kLongest) return;
  faults.push_back(std::string(key) + ": " + base::format_duration(value) + " is not from " +
                   base::format_duration(least) + " to " + base::format_duration(kLongest));
}

void check_condition(std::vector<std::string>& faults, const RuleSpec& spec) {
  const auto condition = parse_condition(spec.condition);
  if (!condition) {
    faults.push_back("condition: " + condition.error().message() + "; write it like avg(C, 1m) > 45");
    return;
  }
  std::set<std::string> used;
  for (const Term* term : terms_of(*condition)) used.insert(term->query);
  std::vector<std::string> known;
  for (const auto& [ref, text] : spec.queries) known.push_back(ref);
  for (const std::string& ref : used) {
    if (!spec.queries.contains(ref))
      faults.push_back("condition: no query \"" + ref + "\"; known: " + joined(known));
  }
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
    } else if (text.find("$timeFilter") == std::string::npos) {
      faults.push_back("queries: \"" + ref +
                       "\" has no $timeFilter and would read all that is stored; write WHERE $timeFilter");
    }
  }
}

}  // namespace

std::vector<std::string> faults_of(const RuleSpec& spec, const std::vector<std::string>& known_channels) {
  std::vector<std::string> faults;
  check_span(faults, "every", spec.every, kShortestEvery);
  check_span(faults, "for", spec.hold_for, Nanos{0});
  check_span(faults, "repeat", spec.repeat, Nanos{0});
  check_queries(faults, spec);
  check_condition(faults, spec);
  std::set<std::string> seen;
  for (const std::string& channel : spec.notify) {
    if (std::find(known_channels.begin(), known_channels.end(), channel) == known_channels.end()) {
      faults.push_back("notify: no channel \"" + channel + "\"; known: " + joined(known_channels));
    }
    if (!seen.insert(channel).second) faults.push_back("notify: \"" + channel + "\" is named twice");
  }
  return faults;
}

}  // namespace gpuscale::alert

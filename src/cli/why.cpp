// SPDX-License-Identifier: Apache-2.0
#include "cli/why.h"

#include <array>
#include <cstdio>
#include <string_view>

#include "base/rfc3339.h"
#include "cli/table.h"
#include "cli/timeline.h"

namespace gpuscale::cli {
namespace {

/// What a reader asks of each kind, in the order of reading.
constexpr std::array<std::string_view, 17> kInputs = {
    "newest_sample", "stored_at", "condition", "explanation", "muted_by", "source",   "type",   "from",  "to",
    "step",          "min",       "max",       "clipped_by",  "status",   "attempts", "answer", "reason"};

std::string detail_line(const nlohmann::json& details) {
  std::string out;
  for (const std::string_view key : kInputs) {
    const auto found = details.find(std::string(key));
    if (found == details.end() || found->is_null() || *found == "") continue;
    out += (out.empty() ? "" : "; ") + std::string(key) + ": " + cell_of(*found);
  }
  return out;
}

}  // namespace

std::string correlation_of(const std::string& id, const std::vector<activity::Entry>& entries) {
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const bool keyed = entry->details.is_object() && entry->details.value("idempotency_key", "") == id;
    if (entry->correlation == id || entry->subject == id || keyed) return entry->correlation;
  }
  return "";
}

std::string why_text(const std::vector<activity::Entry>& chain) {
  std::string out;
  for (const activity::Entry& entry : chain) {
    const Nanos since = entry.at - chain.front().at;
    std::array<char, 128> head{};
    std::snprintf(head.data(), head.size(), "%-24s %12s  %-18s ",
                  cell_of(base::format_rfc3339(entry.at)).c_str(), format_delta(since).c_str(),
                  entry.kind.c_str());
    out += head.data() + entry.summary + "\n";
    if (const std::string details = detail_line(entry.details); !details.empty())
      out += "    " + details + "\n";
  }
  return out;
}

}  // namespace gpuscale::cli

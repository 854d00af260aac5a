// SPDX-License-Identifier: Apache-2.0
#include "cli/timeline.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/rfc3339.h"
#include "cli/table.h"

namespace gpuscale::cli {
namespace {

using activity::Entry;

std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<double> number_of(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return std::nullopt;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::optional<WallTime> time_of(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return std::nullopt;
  const auto parsed = base::parse_rfc3339(text_of(object, key));
  if (!parsed) return std::nullopt;
  return *parsed;
}

bool related(const Entry& entry, const Entry& cause) {
  return cause.correlation.empty() || entry.correlation == cause.correlation;
}

/// The first entry of `kind` at or after `from` that `fits`.
template <typename Fits>
const Entry* first_of(const std::vector<Entry>& entries, std::string_view kind, WallTime from,
                      const Fits& fits) {
  for (const Entry& entry : entries) {
    if (entry.kind == kind && entry.at >= from && fits(entry)) return &entry;
  }
  return nullptr;
}

/// The firing that led to growth. One that led to no accepted trigger counts only where no other does, so
/// that a missing hop is shown after the hops that happened.
const Entry* firing_of_growth(const std::vector<Entry>& entries, WallTime from) {
  const Entry* second_best = nullptr;
  for (const Entry& firing : entries) {
    if (firing.kind != "rule.firing" || firing.at < from) continue;
    const auto accepted = [&](std::string_view direction) {
      return first_of(entries, "trigger.accepted", firing.at, [&](const Entry& entry) {
               return entry.correlation == firing.correlation && direction_of(entry) == direction;
             }) != nullptr;
    };
    if (accepted("scale_out")) return &firing;
    if (second_best == nullptr && !accepted("scale_in")) second_best = &firing;
  }
  return second_best;
}

Hop hop_of(std::string_view name, const Entry* entry) {
  if (entry == nullptr) return {std::string(name), std::nullopt, ""};
  return {std::string(name), entry->at, entry->subject};
}

nlohmann::json milliseconds(const std::optional<Nanos>& delta) {
  if (!delta) return nullptr;
  return std::chrono::duration<double, std::milli>(*delta).count();
}

/// Calls `row(hop, since start, since previous)` for every hop.
template <typename Row>
void for_each_hop(const Timeline& timeline, const Row& row) {
  std::optional<WallTime> start;
  std::optional<WallTime> previous;
  for (const Hop& hop : timeline.hops) {
    if (!start) start = hop.at;
    const auto since = [&hop](const std::optional<WallTime>& t) -> std::optional<Nanos> {
      if (!hop.at || !t) return std::nullopt;
      return *hop.at - *t;
    };
    row(hop, since(start), since(previous));
    if (hop.at) previous = hop.at;
  }
}

}  // namespace

Result<std::vector<Entry>> parse_activity(const nlohmann::json& body) {
  const auto list = body.is_object() ? body.find("activity") : body.end();
  if (!body.is_object() || list == body.end() || !list->is_array()) {
    return fail(Errc::kCorrupt, "the server's activity is not {\"activity\":[...]}");
  }
  std::vector<Entry> entries;
  for (const auto& item : *list) {
    const std::string where = "activity entry " + std::to_string(entries.size());
    if (!item.is_object()) return fail(Errc::kCorrupt, where + " is no object");
    Entry entry;
    const auto at = base::parse_rfc3339(text_of(item, "at"));
    if (!at) return at.error().with_context(where);
    entry.at = *at;
    entry.id = static_cast<std::int64_t>(number_of(item, "id").value_or(0));
    entry.kind = text_of(item, "kind");
    entry.pool = text_of(item, "pool");
    entry.subject = text_of(item, "subject");
    entry.correlation = text_of(item, "correlation");
    entry.summary = text_of(item, "summary");
    entry.details = item.contains("details") ? item["details"] : nlohmann::json::object();
    entries.push_back(std::move(entry));
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.at < b.at; });
  return entries;
}

std::string_view direction_of(const Entry& entry) {
  if (!entry.details.is_object()) return "";
  const std::string type = text_of(entry.details, "type");
  if (type == "scale_out") return "scale_out";
  if (type == "scale_in") return "scale_in";
  const auto from = number_of(entry.details, "from");
  const auto to = number_of(entry.details, "to");
  if (!from || !to || *from == *to) return "";
  return *to > *from ? "scale_out" : "scale_in";
}

std::optional<WallTime> Timeline::at(std::string_view name) const {
  for (const Hop& hop : hops) {
    if (hop.name == name) return hop.at;
  }
  return std::nullopt;
}

std::optional<Nanos> Timeline::between(std::string_view from, std::string_view to) const {
  const auto begin = at(from);
  const auto end = at(to);
  if (!begin || !end) return std::nullopt;
  return *end - *begin;
}

Timeline timeline(const std::vector<Entry>& entries, WallTime load_step_at) {
  Timeline result;
  const Entry* firing = firing_of_growth(entries, load_step_at);
  const Entry unknown{};
  const Entry& cause = firing != nullptr ? *firing : unknown;
  const WallTime fired_at = firing != nullptr ? firing->at : load_step_at;
  const auto of_cause = [&cause](const Entry& entry) { return related(entry, cause); };
  const auto any = [](const Entry&) { return true; };

  const Entry* sent = first_of(entries, "message.sent", fired_at, of_cause);
  const Entry* accepted = first_of(entries, "trigger.accepted", fired_at, [&](const Entry& entry) {
    return related(entry, cause) && direction_of(entry) == "scale_out";
  });
  // A foreign webhook between rule and trigger need not hand the correlation on.
  if (accepted == nullptr) {
    accepted = first_of(entries, "trigger.accepted", fired_at,
                        [](const Entry& entry) { return direction_of(entry) == "scale_out"; });
  }
  const WallTime accepted_at = accepted != nullptr ? accepted->at : fired_at;
  const Entry* launching = first_of(entries, "node.launching", accepted_at, any);
  const Entry* ready = first_of(entries, "node.ready", accepted_at, [&](const Entry& entry) {
    return launching == nullptr || entry.subject == launching->subject;
  });
  const Entry* content = nullptr;
  if (firing != nullptr && ready != nullptr) {
    content =
        first_of(entries, "rule.ok", ready->at, [&](const Entry& e) { return e.subject == firing->subject; });
  }

  result.correlation = cause.correlation;
  result.hops = {{std::string(kHopLoadStep), load_step_at, ""},
                 {std::string(kHopSample), time_of(cause.details, "newest_sample"), ""},
                 {std::string(kHopStored), time_of(cause.details, "stored_at"), ""},
                 hop_of(kHopRuleFired, firing),
                 hop_of(kHopMessageSent, sent),
                 hop_of(kHopAccepted, accepted),
                 hop_of(kHopLaunching, launching),
                 hop_of(kHopReady, ready),
                 hop_of(kHopUnder, content)};
  // The message counts as sent once it is answered, and the trigger accepts before it answers.
  if (sent != nullptr && accepted != nullptr && accepted->at < sent->at)
    std::swap(result.hops[4], result.hops[5]);
  return result;
}

std::string to_text(const Timeline& timeline) {
  Table table{{"HOP", "TIME", "SINCE START", "SINCE LAST", "SUBJECT"}, {}};
  for_each_hop(timeline, [&](const Hop& hop, std::optional<Nanos> start, std::optional<Nanos> previous) {
    table.rows.push_back(
        {hop.name, format_clock(hop.at), format_delta(start), format_delta(previous), hop.subject});
  });
  return table.to_text();
}

nlohmann::json to_json(const Timeline& timeline) {
  nlohmann::json hops = nlohmann::json::array();
  for_each_hop(timeline, [&](const Hop& hop, std::optional<Nanos> start, std::optional<Nanos> previous) {
    hops.push_back({{"name", hop.name},
                    {"at", hop.at ? nlohmann::json(base::format_rfc3339(*hop.at)) : nlohmann::json()},
                    {"subject", hop.subject},
                    {"since_start_ms", milliseconds(start)},
                    {"since_previous_ms", milliseconds(previous)}});
  });
  return {{"correlation", timeline.correlation}, {"hops", std::move(hops)}};
}

std::string format_clock(const std::optional<WallTime>& at) {
  if (!at) return "-";
  const auto midnight = std::chrono::floor<std::chrono::days>(*at);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*at - midnight).count();
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%02d:%02d:%02d.%03d", static_cast<int>(ms / 3'600'000),
                static_cast<int>(ms / 60'000 % 60), static_cast<int>(ms / 1'000 % 60),
                static_cast<int>(ms % 1'000));
  return buffer.data();
}

std::string format_delta(const std::optional<Nanos>& delta) {
  if (!delta) return "-";
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%+.3f s", std::chrono::duration<double>(*delta).count());
  return buffer.data();
}

}  // namespace gpuscale::cli

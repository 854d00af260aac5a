// SPDX-License-Identifier: Apache-2.0
#include "scaling/pool_memory.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace gpuscale::scaling {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<HoldMode, std::string_view>, 3> kHoldNames{
    {{HoldMode::kNone, "none"}, {HoldMode::kPaused, "paused"}, {HoldMode::kOnlyOut, "only_out"}}};

Json time_json(WallTime t) {
  return base::to_unix_nanos(t);
}
WallTime time_of(const Json& json) {
  return base::from_unix_nanos(json.get<std::int64_t>());
}

PoolMemory read(const Json& json) {
  PoolMemory memory;
  if (json.contains("hold")) {
    const Json& hold = json.at("hold");
    memory.hold.mode = parse_hold_mode(hold.at("mode").get<std::string>()).value_or(HoldMode::kNone);
    memory.hold.who = hold.at("who").get<std::string>();
    if (hold.contains("until")) memory.hold.until = time_of(hold.at("until"));
  }
  if (json.contains("override")) {
    const Json& over = json.at("override");
    memory.size_override = SizeOverride{over.at("size").get<int>(), over.at("who").get<std::string>(),
                                        time_of(over.at("until"))};
  }
  for (const Json& change : json.value("changes", Json::array())) {
    SizeChange out{.at = time_of(change.at("at")),
                   .from = change.at("from").get<int>(),
                   .to = change.at("to").get<int>(),
                   .work = {},
                   .by_hand = change.value("by_hand", false)};
    if (change.contains("work")) out.work = change.at("work").get<double>();
    memory.add_change(out);
  }
  if (json.contains("usage")) {
    const Json& usage = json.at("usage");
    memory.usage = {time_of(usage.at("period_start")), time_of(usage.at("counted_until")),
                    usage.at("gpu_hours").get<double>(), usage.value("parked_gpu_hours", 0.0)};
  }
  return memory;
}

}  // namespace

std::string_view to_string(HoldMode mode) {
  return kHoldNames[static_cast<std::size_t>(mode)].second;
}

std::optional<HoldMode> parse_hold_mode(std::string_view text) {
  for (const auto& [mode, name] : kHoldNames) {
    if (name == text) return mode;
  }
  return std::nullopt;
}

void PoolMemory::add_change(SizeChange change) {
  std::erase_if(changes, [&](const SizeChange& old) { return change.at - old.at > kSizeChangeLife; });
  if (changes.size() == kMaxSizeChanges) changes.erase(changes.begin());
  changes.push_back(change);
}

std::string to_text(const PoolMemory& memory) {
  Json json = Json::object();
  if (memory.hold.mode != HoldMode::kNone) {
    json["hold"] = {{"mode", to_string(memory.hold.mode)}, {"who", memory.hold.who}};
    if (memory.hold.until) json["hold"]["until"] = time_json(*memory.hold.until);
  }
  if (memory.size_override) {
    json["override"] = {{"size", memory.size_override->size},
                        {"who", memory.size_override->who},
                        {"until", time_json(memory.size_override->until)}};
  }
  for (const SizeChange& change : memory.changes) {
    Json out{{"at", time_json(change.at)}, {"from", change.from}, {"to", change.to}};
    if (change.work) out["work"] = *change.work;
    if (change.by_hand) out["by_hand"] = true;
    json["changes"].push_back(std::move(out));
  }
  json["usage"] = {{"period_start", time_json(memory.usage.period_start)},
                   {"counted_until", time_json(memory.usage.counted_until)},
                   {"gpu_hours", memory.usage.gpu_hours},
                   {"parked_gpu_hours", memory.usage.parked_gpu_hours}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<PoolMemory> memory_from_text(const std::string& text) {
  if (text.empty()) return PoolMemory{};
  try {
    return read(Json::parse(text));
  } catch (const Json::exception& e) {
    return fail(Errc::kCorrupt, std::string("state.db: a pool's memory does not decode: ") + e.what());
  }
}

}  // namespace gpuscale::scaling

// SPDX-License-Identifier: Apache-2.0
#include "cli/top_look.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "base/duration.h"

namespace gpuscale::cli {
namespace {

using Json = nlohmann::json;

constexpr Nanos kForgottenAfter = std::chrono::minutes{10};

std::string top_text(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : "";
}

std::optional<double> top_number(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_number()) return std::nullopt;
  return object[key].get<double>();
}

std::string gpu_name(const std::string& index, const std::string& mig) {
  return mig.empty() ? index : index + ":" + mig;
}

void fill_values(TopDevice& device, const Json& values) {
  device.utilization = top_number(values, "utilization_gpu");
  device.saturation = top_number(values, "saturation");
  device.memory_used = top_number(values, "memory_used_bytes");
  device.memory_total = top_number(values, "memory_total_bytes");
  device.power = top_number(values, "power_watts");
  device.power_limit = top_number(values, "power_limit_watts");
  device.temperature = top_number(values, "temperature_celsius");
}

const Json& list_at(const Json& object, const char* key) {
  static const Json kNone = Json::array();
  return object.is_object() && object.contains(key) && object[key].is_array() ? object[key] : kNone;
}

/// Calls `use` with the tags and the first row, by column, of each series that a statement answered.
void each_series(const Json& answer, std::size_t statement,
                 const std::function<void(const Json& tags, const Json& row)>& use) {
  const Json& results = list_at(answer, "results");
  if (statement >= results.size()) return;
  for (const Json& series : list_at(results[statement], "series")) {
    const Json& columns = list_at(series, "columns");
    const Json& rows = list_at(series, "values");
    if (rows.empty() || !rows[0].is_array() || !series.contains("tags")) continue;
    Json row = Json::object();
    for (std::size_t i = 0; i < columns.size() && i < rows[0].size(); ++i) {
      if (columns[i].is_string()) row[columns[i].get<std::string>()] = rows[0][i];
    }
    use(series["tags"], row);
  }
}

TopDevice device_of(const Json& tags) {
  TopDevice device;
  device.node = top_text(tags, "node");
  device.gpu = gpu_name(top_text(tags, "gpu"), top_text(tags, "mig"));
  device.uuid = top_text(tags, "uuid");
  device.model = top_text(tags, "model");
  return device;
}

std::string key_of_device(const TopDevice& device) {
  return device.node + "\n" + device.uuid;
}

std::string silent_for(Nanos span) {
  return "silent " + base::format_passed(span);
}

enum Statement : std::size_t { kDevices, kNodes, kPods, kBefore };

}  // namespace

TopLook look_of_agent(const Json& answer) {
  TopLook look;
  const std::string source = top_text(answer, "state");
  for (const Json& each : list_at(answer, "devices")) {
    if (!each.is_object()) continue;
    TopDevice device;
    device.node = top_text(answer, "node");
    const auto index = top_number(each, "gpu");
    device.gpu = gpu_name(index ? std::to_string(std::lround(*index)) : "-", top_text(each, "mig"));
    device.uuid = top_text(each, "uuid");
    device.model = top_text(each, "model");
    device.state = source == "ok" ? top_text(each, "state") : source;
    device.detail = source == "ok" ? top_text(each, "detail") : top_text(answer, "reason");
    device.doubt = top_text(each, "doubt");
    for (const Json& process : list_at(each, "processes")) {
      TopUse use;
      use.node = device.node;
      use.gpu = device.gpu;
      if (const auto pid = top_number(process, "pid")) use.pid = std::llround(*pid);
      use.owner = top_text(process, "owner");
      use.memory = top_number(process, "memory_bytes");
      use.utilization = top_number(process, "utilization_gpu");
      if (device.owner.empty()) device.owner = use.owner;
      look.uses.push_back(std::move(use));
    }
    if (each.contains("values")) fill_values(device, each["values"]);
    look.devices.push_back(std::move(device));
  }
  return look;
}

Json json_of(const TopLook& look) {
  const auto or_null = [](const auto& value) { return value ? Json(*value) : Json(); };
  Json devices = Json::array();
  for (const TopDevice& each : look.devices) {
    devices.push_back({{"node", each.node},
                       {"gpu", each.gpu},
                       {"uuid", each.uuid},
                       {"model", each.model},
                       {"state", each.state},
                       {"detail", each.detail},
                       {"doubt", each.doubt},
                       {"owner", each.owner},
                       {"utilization_gpu", or_null(each.utilization)},
                       {"saturation", or_null(each.saturation)},
                       {"memory_used_bytes", or_null(each.memory_used)},
                       {"memory_total_bytes", or_null(each.memory_total)},
                       {"power_watts", or_null(each.power)},
                       {"power_limit_watts", or_null(each.power_limit)},
                       {"temperature_celsius", or_null(each.temperature)}});
  }
  Json uses = Json::array();
  for (const TopUse& each : look.uses) {
    uses.push_back({{"node", each.node},
                    {"gpu", each.gpu},
                    {"pid", or_null(each.pid)},
                    {"owner", each.owner},
                    {"memory_bytes", or_null(each.memory)},
                    {"utilization_gpu", or_null(each.utilization)}});
  }
  return {{"devices", std::move(devices)}, {"uses", std::move(uses)}};
}

std::string ServerLooks::query() const {
  std::string statements =
      "SELECT last(utilization_gpu) AS utilization_gpu, "
      "last(saturation) AS saturation, last(memory_used_bytes) AS memory_used_bytes, "
      "last(memory_total_bytes) AS memory_total_bytes, last(power_watts) AS power_watts, "
      "last(power_limit_watts) AS power_limit_watts, last(temperature_celsius) AS temperature_celsius "
      "FROM gpu WHERE time > now() - 15s GROUP BY node, gpu, uuid, model, mig;"
      "SELECT last(sampler_state) AS state, last(sampler_reason) AS reason FROM node WHERE time > now() - "
      "15s "
      "GROUP BY node;"
      "SELECT last(memory_used_bytes) AS memory, last(utilization_gpu) AS utilization FROM gpu_pod "
      "WHERE time > now() - 15s GROUP BY node, gpu, mig, \"namespace\", pod";
  if (first_) {
    statements +=
        ";SELECT last(utilization_gpu) FROM gpu WHERE time > now() - 10m AND time <= now() - 15s "
        "GROUP BY node, gpu, uuid, model, mig";
  }
  return statements;
}

TopLook ServerLooks::take(const Json& answer, WallTime now) {
  TopLook look;
  each_series(answer, kBefore, [&](const Json& tags, const Json& row) {
    const auto nanos = top_number(row, "time");
    TopDevice device = device_of(tags);
    if (nanos)
      seen_[key_of_device(device)] = {device, base::from_unix_nanos(static_cast<std::int64_t>(*nanos))};
  });
  first_ = false;
  std::map<std::string, std::pair<std::string, std::string>> nodes;  // state and reason
  each_series(answer, kNodes, [&](const Json& tags, const Json& row) {
    nodes[top_text(tags, "node")] = {top_text(row, "state"), top_text(row, "reason")};
  });
  each_series(answer, kDevices, [&](const Json& tags, const Json& row) {
    TopDevice device = device_of(tags);
    fill_values(device, row);
    seen_[key_of_device(device)] = {device, now};
  });
  each_series(answer, kPods, [&](const Json& tags, const Json& row) {
    look.uses.push_back({.node = top_text(tags, "node"),
                         .gpu = gpu_name(top_text(tags, "gpu"), top_text(tags, "mig")),
                         .pid = std::nullopt,
                         .owner = "pod:" + top_text(tags, "namespace") + "/" + top_text(tags, "pod"),
                         .memory = top_number(row, "memory"),
                         .utilization = top_number(row, "utilization")});
  });
  std::erase_if(seen_, [&](const auto& entry) { return now - entry.second.at > kForgottenAfter; });
  std::map<std::string, const TopUse*> largest;
  for (const TopUse& use : look.uses) {
    const TopUse*& known = largest[use.node + "\n" + use.gpu];
    if (known == nullptr || use.memory.value_or(0) > known->memory.value_or(0)) known = &use;
  }
  for (const auto& [key, seen] : seen_) {
    TopDevice& device = look.devices.emplace_back(seen.device);
    const auto node = nodes.find(device.node);
    const bool in_trouble = node != nodes.end() && !node->second.first.empty() && node->second.first != "ok";
    if (in_trouble) {
      std::tie(device.state, device.detail) = node->second;
    } else if (seen.at != now) {
      device.state = silent_for(now - seen.at);
      device.detail = node == nodes.end() ? "nothing comes from its node" : "its node sends nothing of it";
    }
    const auto user = largest.find(device.node + "\n" + device.gpu);
    if (user != largest.end()) device.owner = user->second->owner;
  }
  for (const auto& [name, node] : nodes) {
    if (node.first.empty() || node.first == "ok") continue;
    const bool has_device =
        std::any_of(look.devices.begin(), look.devices.end(),
                    [&name = name](const TopDevice& device) { return device.node == name; });
    if (has_device) continue;
    TopDevice& bare = look.devices.emplace_back();
    bare.node = name;
    bare.gpu = "-";
    bare.uuid = name;
    std::tie(bare.state, bare.detail) = node;
  }
  return look;
}

}  // namespace gpuscale::cli

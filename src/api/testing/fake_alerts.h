// SPDX-License-Identifier: Apache-2.0
/// Rules and channels that stand as they are put.
#pragma once
#include <string>
#include <vector>

#include "alert/engine.h"
#include "notify/outbox.h"

namespace gpuscale::api::testing {

class FakeAlerts : public alert::Engine {
 public:
  std::vector<alert::RuleStatus> rules;

  Result<void> set_rules(std::vector<alert::RuleSpec>) override { return {}; }
  std::vector<alert::RuleStatus> status() const override { return rules; }
  Result<alert::Silence> silence(alert::Silence silence) override {
    silence.id = "s-" + std::to_string(silence_list.size());
    silence_list.push_back(silence);
    return silence;
  }
  Result<void> lift_silence(const std::string& id) override {
    const auto gone = std::erase_if(silence_list, [&](const alert::Silence& each) { return each.id == id; });
    if (gone == 0) return fail(Errc::kNotFound, "no silence \"" + id + "\"");
    return {};
  }
  std::vector<alert::Silence> silences() const override { return silence_list; }
  std::vector<alert::Silence> silence_list;
  void tick(WallTime) override {}
  void start() override {}
  void stop() override {}
};

class FakeOutbox : public notify::Outbox {
 public:
  std::vector<notify::ChannelSpec> channel_list;
  std::vector<notify::Delivery> delivery_list;
  mutable std::size_t asked_limit = 0;

  Result<void> set_channels(std::vector<notify::ChannelSpec> channels) override {
    channel_list = std::move(channels);
    return {};
  }
  std::vector<notify::ChannelSpec> channels() const override { return channel_list; }
  Result<void> enqueue(const std::string&, const notify::Message&) override { return {}; }
  Result<std::vector<notify::Delivery>> deliveries(const std::string&, std::size_t limit) const override {
    asked_limit = limit;
    return delivery_list;
  }
  Result<std::vector<notify::Delivery>> dead_letters(std::size_t) const override { return delivery_list; }
  Result<void> replay(std::int64_t) override { return {}; }
  std::vector<notify::ChannelSpec> probed;
  Result<notify::Receipt> probe(const notify::ChannelSpec& channel, const notify::Message&) override {
    probed.push_back(channel);
    return notify::Receipt{200, "ok", {}};
  }
  std::optional<WallTime> resting_until(const std::string&) const override { return std::nullopt; }
  Result<void> cancel(const std::string&, const std::string&) override { return {}; }
  Result<void> hold(const std::string&, bool) override { return {}; }
  void tick(WallTime) override {}
  void start() override {}
  void stop() override {}
};

}  // namespace gpuscale::api::testing

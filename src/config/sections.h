// SPDX-License-Identifier: Apache-2.0
/// Private to the room: one reader per section of the file.
#pragma once
#include "config/config.h"
#include "config/yaml_reader.h"

namespace gpuscale::config {

/// The name of what people read, at most 200 bytes.
std::string read_title(YamlReader& reader);

StoreSpec read_store(YamlReader& reader);
pool::PoolSpec read_pool(YamlReader& reader);
scaling::TriggerSpec read_trigger(YamlReader& reader);
policy::PolicySpec read_policy(YamlReader& reader);
notify::ChannelSpec read_channel(YamlReader& reader);
alert::RuleSpec read_rule(YamlReader& reader);
schedule::ScheduleSpec read_schedule(YamlReader& reader);

}  // namespace gpuscale::config

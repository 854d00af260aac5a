// SPDX-License-Identifier: Apache-2.0
/// Private to the room: one reader per section of the file.
#pragma once
#include "config/config.h"
#include "config/yaml_reader.h"

namespace gpuscale::config {

/// The name of what people read, at most 200 bytes.
std::string read_title(YamlReader& reader);

/// `url`, which must be one, and `ca_file`.
template <typename Spec>
void read_http_place(YamlReader& reader, Spec& spec, const std::string& fallback = {}) {
  spec.url = fallback.empty() ? reader.required_text("url") : reader.text("url", fallback);
  if (!spec.url.empty() && !spec.url.starts_with("http://") && !spec.url.starts_with("https://")) {
    reader.fault("url", "must begin with http:// or https://");
  }
  spec.ca_file = reader.text("ca_file");
}

/// Who we are to the other side: bearer, Basic, a certificate.
template <typename Spec>
void read_identity(YamlReader& reader, Spec& spec) {
  spec.bearer = reader.secret("bearer");
  YamlReader basic = reader.mapping("basic");
  spec.user = basic.text("user");
  spec.password = basic.secret("password");
  basic.finish();
  if (!spec.bearer.empty() && !spec.user.empty()) reader.fault("basic", "stands beside bearer; keep one");
  YamlReader certificate = reader.mapping("client_certificate");
  spec.client_certificate = certificate.text("certificate_file");
  spec.client_key = certificate.text("key_file");
  certificate.finish();
  if (spec.client_certificate.empty() != spec.client_key.empty()) {
    reader.fault("client_certificate", "needs both certificate_file and key_file");
  }
}

StoreSpec read_store(YamlReader& reader);
pool::PoolSpec read_pool(YamlReader& reader);
scaling::TriggerSpec read_trigger(YamlReader& reader);
policy::PolicySpec read_policy(YamlReader& reader);
notify::ChannelSpec read_channel(YamlReader& reader);
/// What a trigger does that scales nothing: the keys of a channel of this kind, which is exec or webhook.
notify::ChannelSpec read_action(YamlReader& reader, notify::ChannelKind kind);
datasource::SourceSpec read_source(YamlReader& reader);
alert::RuleSpec read_rule(YamlReader& reader);
/// Faults of what a rule asks of other sources than the server's own store.
void check_rule_sources(const alert::RuleSpec& rule, const std::vector<datasource::SourceSpec>& sources,
                        YamlReader& reader);
schedule::ScheduleSpec read_schedule(YamlReader& reader);

}  // namespace gpuscale::config

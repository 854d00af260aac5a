// SPDX-License-Identifier: Apache-2.0
/// The six verbs of a provider as JSON, as a user's script (exec) and a user's service (http) speak them:
/// requests out, answers in. docs/providers.md is the page their authors read. Pure.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pool/provider.h"

namespace gpuscale::pool::verbs {

enum class Verb { kLaunch, kList, kDrain, kUndrain, kWorkload, kTerminate };
std::string_view to_string(Verb verb);

/// What every request says beside its verb.
struct Context {
  std::string pool;
  std::string cluster;
  std::string server_url;  ///< where the node's agent is to report to
};

/// {"verb","pool","cluster","server_url","node"?}
std::string request_text(Verb verb, const std::optional<NodeId>& node, const Context& context);

constexpr std::size_t kMaxAnswerBytes = 4U << 20U;
constexpr std::size_t kMaxInstances = 100'000;

/// The error kinds of an answer and what they become: no_capacity, quota, throttled -> kExhausted; not_found;
/// conflict; auth -> kForbidden; unsupported; timeout; everything else -> kUnavailable.
Errc kind_of(std::string_view kind);

/// An answer is an object; {"error":{"kind","message"}} is a failure. Errors: that failure; kUnavailable
/// quoting the beginning of what is no JSON object.
Result<void> check_answer(std::string_view text);
/// {"instances":[{"id","state":"starting|running|stopping","endpoint"?,"detail"?}]}: all of them or none,
/// since one left out would look like a death. Errors: kUnavailable naming the entry.
Result<std::vector<Instance>> instances_of(std::string_view text);
/// {"in_flight":n,"draining":b,"node"?}. Errors: kUnavailable, also where another node answers.
Result<Workload> workload_of(std::string_view text, const NodeId& node);

}  // namespace gpuscale::pool::verbs

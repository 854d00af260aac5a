// SPDX-License-Identifier: Apache-2.0
/// What the local provider needs to know, and which of it a pool's `provider:` block may say.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace gpuscale::pool::local {

struct LocalProviderOptions {
  // Given by the server:
  std::string binary;    ///< absolute path of what is started as `<binary> agent ...`
  std::string root;      ///< absolute; holds dir and those of the server's other pools
  std::string dir;       ///< absolute; each node works in <dir>/<id>
  std::string instance;  ///< random id of this data directory: nodes of other servers are never ours
  std::string pool;
  std::string cluster;
  std::string server_url;
  Secret token;                                   ///< of scope write; handed over by environment
  std::string ca_file;                            ///< PEM; "" = none
  Nanos scan_interval = std::chrono::seconds{1};  ///< between looks at every process of the machine
  std::chrono::milliseconds call_timeout{1'000};  ///< of one HTTP call to a node

  // By the pool's block:
  /// The node's own program, an inference server, with its words; empty = the agent's virtual device serves.
  /// In each word {port}, {node}, {pool} and {gpus} are replaced.
  std::vector<std::string> command;
  std::vector<std::string> gpus;  ///< of this machine, by index or UUID, that nodes are placed on
  int gpus_per_node = 1;
  std::string ready = "tcp";  ///< or the path that answers with 2xx once the command serves
  std::string inference;      ///< "vllm=http://127.0.0.1:{port}/metrics"; "" = its requests are not known
  Nanos grace = std::chrono::seconds{10};              ///< from SIGTERM to SIGKILL
  std::string source;                                  ///< "" = auto for a command, else virtual
  Nanos service_time = std::chrono::milliseconds{20};  ///< of one inference on the virtual device
  Nanos interval = std::chrono::seconds{1};            ///< between two samples
  int max_queue = 0;  ///< requests waiting in a node; 0 = the agent's own default
};

/// Takes the pool's block into `options`. Errors: kInvalidArgument naming the key, and for an unknown key the
/// known.
Result<void> apply_options(const std::map<std::string, std::string>& block, LocalProviderOptions& options);

}  // namespace gpuscale::pool::local

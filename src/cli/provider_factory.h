// SPDX-License-Identifier: Apache-2.0
/// From a pool's declaration to its provider: which one, what it must know of this server, and what is put
/// around it (counts, a fallback, limits).
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "db/database.h"
#include "log/log.h"
#include "pool/decorators/call_meter.h"
#include "pool/node.h"
#include "pool/provider.h"

namespace gpuscale::cli {

/// What nodes are told of the server that they belong to.
struct ServerIdentity {
  std::string cluster;
  std::string program;               ///< path of gpuscale, for nodes on this machine
  std::string nodes_folder;          ///< theirs
  std::string ca_file;               ///< "" where the server speaks no TLS
  Secret installation;               ///< marks what is ours among others' nodes
  Secret node_token;                 ///< scope `write`
  std::function<std::string()> url;  ///< asked when a provider is opened, not before
};

/// Thread-safe.
class ProviderFactory {
 public:
  /// `state`, `calls` and `clock` outlive the factory and what it makes.
  ProviderFactory(ServerIdentity server, db::Database& state, pool::CallMeter& calls, const Clock& clock,
                  log::Log log)
      : server_(std::move(server)), state_(state), calls_(calls), clock_(clock), log_(std::move(log)) {}

  /// Errors: those of the provider, whose options have been read already.
  Result<std::unique_ptr<pool::NodeProvider>> make(const pool::PoolSpec& spec) const;

 private:
  Result<std::unique_ptr<pool::NodeProvider>> open(const std::string& pool_name,
                                                   const pool::ProviderSpec& spec) const;

  const ServerIdentity server_;
  db::Database& state_;
  pool::CallMeter& calls_;
  const Clock& clock_;
  const log::Log log_;
};

}  // namespace gpuscale::cli

// SPDX-License-Identifier: Apache-2.0
/// Nodes as containers of a Docker Engine, over its unix socket. Labels are the only memory: what carries
/// this installation's label is ours, and a server started after kill -9 finds it again.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "http/client.h"
#include "log/log.h"
#include "pool/node_endpoint.h"
#include "pool/provider.h"

namespace gpuscale::pool::docker {

struct DockerOptions {
  // Given by the server:
  std::string instance;  ///< random id of this data directory
  std::string pool;
  std::string cluster;
  std::string server_url;  ///< where the agent in the container is to report to, unless the block says
  Secret token;            ///< of scope write; handed over by environment
  Nanos kill_after = std::chrono::seconds{10};  ///< from SIGTERM to the removal by force

  // By the pool's block:
  std::string socket = "/var/run/docker.sock";
  std::string image;
  std::vector<std::string> command;  ///< words; {node}, {pool}, {cluster}, {server_url} are replaced
  int gpus = 0;                      ///< device requests: so many NVIDIA GPUs; -1 = all
  std::string network;               ///< "" = the engine's default
  int port = 0;                      ///< in the container, of the node's endpoint; 0 = it has none
  std::string zone;                  ///< of all its nodes: an engine is one machine; "" = not told
  std::chrono::milliseconds timeout{10'000};
};

/// image, command, gpus (number or "all"), network, port, server_url, socket, timeout, zone. Errors:
/// kInvalidArgument naming the key.
Result<void> apply_options(const std::map<std::string, std::string>& block, DockerOptions& options);

/// Not thread-safe.
class DockerProvider final : public NodeProvider {
 public:
  DockerProvider(DockerOptions options, const Clock& clock, log::Log log);

  std::string type() const override { return "docker"; }
  Result<void> launch(const NodeId& id) override;
  Result<std::vector<Instance>> list() override;
  Result<void> drain(const NodeId& id) override { return set_draining(id, true); }
  Result<void> undrain(const NodeId& id) override { return set_draining(id, false); }
  Result<Workload> workload(const NodeId& id) override;
  Result<void> terminate(const NodeId& id) override;

 private:
  std::string name_of(const NodeId& id) const;
  std::string creation_of(const NodeId& id) const;
  Result<http::ClientResponse> call(http::Method method, const std::string& path,
                                    const std::string& body = {});
  Result<void> expect(http::Method method, const std::string& path, const std::string& body = {});
  Result<void> set_draining(const NodeId& id, bool on);
  Result<std::string> endpoint_of(const NodeId& id);
  void enforce_end(const NodeId& id);

  DockerOptions options_;
  const Clock& clock_;
  log::Log log_;
  http::Client client_;
  NodeEndpoint nodes_;
  std::map<std::string, MonoTime> endings_;  ///< since when a node has been told to end
};

}  // namespace gpuscale::pool::docker

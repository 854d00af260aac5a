// SPDX-License-Identifier: Apache-2.0
#include "cli/provider_factory.h"

#include <map>
#include <optional>

#include "pool/decorators/fallback_provider.h"
#include "pool/decorators/hooked_provider.h"
#include "pool/decorators/throttled_provider.h"
#include "pool/providers/docker/docker_provider.h"
#include "pool/providers/exec/exec_provider.h"
#include "pool/providers/http/http_provider.h"
#include "pool/providers/local/local_provider.h"
#include "pool/providers/sim/sim_provider.h"

namespace gpuscale::cli {

Result<std::unique_ptr<pool::NodeProvider>> ProviderFactory::open(const std::string& pool_name,
                                                                  const pool::ProviderSpec& spec) const {
  const std::string url = server_.url();
  const pool::verbs::Context context{pool_name, server_.cluster, url};
  if (spec.type == "exec") {
    pool::exec::ExecOptions exec;
    exec.context = context;
    exec.token = server_.node_token;
    GS_CHECK(pool::exec::apply_options(spec.options, exec));
    return pool::exec::open_exec(std::move(exec), log_);
  }
  if (spec.type == "docker") {
    pool::docker::DockerOptions docker;
    docker.instance = server_.installation.reveal();
    docker.pool = pool_name;
    docker.cluster = server_.cluster;
    docker.server_url = url;
    docker.token = server_.node_token;
    GS_CHECK(pool::docker::apply_options(spec.options, docker));
    return std::unique_ptr<pool::NodeProvider>(
        std::make_unique<pool::docker::DockerProvider>(std::move(docker), clock_, log_));
  }
  if (spec.type == "http") {
    pool::http_service::HttpOptions service;
    service.context = context;
    GS_CHECK(pool::http_service::apply_options(spec.options, service));
    return pool::http_service::make_http(std::move(service));
  }
  std::map<std::string, std::string> block = spec.options;
  std::optional<pool::sim::SimOptions> sim;
  if (spec.type == "sim") {
    GS_TRY(sim, pool::sim::take_options(block));
  }
  pool::local::LocalProviderOptions options;
  options.binary = server_.program;
  options.root = server_.nodes_folder;
  options.dir = options.root + "/" + pool_name;
  options.instance = server_.installation.reveal();
  options.pool = pool_name;
  options.cluster = server_.cluster;
  options.server_url = url;
  options.token = server_.node_token;
  options.ca_file = server_.ca_file;
  GS_CHECK(pool::local::apply_options(block, options));
  GS_TRY(auto provider, pool::local::LocalProvider::open(std::move(options), clock_, log_));
  if (!sim) return std::unique_ptr<pool::NodeProvider>(std::move(provider));
  return std::unique_ptr<pool::NodeProvider>(
      std::make_unique<pool::sim::SimProvider>(std::move(provider), *std::move(sim), clock_));
}

/// Limits around what they limit, so that a limit of ours never looks like an empty stock; counts innermost,
/// of real calls; hooks outermost, since what they hold back is no call.
Result<std::unique_ptr<pool::NodeProvider>> ProviderFactory::make(const pool::PoolSpec& spec) const {
  const auto metered = [&](const pool::ProviderSpec& from) -> Result<std::unique_ptr<pool::NodeProvider>> {
    GS_TRY(auto made, open(spec.name, from));
    return std::unique_ptr<pool::NodeProvider>(
        std::make_unique<pool::MeteredProvider>(std::move(made), spec.name, calls_, clock_));
  };
  GS_TRY(auto provider, metered(spec.provider));
  for (const pool::ProviderSpec& fallback : spec.provider.fallback) {
    GS_TRY(auto second, metered(fallback));
    GS_TRY(auto memory, pool::FallbackMemory::open(state_, spec.name));
    GS_TRY(provider, pool::FallbackProvider::open(std::move(provider), std::move(second), std::move(memory),
                                                  clock_, log_));
  }
  if (spec.provider.limits != pool::CallLimits{})
    provider = std::make_unique<pool::ThrottledProvider>(std::move(provider), spec.provider.limits, clock_);
  if (!spec.provider.hooks.empty())
    provider =
        std::make_unique<pool::HookedProvider>(std::move(provider), spec.provider.hooks, spec.name, log_);
  return provider;
}

}  // namespace gpuscale::cli

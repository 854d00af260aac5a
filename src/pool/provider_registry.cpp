// SPDX-License-Identifier: Apache-2.0
#include "pool/provider_registry.h"

#include <array>
#include <string_view>

#include "pool/providers/docker/docker_provider.h"
#include "pool/providers/exec/exec_provider.h"
#include "pool/providers/http/http_provider.h"
#include "pool/providers/local/options.h"
#include "pool/providers/sim/sim_options.h"

namespace gpuscale::pool {
namespace {

using Block = std::map<std::string, std::string>;

template <typename Options, Result<void> (*Apply)(const Block&, Options&)>
Result<void> check_block(const Block& block) {
  Options options;
  return Apply(block, options);
}

struct ProviderType {
  std::string_view name;
  Result<void> (*check)(const Block&);
};

constexpr std::array<ProviderType, 5> kTypes{{
    {"docker", check_block<docker::DockerOptions, docker::apply_options>},
    {"exec", check_block<exec::ExecOptions, exec::apply_options>},
    {"http", check_block<http_service::HttpOptions, http_service::apply_options>},
    {"local", check_block<local::LocalProviderOptions, local::apply_options>},
    {"sim", sim::check_options},
}};

}  // namespace

std::vector<std::string> provider_types() {
  std::vector<std::string> out;
  for (const ProviderType& type : kTypes) out.emplace_back(type.name);
  return out;
}

std::vector<std::string> faults_of(const ProviderSpec& spec) {
  std::string known;
  for (const ProviderType& type : kTypes) {
    if (type.name == spec.type) {
      std::vector<std::string> faults;
      if (const auto checked = type.check(spec.options); !checked)
        faults.push_back(checked.error().message());
      for (const auto* hook : {&spec.hooks.drain, &spec.hooks.undrain, &spec.hooks.end}) {
        if (!hook->empty() && !hook->front().starts_with('/')) {
          faults.push_back("hooks: \"" + hook->front() +
                           "\" must be the absolute path of a program, as [/usr/local/bin/drain, gently]");
        }
      }
      for (const ProviderSpec& fallback : spec.fallback) {
        for (const std::string& fault : faults_of(fallback)) faults.push_back("fallback: " + fault);
      }
      return faults;
    }
    known += (known.empty() ? "" : ", ") + std::string(type.name);
  }
  return {"provider type \"" + spec.type + "\" is unknown; known: " + known};
}

}  // namespace gpuscale::pool

// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "base/duration.h"
#include "base/system_clock.h"
#include "cli/command.h"
#include "gpu/stress/device_load.h"

namespace gpuscale::cli {
namespace {

struct StressFlags {
  std::string source = "auto";
  int gpu = 0;
  double percent = 60;
  std::string length = "1m";
};

Result<std::unique_ptr<gpu::stress::DeviceLoad>> open_load(const StressFlags& flags) {
  if (flags.source == "virtual") return gpu::stress::make_virtual_load();
  auto cuda = gpu::stress::open_cuda_load(flags.gpu);
  if (cuda || flags.source == "cuda") return cuda;
  std::fprintf(stderr, "gpuscale: %s; loading a virtual device instead\n", cuda.error().message().c_str());
  return gpu::stress::make_virtual_load();
}

Result<void> stress(const StressFlags& flags, const Context& context) {
  GS_TRY(const Nanos length, base::parse_duration(flags.length));
  GS_TRY(const auto load, open_load(flags));
  std::fprintf(stderr, "loading %s to %.0f %% for %s; Ctrl-C ends it\n", load->name().c_str(), flags.percent,
               flags.length.c_str());
  const base::SystemClock clock;
  return gpu::stress::run_cycle(
      *load, {.percent = flags.percent, .length = length}, clock, context.stop, [&load](Nanos passed) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(passed);
        const auto measured = load->measured();
        if (measured) {
          std::fprintf(stderr, "%5lld s  measured %.0f %%\n", static_cast<long long>(seconds.count()),
                       *measured);
        } else if (seconds.count() % 10 == 0) {
          std::fprintf(stderr, "%5lld s\n", static_cast<long long>(seconds.count()));
        }
      });
}

}  // namespace

void add_stress_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("stress", "Load a GPU to a wanted utilisation, to try rules out");
  auto flags = std::make_shared<StressFlags>();
  command
      ->add_option("--source", flags->source,
                   "cuda, virtual, or auto: the virtual device where there is no CUDA")
      ->check(CLI::IsMember({"auto", "cuda", "virtual"}))
      ->capture_default_str();
  command->add_option("--gpu", flags->gpu, "its number, as CUDA counts")
      ->check(CLI::Range(0, 255))
      ->capture_default_str();
  command->add_option("--utilization", flags->percent, "percent")
      ->check(CLI::Range(1.0, 100.0))
      ->capture_default_str();
  command->add_option("--for", flags->length, "how long")->capture_default_str();
  command->callback([&action, flags] {
    action = [flags](const Context& context) {
      const auto done = stress(*flags, context);
      return done ? kExitDone : report(done.error());
    };
  });
}

}  // namespace gpuscale::cli

// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "agent/chosen_devices.h"
#include "agent/device_judge.h"
#include "agent/endpoint.h"
#include "agent/idle_pages.h"
#include "agent/inference.h"
#include "agent/inference_scraper.h"
#include "agent/kernel_log.h"
#include "agent/line_buffer.h"
#include "agent/pod_use.h"
#include "agent/pod_watch.h"
#include "agent/recorder.h"
#include "agent/sampler.h"
#include "agent/sampler_process.h"
#include "agent/served_command.h"
#include "agent/shipper.h"
#include "agent/spool.h"
#include "gpu/amdgpu/amdgpu_source.h"
#include "gpu/nvml/presence.h"
#include "gpu/open_source.h"

namespace gpuscale::agent {
namespace {

/// How soon a signal to stop is noticed.
constexpr Nanos kLook = std::chrono::milliseconds{50};
/// How long "auto" waits for the driver to say whether it is there.
constexpr Nanos kFirstSight = std::chrono::seconds{5};
/// By then the start is over, and what it alone needed can go; later, what something rare has brought back.
constexpr Nanos kSettled = std::chrono::seconds{5};
constexpr Nanos kReleaseEvery = std::chrono::minutes{10};
/// A program that has answered no check for so long makes its node a sick one.
constexpr Nanos kMuteIsSick = std::chrono::seconds{30};
/// Of the interval that a read may take before the tick goes on without it.
constexpr double kReadShare = 0.5;

/// Declared in the order of life: destruction runs the other way, and nobody calls what has gone.
class Agent {
 public:
  Agent(const AgentOptions& options, const Clock& clock, log::Log log)
      : options_(options),
        clock_(clock),
        log_(std::move(log)),
        identity_{options.cluster, options.pool, options.node, options.zone} {}

  Result<void> open();
  void run(const std::atomic<bool>& stop);
  void end(std::chrono::milliseconds grace);
  /// "" while the node's own program lives, or where there is none.
  std::string why_it_ends() const;

 private:
  Result<void> open_command();
  std::optional<std::int64_t> requests_in_flight() const;
  Result<void> open_queue();
  Result<void> open_feed();
  PushAnswer push(std::string_view body, metrics::Precision precision);
  Result<void> open_here(const std::string& source);
  Result<void> listen();
  void tick();
  NodeReport report() const;
  AgentState state() const;
  Nanos stale_after() const { return 3 * options_.interval; }
  std::optional<Nanos> age_of(const Sight& sight) const {
    return sight.read_at ? std::optional<Nanos>(clock_.mono() - *sight.read_at) : std::nullopt;
  }

  const AgentOptions& options_;
  const Clock& clock_;
  const log::Log log_;
  const NodeIdentity identity_;
  std::unique_ptr<LineQueue> queue_;
  std::string source_name_;
  std::unique_ptr<gpu::GpuSource> source_;  ///< null where a process of its own reads it
  gpu::VirtualDevice* device_ = nullptr;    ///< in source_; null where it is another one
  std::unique_ptr<InferenceService> service_;
  std::unique_ptr<ReadingFeed> feed_;
  DeviceJudge judge_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<ServedCommand> served_;
  bool told_service_ = false;  ///< its address has been written
  std::atomic<bool> draining_{false};
  std::unique_ptr<InferenceScraper> scraper_;
  std::unique_ptr<PodWatch> pods_;
  OwnerMemory owners_;                     ///< of the tick
  std::unique_ptr<KernelLog> kernel_log_;  ///< where a driver of NVIDIA's is read
  mutable std::mutex newest_mutex_;
  std::vector<gpu::Reading> newest_;          ///< judged; what the endpoint shows
  std::vector<PodUse> pod_uses_;              ///< of newest_
  std::vector<gpu::Reading> first_readings_;  ///< taken while the source was chosen
  std::unique_ptr<Shipper> shipper_;
  std::unique_ptr<http::Server> server_;
};

Result<void> Agent::open() {
  GS_CHECK(open_queue());
  if (!options_.record_file.empty()) {
    GS_TRY(recorder_, Recorder::open(options_.record_file, log_));
  }
  std::vector<InferenceTarget> targets;
  GS_CHECK(open_command());
  for (std::string text : options_.inference) {
    constexpr std::string_view kPort = "{port}";
    if (const auto at = text.find(kPort); served_ && at != std::string::npos)
      text.replace(at, kPort.size(), std::to_string(served_->port()));
    GS_TRY(InferenceTarget target, parse_target(text, options_.inference_maps));
    targets.push_back(std::move(target));
  }
  GS_CHECK(open_feed());
  if (source_name_ == "nvml") kernel_log_ = std::make_unique<KernelLog>(log_);
  if (!options_.kubelet_socket.empty())
    pods_ = std::make_unique<PodWatch>(PodWatchOptions{.socket = options_.kubelet_socket}, log_);
  if (!targets.empty()) {
    scraper_ =
        std::make_unique<InferenceScraper>(std::move(targets), identity_, options_.interval, clock_, log_);
  }
  ShipperOptions shipping;
  shipping.server = options_.server;
  while (shipping.server.ends_with('/')) shipping.server.pop_back();
  shipping.database = options_.database;
  shipping.token = options_.token;
  shipping.ca_file = options_.ca_file;
  shipper_ = std::make_unique<Shipper>(std::move(shipping), *queue_, log_);
  GS_CHECK(listen());
  log_.info("agent.started", {{"node", options_.node},
                              {"pool", options_.pool},
                              {"source", source_name_},
                              {"server", options_.server},
                              {"port", server_->port()}});
  return {};
}

Result<void> Agent::open_command() {
  if (options_.command.empty()) return {};
  GS_TRY(served_, ServedCommand::start({.command = options_.command,
                                        .gpus = options_.gpus,
                                        .ready = options_.ready,
                                        .node = options_.node,
                                        .pool = options_.pool},
                                       clock_, log_));
  return {};
}

std::string Agent::why_it_ends() const {
  if (!served_ || !served_->has_ended()) return "";
  return options_.command.front() + " " + served_->how_it_ended();
}

/// Of all inference servers on the node together; unknown where one of them does not say.
std::optional<std::int64_t> Agent::requests_in_flight() const {
  if (!scraper_) return std::nullopt;
  std::int64_t sum = 0;
  for (const TargetSight& target : scraper_->sights()) {
    if (!target.requests) return std::nullopt;
    sum += *target.requests;
  }
  return sum;
}

Result<void> Agent::open_queue() {
  if (options_.spool_folder.empty()) {
    queue_ = std::make_unique<LineBuffer>(options_.buffer_lines);
    return {};
  }
  GS_TRY(queue_, Spool::open({.folder = options_.spool_folder, .max_bytes = options_.spool_bytes}, log_));
  return {};
}

/// A driver gets a process of its own; "auto" asks one whether there is a driver at all.
Result<void> Agent::open_feed() {
  const bool asks_driver =
      options_.source == "nvml" || options_.source == "amdgpu" || options_.source == "auto";
  if (options_.sampler_command.empty() || !asks_driver) return open_here(options_.source);
  const auto process_of = [this](const std::string& source) -> std::unique_ptr<ReadingFeed> {
    SamplerProcessOptions process;
    process.command = options_.sampler_command;
    process.command.insert(process.command.end(), {source, options_.log_level, options_.log_format});
    auto all = std::make_unique<SamplerProcess>(std::move(process), clock_, log_);
    if (options_.gpus.empty()) return all;
    return std::make_unique<ChosenDevices>(std::move(all), options_.gpus);
  };
  source_name_ = options_.source == "amdgpu" ? "amdgpu" : "nvml";
  auto feed = process_of(source_name_);
  if (options_.source == "auto") {
    first_readings_ = feed->sample(clock_.mono() + kFirstSight);
    const Sight sight = feed->sight();
    const bool nothing = sight.state == FeedState::kUnavailable || sight.state == FeedState::kNoDevice;
    if (nothing && !gpu::nvml::has_nvidia_device() && gpu::amdgpu::has_device()) {
      log_.info("source.chosen", {{"source", "amdgpu"}});
      source_name_ = "amdgpu";
      feed_ = process_of(source_name_);
      return {};
    }
    if (nothing && !gpu::nvml::has_nvidia_device()) {
      log_.info("source.chosen", {{"source", "virtual"}, {"because", sight.error}});
      return open_here("virtual");
    }
    // A virtual device would report an idle GPU where a busy one does not answer: a scale-in for a lie.
    log_.info("source.chosen", {{"source", "nvml"}});
  }
  feed_ = std::move(feed);
  return {};
}

Result<void> Agent::open_here(const std::string& source) {
  // The service's limit is the one that answers; a moment before the device takes up work, all of it waits.
  const std::size_t device_queue = options_.max_queue + 1;
  GS_TRY(
      source_,
      gpu::open_source(
          source, {.node = options_.node, .replay_speed = options_.replay_speed, .max_queue = device_queue},
          log_));
  source_name_ = source_->name();
  device_ = dynamic_cast<gpu::VirtualDevice*>(source_.get());
  if (options_.serve && device_ != nullptr) {
    service_ = std::make_unique<InferenceService>(*device_, options_.service_time, options_.max_queue);
  }
  feed_ = std::make_unique<Sampler>(*source_, clock_, log_);
  if (options_.gpus.empty()) return {};
  if (device_ == nullptr) {
    feed_ = std::make_unique<ChosenDevices>(std::move(feed_), options_.gpus);
  } else {
    // It stands for whatever device the node has, as for each node of a pool that shares a machine.
    log_.info("agent.gpus_not_chosen", {{"because", "the virtual device has no others beside it"}});
  }
  return {};
}

Result<void> Agent::listen() {
  GS_TRY(const auto address, parse_listen(options_.listen));
  http::ServerOptions server;
  server.address = address.first;
  server.port = address.second;
  // Handlers only enqueue work or read numbers; the waiting is the device's.
  server.handler_threads = 2;
  server.max_body_bytes = 4U << 20U;
  // One more than the queue takes, with room for those who ask for /status: the limit that answers is the
  // service's.
  server.max_connections = options_.max_queue + 1'000;
  auto router = std::make_shared<http::Router>(make_agent_router(
      service_.get(), [this] { return state(); },
      [this](std::string_view body, metrics::Precision precision) { return push(body, precision); },
      served_ ? [this](bool on) { draining_ = on; } : std::function<void(bool)>()));
  const http::RequestHandler handler = [router](http::Request& request) { return router->route(request); };
  auto started = http::Server::start(server, handler, log_);
  if (!started && options_.any_port_where_taken) {
    log_.warn("agent.port_taken", {{"listen", options_.listen}, {"error", started.error()}});
    server.port = 0;
    started = http::Server::start(server, handler, log_);
  }
  if (!started) return std::move(started).error();
  server_ = *std::move(started);
  if (options_.endpoint_file.empty()) return {};
  const std::string host =
      address.first.find(':') == std::string::npos ? address.first : "[" + address.first + "]";
  return write_endpoint_file(options_.endpoint_file,
                             "http://" + host + ":" + std::to_string(server_->port()));
}

NodeReport Agent::report() const {
  const Sight sight = feed_->sight();
  NodeReport report;
  report.devices_ok = sight.ok();
  report.devices_failed = sight.failed();
  // Readings that are several intervals old say nothing of now: the driver hangs.
  const std::optional<Nanos> age = age_of(sight);
  report.source = sight.state;
  report.source_reason = sight.error;
  if (age) report.sample_age_seconds = std::chrono::duration<double>(*age).count();
  if (age && *age > stale_after()) {
    report.devices_failed += report.devices_ok;
    report.devices_ok = 0;
    if (report.source == FeedState::kOk) report.source = FeedState::kHung;
  }
  report.dropped = queue_->dropped();
  report.buffered = queue_->size();
  if (service_) {
    report.in_flight = service_->in_flight();
    report.draining = service_->draining();
  }
  if (served_) {
    report.in_flight = requests_in_flight();
    report.draining = draining_.load();
    const ServedSight served = served_->sight();
    if (served.was_ready && served.mute.value_or(Nanos{0}) > kMuteIsSick) {
      report.devices_failed += report.devices_ok;
      report.devices_ok = 0;
      report.source_reason = options_.command.front() + " does not answer";
    }
  }
  return report;
}

AgentState Agent::state() const {
  AgentState state;
  state.identity = identity_;
  state.source = source_name_;
  state.sight = feed_->sight();
  {
    const std::scoped_lock lock(newest_mutex_);
    if (!newest_.empty()) {
      state.sight.readings = newest_;
      state.pod_uses = pod_uses_;
    }
    if (kernel_log_) state.kernel_xids = kernel_log_->counts();
  }
  if (scraper_) state.inference = scraper_->sights();
  if (pods_) state.pods = pods_->sight();
  if (served_) {
    state.served = served_->sight();
    state.in_flight = requests_in_flight();
    state.draining = draining_;
  }
  state.sample_age = age_of(state.sight);
  state.stale_after = stale_after();
  state.dcgm = {options_.node, options_.hostname_label};
  state.buffered = queue_->size();
  state.dropped = queue_->dropped();
  state.delivered = queue_->delivered();
  state.ship_failures = shipper_->failures();
  return state;
}

void Agent::tick() {
  const auto patience = std::chrono::duration_cast<Nanos>(options_.interval * kReadShare);
  std::vector<gpu::Reading> readings = feed_->sample(clock_.mono() + patience);
  if (readings.empty()) readings = std::exchange(first_readings_, {});
  first_readings_.clear();
  judge_.judge(readings);
  std::vector<std::string> lines = gpu_lines(identity_, readings);
  if (recorder_) recorder_->write(lines);
  std::vector<PodUse> uses;
  if (pods_) {
    uses = pod_uses(readings, *pods_->sight(),
                    [this](std::int64_t pid) { return owners_.find(pid, clock_.mono()); });
    for (std::string& line : pod_lines(identity_, readings, uses)) lines.push_back(std::move(line));
  }
  if (!readings.empty()) {
    const std::scoped_lock lock(newest_mutex_);
    newest_ = std::move(readings);
    pod_uses_ = std::move(uses);
  }
  if (kernel_log_) {
    const std::scoped_lock lock(newest_mutex_);
    kernel_log_->drain();
  }
  if (scraper_) {
    for (std::string& line : scraper_->take_lines()) lines.push_back(std::move(line));
  }
  const WallTime now = clock_.wall();
  const bool serves = !served_ || served_->sight().was_ready;
  if (served_ && serves && !told_service_ && !options_.service_file.empty()) {
    const auto told = write_endpoint_file(options_.service_file, served_->sight().url);
    if (!told) log_.error("service_file.failed", {{"error", told.error()}});
    told_service_ = told.has_value();
  }
  // A node whose program has not answered yet has not come up: it says nothing of itself.
  if (serves) lines.push_back(node_line(identity_, report(), now));
  if (service_) {
    if (const ServedReport served = service_->take_report(); served.requests > 0) {
      lines.push_back(inference_line(identity_, served, now));
    }
  }
  queue_->push(std::move(lines));
  shipper_->wake();
}

PushAnswer Agent::push(std::string_view body, metrics::Precision precision) {
  PushedLines pushed = take_pushed(identity_, body, precision, clock_.wall());
  PushAnswer answer{pushed.lines.size(), std::move(pushed.errors)};
  queue_->push(std::move(pushed.lines));
  shipper_->wake();
  return answer;
}

void Agent::run(const std::atomic<bool>& stop) {
  MonoTime next = clock_.mono();
  MonoTime release_at = next + kSettled;
  const auto goes_on = [&] { return !stop && !(served_ && served_->has_ended()); };
  while (goes_on()) {
    tick();
    if (clock_.mono() >= release_at) {
      release_idle_pages();
      release_at = clock_.mono() + kReleaseEvery;
    }
    // A tick that is late is left out, not made up for: two samples at once would tell nothing more.
    const MonoTime now = clock_.mono();
    next += options_.interval;
    if (next <= now) next = now + options_.interval;
    while (goes_on() && clock_.mono() < next)
      std::this_thread::sleep_for(std::min<Nanos>(kLook, next - clock_.mono()));
  }
}

void Agent::end(std::chrono::milliseconds grace) {
  const auto deadline = std::chrono::steady_clock::now() + grace;
  const auto left = [&] {
    const auto rest =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    return std::max(rest, std::chrono::milliseconds{0});
  };
  if (service_) {
    service_->drain(true);
    if (!service_->wait_idle(deadline)) log_.warn("requests.cut_off", {{"in_flight", service_->in_flight()}});
  }
  if (served_) served_->stop(deadline);
  tick();
  server_->stop(left());
  if (device_ != nullptr) device_->stop();
  shipper_->stop(left());
  log_.info("agent.stopped",
            {{"delivered", queue_->delivered()},
             {"lost", queue_->dropped() + (options_.spool_folder.empty() ? queue_->size() : 0)},
             {"spooled", options_.spool_folder.empty() ? 0 : queue_->size()}});
}

}  // namespace

Result<void> run_agent(const AgentOptions& options, const std::atomic<bool>& stop, const Clock& clock,
                       log::Log log, std::chrono::milliseconds grace) {
  // Else each thread gets an arena of its own, of which what it once needed stays resident.
  mallopt(M_ARENA_MAX, 2);
  Agent agent(options, clock, std::move(log));
  GS_CHECK(agent.open());
  agent.run(stop);
  const std::string why = agent.why_it_ends();
  agent.end(grace);
  if (!why.empty()) return fail(Errc::kUnavailable, why + "; the node ends with it");
  return {};
}

}  // namespace gpuscale::agent

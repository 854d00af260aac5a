// SPDX-License-Identifier: Apache-2.0
#include "gpu/virtual_device/virtual_device.h"

#include <utility>

#include "base/digest.h"

namespace gpuscale::gpu {
namespace {

MonoTime mono_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

std::string virtual_uuid(const std::string& name) {
  const std::string hex = base::sha256_hex("gpuscale virtual device " + name);
  return "GPU-" + hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20, 12);
}

VirtualDevice::VirtualDevice(VirtualDeviceOptions options)
    : options_(std::move(options)),
      identity_{.index = 0, .uuid = virtual_uuid(options_.name), .model = "gpuscale virtual device"},
      meter_(mono_now()),
      server_([this] { serve(); }) {}

VirtualDevice::~VirtualDevice() {
  stop();
}

Result<void> VirtualDevice::submit(Nanos service_time, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return fail(Errc::kUnavailable, "the virtual device has stopped");
    if (waiting_.size() >= options_.max_queue) {
      return fail(Errc::kExhausted,
                  "the virtual device's queue is full: " + std::to_string(options_.max_queue) + " waiting");
    }
    waiting_.push_back({.service_time = service_time, .submitted = mono_now(), .done = std::move(done)});
  }
  arrived_.notify_one();
  return {};
}

std::size_t VirtualDevice::depth() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + (serving_ ? 1U : 0U);
}

void VirtualDevice::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  arrived_.notify_all();
  halted_.notify_all();
  if (server_.joinable()) server_.join();
}

void VirtualDevice::serve() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (waiting_.empty()) {
      arrived_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
    } else {
      serve_one(lock);
    }
  }
  std::deque<Work> abandoned = std::exchange(waiting_, {});
  lock.unlock();
  const MonoTime now = mono_now();
  for (Work& work : abandoned) work.done({.completed = false, .queued = now - work.submitted});
}

/// Holds the device for one piece of work. The callback runs without the lock, so it may submit.
void VirtualDevice::serve_one(std::unique_lock<std::mutex>& lock) {
  Work work = std::move(waiting_.front());
  waiting_.pop_front();
  serving_ = true;
  const MonoTime start = mono_now();
  meter_.begin(start);
  const MonoTime deadline = start + work.service_time;
  const bool completed = !halted_.wait_until(lock, deadline, [this] { return stopped_; });
  const MonoTime end = mono_now();
  meter_.end(end);
  serving_ = false;
  lock.unlock();
  work.done({.completed = completed, .queued = start - work.submitted, .served = end - start});
  work.done = nullptr;
  lock.lock();
}

Result<std::vector<Reading>> VirtualDevice::read(WallTime now) {
  const std::lock_guard lock(mutex_);
  const Utilization utilization = meter_.read(mono_now());
  Reading reading;
  reading.device = identity_;
  reading.at = now;
  reading.utilization_gpu = utilization.mean;
  reading.utilization_gpu_max = utilization.peak;
  reading.queue_depth = static_cast<double>(waiting_.size() + (serving_ ? 1U : 0U));
  return std::vector<Reading>{std::move(reading)};
}

}  // namespace gpuscale::gpu

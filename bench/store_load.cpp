// SPDX-License-Identifier: Apache-2.0
/// Writes a generated fleet over /write as fast as the server takes it, or replays a history, and says how it
/// went as JSON: values per second and request latencies. For bench/store.py; the same bytes go to every
/// server.
///   gpuscale_store_load PORT --gpus N --connections C --lines L (--seconds S | --steps T) [--start UNIX_S]
///     [--step-s 5] [--path /write?db=bench] [--paced 1: a step takes as long as it stands for]
///     [--spread 1: and its requests are sent evenly over that time]
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kGpusOfNode = 8;
constexpr std::size_t kFields = 12;

struct Options {
  int port = 0;
  std::size_t gpus = 1'000;
  std::size_t connections = 8;
  std::size_t lines = 5'000;
  double seconds = 0;
  std::size_t steps = 0;
  long start = 1'763'000'000;
  long step_s = 5;
  std::string path = "/write?db=bench";
  bool paced = false;
  bool spread = false;
};

/// Appends one line; quicker than printf, so that the generator takes little from the server it measures.
class Line {
 public:
  Line(std::string& out, const std::string& key) : out_(out), at_(out.size()) {
    out_.resize(at_ + kMost);
    text(key);
  }
  ~Line() { out_.resize(at_); }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  Line& text(std::string_view piece) {
    std::memcpy(out_.data() + at_, piece.data(), piece.size());
    at_ += piece.size();
    return *this;
  }
  Line& number(long long value) {
    at_ = static_cast<std::size_t>(std::to_chars(out_.data() + at_, out_.data() + at_ + 20, value).ptr -
                                   out_.data());
    return *this;
  }
  Line& tenths(int value) {
    number(value / 10);
    out_[at_++] = '.';
    out_[at_++] = static_cast<char>('0' + value % 10);
    return *this;
  }

 private:
  static constexpr std::size_t kMost = 600;
  std::string& out_;
  std::size_t at_;
};

/// One device whose readings walk as those of real ones do: most move a little, some stand still.
class Gpu {
 public:
  Gpu(std::size_t index, std::uint32_t seed) : random_(seed) {
    const std::string node = std::to_string(index / kGpusOfNode);
    const std::string device = std::to_string(index % kGpusOfNode);
    key_ = "gpu,cluster=bench,gpu=" + device + ",model=NVIDIA\\ H100\\ 80GB\\ HBM3,node=gpu-node-" + node +
           ",pool=gpu,uuid=GPU-" + node + "-" + device + " ";
    load_ = static_cast<int>(random_() % 1'000);
    memory_ = 8LL * 1024 + static_cast<long long>(random_() % 70'000);
  }

  void append(std::string& out, long time_s) {
    load_ = std::clamp(load_ + static_cast<int>(random_() % 101) - 50, 0, 1'000);
    if (random_() % 16 == 0)
      memory_ = std::clamp(memory_ + static_cast<long long>(random_() % 513) - 256, 500LL, 81'000LL);
    const int power = 700 + load_ * 6 + static_cast<int>(random_() % 200);
    temperature_ += (35 + load_ / 25 - temperature_) / 8;
    Line line(out, key_);
    line.text("fan_percent=").number(30 + temperature_ / 4).text(",memory_clock_mhz=2619,");
    line.text("memory_total_bytes=85899345920i,memory_used_bytes=").number(memory_ * 1024 * 1024);
    line.text("i,pcie_rx_bytes=").number(load_ * 1'000 + static_cast<int>(random_() % 1'000));
    line.text("i,pcie_tx_bytes=").number(load_ * 700 + static_cast<int>(random_() % 1'000));
    line.text("i,power_watts=").tenths(power).text(",sm_clock_mhz=").number(load_ > 800 ? 1'755 : 1'980);
    line.text(",temperature_celsius=").number(temperature_);
    line.text(load_ > 990 ? ",throttled=t" : ",throttled=f").text(",utilization_gpu=").tenths(load_);
    line.text(",utilization_memory=").number(load_ / 20).text(" ").number(time_s).text("000000000\n");
  }

 private:
  std::minstd_rand random_;
  std::string key_;
  int load_;
  long long memory_;
  int temperature_ = 40;
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// The lines of one request, behind room for the head that says how many bytes they are: a request is sent
/// from where it was made.
class Request {
 public:
  void clear() { bytes_.resize(kHeadRoom); }
  /// To append lines to.
  std::string& bytes() { return bytes_; }
  /// Puts the head before the lines. @return all that is to be sent; stays until clear().
  std::string_view finish(const std::string& path) {
    const std::string head = "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " +
                             std::to_string(bytes_.size() - kHeadRoom) + "\r\n\r\n";
    if (head.size() > kHeadRoom) {
      std::fprintf(stderr, "the path is too long\n");
      std::exit(2);
    }
    const std::size_t begin = kHeadRoom - head.size();
    head.copy(bytes_.data() + begin, head.size());
    return std::string_view(bytes_).substr(begin);
  }

 private:
  static constexpr std::size_t kHeadRoom = 512;
  std::string bytes_ = std::string(kHeadRoom, ' ');
};

class Connection {
 public:
  explicit Connection(int port) : port_(port) { open(); }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int descriptor() const { return fd_; }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) fail("send");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// Ends the process where it was not stored. @return whether the connection is still the same.
  bool read_answer() {
    std::array<char, 4'096> buffer;
    std::string_view answer;
    while (!answer.ends_with("\r\n\r\n")) {
      const ssize_t got = ::recv(fd_, buffer.data() + answer.size(), buffer.size() - answer.size(), 0);
      if (got <= 0) fail("recv");
      answer = {buffer.data(), answer.size() + static_cast<std::size_t>(got)};
      if (answer.size() >= 12 && answer.substr(9, 3) != "204") {
        std::fprintf(stderr, "%.*s\n", static_cast<int>(answer.size()), answer.data());
        std::exit(1);
      }
    }
    // VictoriaMetrics says so every two minutes.
    if (answer.find("onnection: close") == std::string_view::npos) return true;
    ::close(fd_);
    open();
    return false;
  }

 private:
  void open() {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  const int port_;
  int fd_ = -1;
};

struct Result {
  std::size_t lines = 0;
  std::vector<float> latencies_ms;
};

/// The devices of one connection.
std::vector<Gpu> share_of(const Options& options, std::size_t connection) {
  std::vector<Gpu> gpus;
  for (std::size_t i = connection * options.gpus / options.connections;
       i < (connection + 1) * options.gpus / options.connections; ++i)
    gpus.emplace_back(i, static_cast<std::uint32_t>(i * 7919 + 1));
  return gpus;
}

using Clock = std::chrono::steady_clock;

float ms_since(Clock::time_point begin) {
  return std::chrono::duration<float, std::milli>(Clock::now() - begin).count();
}

/// One connection and its share of the fleet, step by step, each in its time.
Result keep_pace(const Options& options, std::size_t worker, const std::atomic<bool>& stop) {
  std::vector<Gpu> gpus = share_of(options, worker);
  Result result;
  if (gpus.empty()) return result;
  Connection connection(options.port);
  Request request;
  std::size_t held = 0;
  const auto flush = [&] {
    if (held == 0) return;
    const Clock::time_point begin = Clock::now();
    connection.send(request.finish(options.path));
    connection.read_answer();
    result.latencies_ms.push_back(ms_since(begin));
    result.lines += held;
    request.clear();
    held = 0;
  };
  const Clock::time_point began = Clock::now();
  const std::chrono::nanoseconds step_time = std::chrono::seconds{options.step_s};
  const std::size_t requests = (gpus.size() + options.lines - 1) / options.lines;
  for (std::size_t step = 0; !stop && (options.steps == 0 || step < options.steps); ++step) {
    flush();
    std::this_thread::sleep_until(began + step * step_time);
    std::size_t sent = 0;
    const long time_s = options.start + static_cast<long>(step) * options.step_s;
    for (Gpu& gpu : gpus) {
      gpu.append(request.bytes(), time_s);
      if (++held < options.lines) continue;
      if (options.spread) {
        // Each connection in its own phase, as agents that were started at different times.
        const std::size_t place = sent++ * options.connections + worker;
        std::this_thread::sleep_until(began + step * step_time +
                                      step_time * place / (requests * options.connections));
      }
      flush();
      if (stop) break;
    }
  }
  if (!stop) flush();
  return result;
}

/// A connection that sends as soon as it was answered.
class Sender {
 public:
  Sender(const Options& options, std::size_t worker)
      : options_(options), gpus_(share_of(options, worker)), connection_(options.port) {}

  int descriptor() const { return connection_.descriptor(); }
  /// False where all steps were sent.
  bool send() {
    request_.clear();
    held_ = 0;
    while (held_ < options_.lines && !gpus_.empty() && (options_.steps == 0 || step_ < options_.steps)) {
      gpus_[gpu_].append(request_.bytes(), options_.start + static_cast<long>(step_) * options_.step_s);
      ++held_;
      if (++gpu_ < gpus_.size()) continue;
      gpu_ = 0;
      ++step_;
    }
    if (held_ == 0) return false;
    begun_ = Clock::now();
    connection_.send(request_.finish(options_.path));
    return true;
  }
  /// @return whether the connection is still the same.
  bool receive(Result& result) {
    const bool same = connection_.read_answer();
    result.latencies_ms.push_back(ms_since(begun_));
    result.lines += held_;
    return same;
  }

 private:
  const Options& options_;
  std::vector<Gpu> gpus_;
  Connection connection_;
  std::size_t step_ = 0;
  std::size_t gpu_ = 0;
  Request request_;
  std::size_t held_ = 0;
  Clock::time_point begun_;
};

/// Every `threads`th connection from `first` on, on one thread: a thread for each of 64 would take more of
/// the processors for its waking than for its lines, and from the server that is measured.
Result keep_busy(const Options& options, std::size_t first, std::size_t threads,
                 const std::atomic<bool>& stop) {
  Result result;
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  if (poll < 0) fail("epoll_create1");
  const auto watch = [poll](Sender& sender) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &sender;
    if (::epoll_ctl(poll, EPOLL_CTL_ADD, sender.descriptor(), &event) != 0) fail("epoll_ctl");
  };
  std::vector<std::unique_ptr<Sender>> senders;
  std::size_t waiting = 0;
  for (std::size_t worker = first; worker < options.connections; worker += threads) {
    Sender& sender = *senders.emplace_back(std::make_unique<Sender>(options, worker));
    watch(sender);
    waiting += sender.send() ? 1U : 0U;
  }
  while (waiting > 0) {
    std::array<epoll_event, 64> ready{};
    const int count = ::epoll_wait(poll, ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto& sender = *static_cast<Sender*>(ready[static_cast<std::size_t>(i)].data.ptr);
      if (!sender.receive(result)) watch(sender);
      if (stop || !sender.send()) --waiting;
    }
  }
  ::close(poll);
  return result;
}

double quantile(std::vector<float>& values, double q) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (argc < 2) return 2;
  options.port = std::atoi(argv[1]);
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--gpus") options.gpus = std::strtoul(value, nullptr, 10);
    if (name == "--connections") options.connections = std::strtoul(value, nullptr, 10);
    if (name == "--lines") options.lines = std::strtoul(value, nullptr, 10);
    if (name == "--seconds") options.seconds = std::atof(value);
    if (name == "--steps") options.steps = std::strtoul(value, nullptr, 10);
    if (name == "--start") options.start = std::atol(value);
    if (name == "--step-s") options.step_s = std::atol(value);
    if (name == "--path") options.path = value;
    if (name == "--spread") options.spread = std::string_view(value) == "1";
    if (name == "--paced") options.paced = std::string_view(value) == "1";
  }
  std::atomic<bool> stop{false};
  std::mutex mutex;
  Result all;
  const Clock::time_point begin = Clock::now();
  constexpr std::size_t kFewConnections = 8;  // with large bodies: a thread for each
  const std::size_t cores = std::max(std::thread::hardware_concurrency(), 1U);
  const std::size_t workers =
      options.paced || options.connections <= kFewConnections ? options.connections : cores;
  std::vector<std::thread> threads;
  for (std::size_t w = 0; w < workers; ++w) {
    threads.emplace_back([&, w] {
      Result one = options.paced ? keep_pace(options, w, stop) : keep_busy(options, w, workers, stop);
      const std::scoped_lock lock(mutex);
      all.lines += one.lines;
      all.latencies_ms.insert(all.latencies_ms.end(), one.latencies_ms.begin(), one.latencies_ms.end());
    });
  }
  if (options.seconds > 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
    stop = true;
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = Clock::now() - begin;
  std::printf(
      "{\"lines\": %zu, \"values\": %zu, \"seconds\": %.3f, \"requests\": %zu, \"p50_ms\": %.3f, \"p99_ms\": "
      "%.3f}\n",
      all.lines, all.lines * kFields, took.count(), all.latencies_ms.size(), quantile(all.latencies_ms, 0.5),
      quantile(all.latencies_ms, 0.99));
}

// SPDX-License-Identifier: Apache-2.0
#include "agent/shipper.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace gpuscale::agent {
namespace {

constexpr std::size_t kMostToldBytes = 300;
constexpr std::size_t kMostAnswerBytes = 1U << 20U;

/// N of "partial write: ... dropped=N"; where the server names bad lines instead, their number.
std::size_t refused_of(const std::string& body) {
  constexpr std::string_view kDropped = "dropped=";
  if (const std::size_t at = body.rfind(kDropped); at != std::string::npos) {
    std::size_t count = 0;
    std::from_chars(body.data() + at + kDropped.size(), body.data() + body.size(), count);
    if (count > 0) return count;
  }
  std::size_t named = 0;
  constexpr std::string_view kUnable = "unable to parse";
  for (std::size_t at = body.find(kUnable); at != std::string::npos; at = body.find(kUnable, at + 1)) ++named;
  return named;
}

}  // namespace

Verdict judge(const Result<http::ClientResponse>& answer, std::size_t lines) {
  if (!answer) return {Fate::kKept, 0, answer.error().message()};
  if (answer->status >= 200 && answer->status < 300) return {Fate::kStored, 0, ""};
  std::string reason = "the server answered " + std::to_string(answer->status);
  if (!answer->body.empty()) reason += ": " + answer->body.substr(0, kMostToldBytes);
  if (answer->status == 400) {
    if (answer->body.find("partial write") == std::string::npos)
      return {Fate::kRefused, lines, std::move(reason)};
    return {Fate::kStored, std::min(refused_of(answer->body), lines), std::move(reason)};
  }
  if (answer->status == 413) return {lines > 1 ? Fate::kTooLarge : Fate::kRefused, lines, std::move(reason)};
  if (answer->status == 401 || answer->status == 403) reason += "; give a token with scope write by --token";
  return {Fate::kKept, 0, std::move(reason)};
}

Shipper::Shipper(ShipperOptions options, LineQueue& buffer, log::Log log)
    : options_(std::move(options)),
      buffer_(buffer),
      log_(std::move(log)),
      batch_lines_(options_.batch_lines),
      thread_([this] { run(); }) {}

Shipper::~Shipper() {
  stop(std::chrono::milliseconds{0});
}

void Shipper::wake() {
  const std::scoped_lock lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

void Shipper::stop(std::chrono::milliseconds grace) {
  {
    const std::scoped_lock lock(mutex_);
    end_ = std::chrono::steady_clock::now() + grace;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Shipper::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (!end_) changed_.wait(lock, [this] { return woken_ || end_; });
    woken_ = false;
    if (buffer_.size() == 0) {
      if (end_) return;
      continue;
    }
    if (end_ && std::chrono::steady_clock::now() >= *end_) return;
    lock.unlock();
    const Nanos pause = ship();
    lock.lock();
    // Lines that arrive meanwhile must not cut a back-off short; a stop tries once more at once.
    auto until = std::chrono::steady_clock::now() + pause;
    if (end_) until = std::min(until, *end_);
    const bool stopping = end_.has_value();
    changed_.wait_until(lock, until, [&] { return end_.has_value() != stopping; });
    if (buffer_.size() > 0) woken_ = true;
  }
}

Nanos Shipper::ship() {
  const LineQueue::Batch batch = buffer_.take(batch_lines_);
  return settle(judge(send(batch.body), batch.lines), batch.lines);
}

/// As the options say, but not beyond the end of a stop.
std::chrono::milliseconds Shipper::time_to_send() {
  constexpr std::chrono::milliseconds kLeast{100};
  const std::scoped_lock lock(mutex_);
  if (!end_) return options_.timeout;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(*end_ - std::chrono::steady_clock::now());
  return std::clamp(left, kLeast, std::max(kLeast, options_.timeout));
}

Result<http::ClientResponse> Shipper::send(const std::string& body) {
  http::ClientRequest request;
  request.method = http::Method::kPost;
  request.url = options_.server + "/write?db=" + http::url_encode(options_.database) + "&precision=ns";
  request.headers.set("Content-Encoding", "gzip");
  request.headers.set("Content-Type", "text/plain; charset=utf-8");
  request.headers.set("User-Agent", "gpuscale-agent/" GPUSCALE_VERSION);
  if (!options_.token.empty()) request.headers.set("Authorization", "Bearer " + options_.token.reveal());
  request.body = http::gzip(body);
  request.timeout = time_to_send();
  request.ca_file = options_.ca_file;
  request.max_answer_bytes = kMostAnswerBytes;
  return client_.send(request);
}

Nanos Shipper::settle(const Verdict& verdict, std::size_t lines) {
  if (!verdict.reason.empty()) tell_of_trouble(verdict);
  switch (verdict.fate) {
    case Fate::kStored:
    case Fate::kRefused:
      if (failures_in_row_ > 0) log_.info("server.back", {{"waiting", buffer_.size()}});
      failures_in_row_ = 0;
      buffer_.done(verdict.refused);
      batch_lines_ = std::min(options_.batch_lines, batch_lines_ * 2);
      return Nanos{0};
    case Fate::kTooLarge:
      buffer_.put_back();
      batch_lines_ = std::max<std::size_t>(1, lines / 2);
      return Nanos{0};
    case Fate::kKept:
      break;
  }
  buffer_.put_back();
  ++failures_;
  const double dice = std::uniform_real_distribution<double>(0, 1)(random_);
  return base::wait_after(options_.back_off, failures_in_row_++, dice);
}

void Shipper::tell_of_trouble(const Verdict& verdict) {
  // Each retry of the same trouble would say the same.
  if (verdict.fate == Fate::kKept && failures_in_row_ > 0) return;
  if (verdict.fate == Fate::kKept) {
    log_.warn("server.away",
              {{"server", options_.server}, {"error", verdict.reason}, {"waiting", buffer_.size()}});
  } else if (verdict.fate == Fate::kTooLarge) {
    log_.info("batch.halved", {{"error", verdict.reason}});
  } else {
    log_.error("lines.refused", {{"lines", verdict.refused}, {"error", verdict.reason}});
  }
}

}  // namespace gpuscale::agent

// SPDX-License-Identifier: Apache-2.0
#include "datasource/http_source.h"

#include <algorithm>
#include <future>

#include "base/digest.h"
#include "datasource/embedded_source.h"
#include "datasource/influxdb_answer.h"
#include "datasource/prometheus_answer.h"

namespace gpuscale::datasource {
namespace {

using Field = std::pair<const char*, std::string>;

constexpr std::size_t kLongestQuote = 200;
constexpr std::chrono::milliseconds kLeastTimeout{1};

std::string form_of(const std::vector<Field>& fields) {
  std::string out;
  for (const auto& [name, value] : fields)
    out += (out.empty() ? "" : "&") + std::string(name) + "=" + http::url_encode(value);
  return out;
}

/// Seconds with a fraction of milliseconds, as Prometheus reads times and steps.
std::string seconds_text(Nanos value) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(value).count();
  const std::string fraction = std::to_string(1'000 + ms % 1'000).substr(1);
  return std::to_string(ms / 1'000) + "." + fraction;
}

std::string prometheus_form(const SourceSpec& spec, const Query& query) {
  const Nanos step = std::max(interval_of(query.to - query.from), spec.step);
  std::vector<Field> fields = {{"query", fill_in(query)}};
  if (spec.ask == Asking::kInstant) {
    fields.emplace_back("time", seconds_text(query.to.time_since_epoch()));
    return form_of(fields);
  }
  // A value at t tells of what was before t: the first that lies within the window is one step after its
  // begin.
  const Nanos back = (query.to - query.from) / step * step;
  const WallTime first = back > Nanos{0} ? query.to - back + step : query.to;
  fields.emplace_back("start", seconds_text(first.time_since_epoch()));
  fields.emplace_back("end", seconds_text(query.to.time_since_epoch()));
  fields.emplace_back("step", seconds_text(step));
  return form_of(fields);
}

std::string influxdb_form(const SourceSpec& spec, const Query& query) {
  std::vector<Field> fields = {{"db", spec.database}, {"epoch", "ns"}, {"q", fill_in(query)}};
  if (!spec.retention_policy.empty()) fields.emplace_back("rp", spec.retention_policy);
  return form_of(fields);
}

std::string quoted(const std::string& body) {
  std::string out = body.substr(0, kLongestQuote);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return out.empty() ? "" : ": " + out;
}

/// What a status says that is none of an answer; nullopt = look at the body.
std::optional<Error> error_of_status(const http::ClientResponse& response) {
  const std::string status = "answers " + std::to_string(response.status);
  switch (response.status) {
    case 401:
    case 403:
      return fail(
          Errc::kUnauthenticated,
          status + ": it refuses our credentials; set basic, bearer or client_certificate of the source");
    case 404:
      return fail(Errc::kNotFound,
                  status + ": no such API there; url goes up to, without, /query or /api/v1");
    case 429:
      return fail(Errc::kExhausted,
                  status + ": it has too many queries; look less often, or raise its limit");
    default:
      break;
  }
  if (response.status >= 300 && response.status < 400) {
    return fail(
        Errc::kUnavailable,
        status + ": it redirects, which is not followed with credentials; give url as it is in the end");
  }
  return std::nullopt;
}

}  // namespace

HttpSource::~HttpSource() {
  std::deque<std::string> waiting;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    waiting.swap(waiting_);
  }
  const Error stopped = fail(Errc::kUnavailable, title() + "the server stops");
  for (const std::string& key : waiting) answer(key, stopped);
}

std::string HttpSource::title() const {
  return "source " + spec_.name + " (" + http::redact_url(spec_.url) + "): ";
}

http::ClientRequest HttpSource::request_of(const Query& query) const {
  http::ClientRequest request;
  request.method = http::Method::kPost;
  request.url = spec_.url;
  while (request.url.ends_with('/')) request.url.pop_back();
  if (spec_.kind == SourceKind::kInfluxdb) {
    request.url += "/query";
    request.body = influxdb_form(spec_, query);
  } else {
    request.url += spec_.ask == Asking::kInstant ? "/api/v1/query" : "/api/v1/query_range";
    request.body = prometheus_form(spec_, query);
  }
  for (const auto& [name, value] : spec_.headers) request.headers.set(name, value);
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.headers.set("Accept", "application/json");
  if (!spec_.bearer.empty()) request.headers.set("Authorization", "Bearer " + spec_.bearer.reveal());
  if (!spec_.user.empty()) {
    request.headers.set("Authorization",
                        "Basic " + base::base64_encode(spec_.user + ":" + spec_.password.reveal()));
  }
  request.ca_file = spec_.ca_file;
  request.client_certificate = spec_.client_certificate;
  request.client_key = spec_.client_key;
  request.max_answer_bytes = kLargestAnswer;
  return request;
}

Result<std::vector<Series>> HttpSource::read(Result<http::ClientResponse> response) const {
  if (!response) {
    const Error& error = response.error();
    const char* const mend = error.code() == Errc::kExhausted ? "; aggregate in the query" : "";
    // The client's own fault of a broken connection: asking again is harmless.
    const Errc code = error.code() == Errc::kInternal ? Errc::kUnavailable : error.code();
    return fail(code, title() + error.message() + mend);
  }
  if (const auto error = error_of_status(*response))
    return error->with_context(title().substr(0, title().size() - 2));
  auto series = spec_.kind == SourceKind::kInfluxdb ? read_influxdb_answer(response->body)
                                                    : read_prometheus_answer(response->body);
  if (series && response->status == 200) return series;
  const bool explains = !series && series.error().code() != Errc::kCorrupt;
  if (explains) return fail(series.error().code(), title() + series.error().message());
  if (response->status == 200) return fail(Errc::kCorrupt, title() + series.error().message());
  return fail(response->status >= 500 ? Errc::kUnavailable : Errc::kInvalidArgument,
              title() + "answers " + std::to_string(response->status) + quoted(response->body));
}

std::string HttpSource::why_empty(const Query& /*query*/) const {
  return title() + "its answer holds no value";
}

Result<std::vector<Series>> HttpSource::query(const Query& query) {
  std::promise<Result<std::vector<Series>>> answered;
  auto answer = answered.get_future();
  ask(query, [&answered](Result<std::vector<Series>> series) { answered.set_value(std::move(series)); });
  return answer.get();
}

void HttpSource::ask(const Query& query, Done done) {
  http::ClientRequest request = request_of(query);
  const std::string key = request.body;
  const MonoTime deadline = clock_.mono() + std::min<Nanos>(query.timeout, spec_.timeout);
  {
    std::unique_lock lock(mutex_);
    if (const auto asked = questions_.find(key); asked != questions_.end()) {
      asked->second.done.push_back(std::move(done));
      return;
    }
    if (stopping_) {
      lock.unlock();
      return done(fail(Errc::kUnavailable, title() + "the server stops"));
    }
    if (waiting_.size() >= kMostWaitingQuestions) {
      lock.unlock();
      return done(fail(Errc::kExhausted, title() + "more than " + std::to_string(kMostWaitingQuestions) +
                                             " questions wait for it; is it slow?"));
    }
    Question question{std::move(request), deadline, {}};
    question.done.push_back(std::move(done));
    questions_.emplace(key, std::move(question));
    ++asked_;
    waiting_.push_back(key);
  }
  send_waiting();
}

SourceCounts HttpSource::counts() const {
  const std::scoped_lock lock(mutex_);
  return {spec_.name, asked_, failed_, questions_.size()};
}

void HttpSource::send_waiting() {
  while (true) {
    std::string key;
    http::ClientRequest request;
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_ || waiting_.empty() || in_flight_ >= kMostAskedAtOnce) return;
      key = std::move(waiting_.front());
      waiting_.pop_front();
      const Question& question = questions_.at(key);
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(question.deadline - clock_.mono());
      request = question.request;
      request.timeout = left;
      request.connect_timeout = std::min(request.connect_timeout, std::max(left, kLeastTimeout));
      if (left > Nanos{0}) ++in_flight_;
    }
    if (request.timeout <= Nanos{0}) {
      answer(key,
             fail(Errc::kTimeout, title() + "its " + std::to_string(kMostAskedAtOnce) +
                                      " requests at once have no answer, and this one had no turn in time"));
      continue;
    }
    client_.send(std::move(request), [this, key](Result<http::ClientResponse> response) {
      const Result<std::vector<Series>> series = read(std::move(response));
      {
        const std::scoped_lock lock(mutex_);
        --in_flight_;
      }
      answer(key, series);
      send_waiting();
    });
  }
}

void HttpSource::answer(const std::string& key, const Result<std::vector<Series>>& answer) {
  std::vector<Done> done;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = questions_.find(key);
    done = std::move(found->second.done);
    questions_.erase(found);
    if (!answer) ++failed_;
  }
  for (const Done& each : done) each(answer);
}

}  // namespace gpuscale::datasource

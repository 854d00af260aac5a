// SPDX-License-Identifier: Apache-2.0
/// One store of metrics over HTTP. Nobody waits for it but who asked it: requests run beside each other on
/// one thread of its own, a bounded number at once, and who asks what is being asked already shares its
/// answer. Start at HttpSource::ask().
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "datasource/data_source.h"
#include "datasource/source_spec.h"
#include "http/client.h"

namespace gpuscale::datasource {

/// Requests to one source at once; the others wait for their turn, and no longer than they would for their
/// answer.
inline constexpr std::size_t kMostAskedAtOnce = 32;
/// Questions that wait; over it: kExhausted.
inline constexpr std::size_t kMostWaitingQuestions = 10'000;
/// Of one answer, in bytes.
inline constexpr std::size_t kLargestAnswer = 16U << 20U;

/// Since the start.
struct SourceCounts {
  std::string name;
  std::uint64_t questions = 0;  ///< asked; those that shared another's answer are not counted
  std::uint64_t failed = 0;
  std::size_t unanswered = 0;  ///< now, those that wait for their turn included
};

/// Thread-safe. What `done` is called from must not destroy it.
class HttpSource final : public DataSource {
 public:
  HttpSource(SourceSpec spec, const Clock& clock) : spec_(std::move(spec)), clock_(clock) {}
  ~HttpSource() override;  ///< who waits is answered first: kUnavailable
  HttpSource(const HttpSource&) = delete;
  HttpSource& operator=(const HttpSource&) = delete;

  /// Waits for ask()'s answer.
  Result<std::vector<Series>> query(const Query& query) override;
  /// Errors begin with "source NAME (host:port):" and say what mends them: kUnavailable, kTimeout,
  /// kUnauthenticated, kNotFound (no such API there), kExhausted (answer too large, too many questions),
  /// kInvalidArgument (the query), kCorrupt (what answered is something else).
  void ask(const Query& query, Done done) override;
  std::string why_empty(const Query& query) const override;
  SourceCounts counts() const;

 private:
  struct Question {
    http::ClientRequest request;
    MonoTime deadline;
    std::vector<Done> done;
  };
  http::ClientRequest request_of(const Query& query) const;
  Result<std::vector<Series>> read(Result<http::ClientResponse> response) const;
  std::string title() const;
  void send_waiting();
  void answer(const std::string& key, const Result<std::vector<Series>>& answer);

  const SourceSpec spec_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Question> questions_;  ///< by what is asked, until it is answered
  std::deque<std::string> waiting_;
  std::size_t in_flight_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t failed_ = 0;
  bool stopping_ = false;
  http::AsyncClient client_;  // last: its thread calls back until it is gone
};

}  // namespace gpuscale::datasource

// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a write by line protocol that waits for its points to be on disk, and its answer.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/influx.h"
#include "api/parted_write.h"
#include "metrics/line_protocol.h"

namespace gpuscale::api {

/// store() it part after part, then close() it, all on one thread; what the store says of the parts may come
/// from any. The answer goes to the responder once all is said.
class WriteInFlight final : public http::LateAnswer, public std::enable_shared_from_this<WriteInFlight> {
 public:
  WriteInFlight(Services& services, std::string database, ErrorForm form,
                std::shared_ptr<http::Responder> responder)
      : services_(services), database_(std::move(database)), form_(form), responder_(std::move(responder)) {}

  /// Hands points to the store, one at least. @return false where a part has failed: then no further one is
  /// worth it.
  bool store(std::string_view policy, std::span<const metrics::PointView> points);
  /// No further part comes. @param errors of lines that could not be read
  void close(std::vector<std::string> errors);

  http::Response make() override;

 private:
  void respond_if_whole(PartedWrite::Whole whole);

  Services& services_;
  const std::string database_;
  const ErrorForm form_;
  std::shared_ptr<http::Responder> responder_;
  std::size_t part_ = 0;
  std::int64_t newest_ns_ = std::numeric_limits<std::int64_t>::min();
  std::vector<std::string> errors_;
  PartedWrite parts_;
  PartedWrite::Whole outcome_;
};

}  // namespace gpuscale::api

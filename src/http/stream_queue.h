// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what waits between the writer of a stream and its connection.
#pragma once
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

namespace gpuscale::http {

/// Thread-safe; bounded: a caller that reads too slowly is cut off rather than waited for.
class StreamQueue {
 public:
  static constexpr std::size_t kMaxBytes = 1U << 20U;

  struct Batch {
    std::string data;
    bool last = false;  ///< nothing comes after it
    bool cut_off = false;
  };

  /// False once the stream is closed or finished, also where this piece did not fit and so closed it.
  bool push(std::string piece);
  /// No more is to come. @return false where that was known
  bool finish();
  void close();
  bool closed() const;

  /// What is to be written next; false where nothing is, or the last batch is still being written.
  bool take(Batch& batch);
  /// The batch taken has been written.
  void written();

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> pieces_;
  std::size_t bytes_ = 0;
  bool finished_ = false;
  bool closed_ = false;
  bool writing_ = false;
};

}  // namespace gpuscale::http

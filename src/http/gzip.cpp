// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <algorithm>
#include <array>

#include "http/message.h"

namespace gpuscale::http {
namespace {

/// 15 bits of window, and 16 more ask zlib for gzip's framing (zlib.h, deflateInit2).
constexpr int kGzipWindow = 15 + 16;

/// zlib's streams take pointers to non-const input that they do not write to.
Bytef* input_of(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, kGzipWindow) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  bool ready() const { return ready_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

Result<std::string> gunzip(std::string_view packed, std::size_t limit) {
  Inflater inflater;
  if (!inflater.ready()) return fail(Errc::kExhausted, "gzip: no memory");
  z_stream& stream = inflater.stream();
  stream.next_in = input_of(packed);
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  std::array<char, 32'768> piece{};
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    const int code = inflate(&stream, Z_NO_FLUSH);
    const std::size_t got = piece.size() - stream.avail_out;
    if (out.size() + got > limit) {
      return fail(Errc::kExhausted, "gzip: unpacks to more than " + std::to_string(limit) + " bytes");
    }
    out.append(piece.data(), got);
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0) return out;
      // Several members one after the other are one file (RFC 1952, 2.2).
      if (inflateReset(&stream) != Z_OK) break;
      continue;
    }
    if (code == Z_BUF_ERROR && stream.avail_in == 0)
      return fail(Errc::kInvalidArgument, packed.empty() ? "EOF" : "unexpected EOF");  // Go's words
    if (code != Z_OK) break;
  }
  return fail(Errc::kInvalidArgument, out.empty() ? "gzip: invalid header" : "gzip: invalid data");
}

std::string gzip(std::string_view plain) {
  z_stream stream{};
  // Level 1: agents pay for it each second, and repetitive lines shrink tenfold all the same (measured).
  if (deflateInit2(&stream, 1, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&stream, static_cast<uLong>(plain.size())), '\0');
  stream.next_in = input_of(plain);
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace gpuscale::http

// SPDX-License-Identifier: Apache-2.0
/// HTTP as values: what a handler receives and what it returns. No sockets here.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace gpuscale::http {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };
std::string_view to_string(Method method);

/// Ordered, names compared without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  /// The first value of `name`, or "".
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  void set(std::string_view name, std::string value);  ///< replaces
  void add(std::string_view name, std::string value);
  void remove(std::string_view name);
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }
  void clear() { fields_.clear(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Decoded `a=b&c=d`, in order; repeated keys kept.
class QueryParams {
 public:
  /// '+' is a blank, %XX decoded; a broken escape is kept as it stands.
  static QueryParams parse(std::string_view encoded);
  std::optional<std::string> get(std::string_view key) const;  ///< the first
  std::string get_or(std::string_view key, std::string_view fallback) const;
  void set(std::string_view key, std::string value);
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }
  std::string encode() const;

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

std::string url_decode(std::string_view text);
std::string url_encode(std::string_view text);  ///< everything but RFC 3986 unreserved characters

struct Request {
  Method method = Method::kGet;
  std::string path;  ///< decoded, without the query; "/api/v1/nodes"
  /// As it was sent, for the Router: a name may hold a slash ("a%2Fb"); "" = as `path`.
  std::string raw_path;
  QueryParams query;
  Headers headers;
  std::string body;
  std::map<std::string, std::string, std::less<>> path_params;  ///< filled by the Router
  std::string peer;                                             ///< address of the caller, "127.0.0.1"
  bool secure = false;                                          ///< arrived by TLS

  /// As a new one, that has the room of this one's body and headers.
  void clear();
};

/// The writing end of a streamed answer. Thread-safe.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  /// Queues a piece; false once the caller has gone or is so slow that its queue (1 MiB) is full: then stop.
  virtual bool write(std::string piece) = 0;
  virtual void finish() = 0;  ///< idempotent; also done by destruction
  virtual bool closed() const = 0;
};

struct Response;

/// An answer that is made when it is to be sent.
class LateAnswer {
 public:
  virtual ~LateAnswer() = default;
  virtual Response make() = 0;  ///< called once at most
};

/// The end of an answer that comes later, from whatever thread has it. Thread-safe.
class Responder {
 public:
  virtual ~Responder() = default;  ///< without respond(): the connection is closed without an answer
  /// Sends the whole answer; the first call counts. `stream` and `later` of the answer are not looked at.
  virtual void respond(Response response) = 0;
  /// The same with an answer that is made by the thread that sends it: of hundreds that come at once no one
  /// thread need make all.
  virtual void respond_with(std::shared_ptr<LateAnswer> answer);
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  /// Set for a streamed answer (chunked): called once, on a handler thread, after the head is sent; may keep
  /// the writer and return at once.
  std::function<void(std::shared_ptr<StreamWriter>)> stream;
  /// Set for an answer that comes later, so that hundreds may wait without a thread each: called once, with
  /// the end to keep, by the thread that ran the handler and while the request still lives; all other members
  /// are not looked at.
  std::function<void(std::shared_ptr<Responder>)> later;

  static Response json(int status, std::string body);  ///< Content-Type: application/json
  static Response text(int status, std::string body);  ///< text/plain; charset=utf-8
};

inline void Responder::respond_with(std::shared_ptr<LateAnswer> answer) {
  respond(answer->make());
}

using Handler = std::function<Response(const Request&)>;
/// The handler of a whole server, which may change the request (a Router fills in its path_params).
using RequestHandler = std::function<Response(Request&)>;

/// Errors: kInvalidArgument "gzip: invalid header" (or the like); kExhausted where more than `limit` bytes
/// come out.
Result<std::string> gunzip(std::string_view packed, std::size_t limit);
std::string gzip(std::string_view plain);

}  // namespace gpuscale::http

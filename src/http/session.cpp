// SPDX-License-Identifier: Apache-2.0
#include "http/session.h"

#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <ctime>
#include <deque>
#include <type_traits>
#include <utility>

namespace gpuscale::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using PlainStream = beast::basic_stream<tcp, SessionExecutor>;
using TlsStream = beast::ssl_stream<PlainStream>;

constexpr std::size_t kReadAhead = 16U << 10U;
constexpr std::size_t kGzipFrom = 1'024;
constexpr std::size_t kMaxStreamQueue = 1U << 20U;

Method method_of(bhttp::verb verb) {
  switch (verb) {
    case bhttp::verb::get:
      return Method::kGet;
    case bhttp::verb::head:
      return Method::kHead;
    case bhttp::verb::post:
      return Method::kPost;
    case bhttp::verb::put:
      return Method::kPut;
    case bhttp::verb::patch:
      return Method::kPatch;
    case bhttp::verb::delete_:
      return Method::kDelete;
    case bhttp::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

/// IMF-fixdate (RFC 9110, 5.6.7).
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

bool accepts_gzip(std::string_view header) {
  const std::size_t at = header.find("gzip");
  if (at == std::string_view::npos) return false;
  const std::string_view rest = header.substr(at + 4);
  return !rest.starts_with(";q=0") || rest.starts_with(";q=0.");
}

bool may_have_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

/// Up to where Content-Length or Transfer-Encoding follow. A line break in a value would begin another
/// header, so a value ends there.
std::string head_text(const Response& response, unsigned version, bool keep_alive) {
  std::string out = version >= 11 ? "HTTP/1.1 " : "HTTP/1.0 ";
  const auto status = static_cast<bhttp::status>(response.status);
  out += std::to_string(response.status) + " " + std::string(bhttp::obsolete_reason(status)) + "\r\n";
  for (const auto& [name, value] : response.headers.fields()) {
    out += name + ": " + value.substr(0, value.find_first_of("\r\n")) + "\r\n";
  }
  if (!response.headers.has("Date")) out += "Date: " + http_date() + "\r\n";
  if (!keep_alive) {
    out += "Connection: close\r\n";
  } else if (version < 11) {
    out += "Connection: keep-alive\r\n";
  }
  return out;
}

Response refusal(int status, const char* why) {
  return Response::json(status, std::string("{\"error\":\"") + why + "\"}\n");
}

template <typename Stream>
class StreamSession;

/// The end of a late answer. Holds the session only weakly: a caller that has gone is no reason to keep it.
template <typename Stream>
class LateResponder final : public Responder {
 public:
  explicit LateResponder(std::weak_ptr<StreamSession<Stream>> session) : session_(std::move(session)) {}
  ~LateResponder() override {
    if (responded_.exchange(true)) return;
    if (const auto session = session_.lock()) session->give_up();
  }
  void respond(Response response) override {
    if (responded_.exchange(true)) return;
    response.stream = nullptr;
    response.later = nullptr;
    if (const auto session = session_.lock()) session->answer(std::move(response));
  }

 private:
  const std::weak_ptr<StreamSession<Stream>> session_;
  std::atomic<bool> responded_{false};
};

/// What writer and session share of a stream.
struct StreamState {
  std::mutex mutex;
  std::deque<std::string> pieces;
  std::size_t bytes = 0;
  bool finished = false;
  bool closed = false;
  bool writing = false;
};

template <typename Stream>
class ChunkWriter final : public StreamWriter {
 public:
  ChunkWriter(std::weak_ptr<StreamSession<Stream>> session, std::shared_ptr<StreamState> state)
      : session_(std::move(session)), state_(std::move(state)) {}
  ~ChunkWriter() override { end(); }

  bool write(std::string piece) override {
    {
      const std::scoped_lock lock(state_->mutex);
      if (state_->closed || state_->finished) return false;
      if (piece.empty()) return true;  // an empty chunk would end the answer
      if (state_->bytes + piece.size() > kMaxStreamQueue) {
        state_->closed = true;
      } else {
        state_->bytes += piece.size();
        state_->pieces.push_back(std::move(piece));
      }
    }
    if (const auto session = session_.lock()) session->pump_stream();
    return !closed();
  }
  void finish() override { end(); }
  bool closed() const override {
    const std::scoped_lock lock(state_->mutex);
    return state_->closed || session_.expired();
  }

 private:
  void end() {
    {
      const std::scoped_lock lock(state_->mutex);
      if (state_->finished) return;
      state_->finished = true;
    }
    if (const auto session = session_.lock()) session->pump_stream();
  }

  const std::weak_ptr<StreamSession<Stream>> session_;
  const std::shared_ptr<StreamState> state_;
};

template <typename Stream>
class StreamSession final : public Session, public std::enable_shared_from_this<StreamSession<Stream>> {
 public:
  template <typename... Arguments>
  StreamSession(std::shared_ptr<SessionHost> host, Arguments&&... arguments)
      : host_(std::move(host)), stream_(std::forward<Arguments>(arguments)...) {
    error_code ignored;
    const auto peer = lowest().socket().remote_endpoint(ignored);
    if (!ignored) peer_ = peer.address().to_string();
    lowest().socket().set_option(tcp::no_delay(true), ignored);
  }
  ~StreamSession() override {
    close_stream();
    host_->leave(this);
  }

  void start() override {
    on_strand([](StreamSession& self) { self.begin_connection(); });
  }
  void finish() override {
    on_strand([](StreamSession& self) {
      // A stream has no end of its own.
      if (!self.answering_ || self.streaming_) self.hang_up();
    });
  }
  void close() override {
    on_strand([](StreamSession& self) { self.hang_up(); });
  }

  /// From any thread.
  void answer(Response response) {
    auto shared = std::make_shared<Response>(std::move(response));
    on_strand([shared](StreamSession& self) { self.write_answer(std::move(*shared)); });
  }
  void give_up() {
    on_strand([](StreamSession& self) { self.hang_up(); });
  }
  void pump_stream() {
    on_strand([](StreamSession& self) { self.write_next_piece(); });
  }

 private:
  static constexpr bool kTls = !std::is_same_v<Stream, PlainStream>;

  /// What follows an operation. One type for all of them, since Beast makes each of its operations anew for
  /// every type of handler, at seconds of compile time apiece.
  using Next = void (StreamSession::*)(error_code, std::size_t);
  struct Then {
    std::shared_ptr<StreamSession> self;
    Next next;
    void operator()(error_code error, std::size_t bytes = 0) const { (self.get()->*next)(error, bytes); }
  };
  Then then(Next next) { return {this->shared_from_this(), next}; }

  void on_strand(std::function<void(StreamSession&)> work) {
    asio::dispatch(stream_.get_executor(),
                   [self = this->shared_from_this(), work = std::move(work)] { work(*self); });
  }
  PlainStream& lowest() { return beast::get_lowest_layer(stream_); }
  void expires(std::chrono::seconds after) { lowest().expires_after(after); }

  void begin_connection() {
    if constexpr (kTls) {
      expires(host_->options.read_timeout);
      stream_.async_handshake(asio::ssl::stream_base::server, then(&StreamSession::on_handshake));
    } else {
      await_request();
    }
  }
  void on_handshake(error_code error, std::size_t) {
    if (!error) await_request();
  }

  // --- reading
  // ---------------------------------------------------------------------------------------------------

  void await_request() {
    if (buffer_.size() > 0) return read_head();
    expires(host_->options.idle_timeout);
    stream_.async_read_some(buffer_.prepare(kReadAhead), then(&StreamSession::on_first_bytes));
  }
  void on_first_bytes(error_code error, std::size_t bytes) {
    if (error) return;
    buffer_.commit(bytes);
    read_head();
  }

  void read_head() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(host_->options.max_header_bytes));
    parser_->body_limit(host_->options.max_body_bytes);
    expires(host_->options.read_timeout);
    bhttp::async_read_header(stream_, buffer_, *parser_, then(&StreamSession::on_head));
  }
  void on_head(error_code error, std::size_t) {
    if (error) return on_bad_request(error);
    if (!beast::iequals(parser_->get()[bhttp::field::expect], "100-continue")) return read_body();
    head_ = "HTTP/1.1 100 Continue\r\n\r\n";
    answer_body_.clear();
    write_out(then(&StreamSession::on_continued));
  }
  void on_continued(error_code error, std::size_t) {
    if (!error) read_body();
  }
  void read_body() { bhttp::async_read(stream_, buffer_, *parser_, then(&StreamSession::on_body)); }
  void on_body(error_code error, std::size_t) {
    if (error) return on_bad_request(error);
    on_request();
  }

  void on_bad_request(error_code error) {
    if (error == bhttp::error::end_of_stream) return hang_up();
    Response response;
    if (error == bhttp::error::body_limit) {
      response = refusal(413, "Request Entity Too Large");
    } else if (error == bhttp::error::header_limit) {
      response = refusal(431, "Request Header Fields Too Large");
    } else if (error == beast::error::timeout) {
      return hang_up();  // the stream is closed by its timer
    } else if (error.category() == bhttp::make_error_code(bhttp::error::bad_method).category()) {
      response = Response::json(400, "{\"error\":\"malformed HTTP request: " + error.message() + "\"}\n");
    } else {
      return hang_up();
    }
    ++host_->refused;
    keep_alive_ = false;
    linger_ = true;
    version_ = 11;
    head_only_ = false;
    gzip_accepted_ = false;
    begin();
    write_answer(std::move(response));
  }

  void begin() {
    if (std::exchange(answering_, true)) return;
    host_->begin_request(this->shared_from_this());
  }
  void end() {
    if (std::exchange(answering_, false)) host_->end_request(this);
  }

  void on_request() {
    auto message = parser_->release();
    version_ = message.version();
    keep_alive_ = message.keep_alive();
    head_only_ = message.method() == bhttp::verb::head;
    gzip_accepted_ = host_->options.gzip_answers && accepts_gzip(message[bhttp::field::accept_encoding]);
    // While a handler works there is nothing to wait for on the socket.
    lowest().expires_never();
    begin();
    auto request = std::make_shared<Request>(request_of(message));
    const bool queued = host_->pool.post([weak = this->weak_from_this(), request] {
      if (const auto self = weak.lock()) self->handle(*request);
    });
    if (queued) return;
    ++host_->refused;
    Response busy = refusal(503, "the server is busy; try again");
    busy.headers.set("Retry-After", "1");
    write_answer(std::move(busy));
  }

  Request request_of(bhttp::request<bhttp::string_body>& message) const {
    Request request;
    request.method = method_of(message.method());
    std::string_view target(message.target().data(), message.target().size());
    // The absolute form, which proxies and some clients send (RFC 9112, 3.2.2).
    if (target.starts_with("http://") || target.starts_with("https://")) {
      const std::size_t slash = target.find('/', target.find("://") + 3);
      target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
    target = target.substr(0, target.find('#'));
    const std::size_t mark = target.find('?');
    request.path = url_decode(target.substr(0, mark));
    if (mark != std::string_view::npos) request.query = QueryParams::parse(target.substr(mark + 1));
    for (const auto& field : message) {
      request.headers.add({field.name_string().data(), field.name_string().size()},
                          std::string(field.value()));
    }
    request.body = std::move(message.body());
    request.peer = peer_;
    request.secure = kTls;
    return request;
  }

  // --- handling, on a thread of the pool
  // -------------------------------------------------------------------------

  void handle(const Request& request) {
    Response response;
    try {
      response = host_->handler(request);
      if (response.later)
        return response.later(std::make_shared<LateResponder<Stream>>(this->weak_from_this()));
    } catch (const std::exception& thrown) {
      host_->log.error("handler.threw", {{"path", request.path}, {"error", thrown.what()}});
      response = refusal(500, "internal error");
    } catch (...) {
      host_->log.error("handler.threw", {{"path", request.path}});
      response = refusal(500, "internal error");
    }
    answer(std::move(response));
  }

  // --- writing
  // ---------------------------------------------------------------------------------------------------

  void write_out(Then next) {
    const std::array<asio::const_buffer, 2> parts = {asio::buffer(head_), asio::buffer(answer_body_)};
    asio::async_write(stream_, parts, std::move(next));
  }

  void write_answer(Response response) {
    if (!answering_ || closed_) return;
    if (host_->stopping()) keep_alive_ = false;
    if (response.stream) return write_stream_head(std::move(response));
    const bool body_allowed = may_have_body(response.status);
    if (!body_allowed) response.body.clear();
    if (gzip_accepted_ && response.body.size() >= kGzipFrom && !response.headers.has("Content-Encoding")) {
      response.body = gzip(response.body);
      response.headers.set("Content-Encoding", "gzip");
      response.headers.add("Vary", "Accept-Encoding");
    }
    head_ = head_text(response, version_, keep_alive_);
    if (body_allowed) head_ += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    head_ += "\r\n";
    answer_body_ = head_only_ ? std::string() : std::move(response.body);
    expires(host_->options.idle_timeout);
    write_out(then(&StreamSession::on_answered));
  }

  void on_answered(error_code error, std::size_t) {
    answer_body_ = std::string();
    end();
    if (error) return hang_up();
    if (keep_alive_ && !host_->stopping()) return await_request();
    if (linger_) return linger();
    hang_up();
  }

  /// A caller that still sends would be reset before it has read the refusal: what it sends is read and
  /// thrown away, but for a while only.
  void linger() {
    error_code ignored;
    lowest().socket().shutdown(tcp::socket::shutdown_send, ignored);
    expires(std::chrono::seconds{2});
    drain({}, 0);
  }
  void drain(error_code error, std::size_t) {
    if (error) return hang_up();
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kReadAhead), then(&StreamSession::drain));
  }

  // --- streams
  // ---------------------------------------------------------------------------------------------------

  void write_stream_head(Response response) {
    streaming_ = std::make_shared<StreamState>();
    open_stream_ = std::move(response.stream);
    // HTTP/1.0 knows no chunks: the end of the connection is the end of the answer.
    if (version_ < 11) keep_alive_ = false;
    head_ = head_text(response, version_, keep_alive_);
    if (version_ >= 11) head_ += "Transfer-Encoding: chunked\r\n";
    head_ += "\r\n";
    answer_body_.clear();
    expires(host_->options.idle_timeout);
    write_out(then(&StreamSession::on_stream_head));
  }

  void on_stream_head(error_code error, std::size_t) {
    if (error || head_only_) return hang_up();
    lowest().expires_never();
    auto writer = std::make_shared<ChunkWriter<Stream>>(this->weak_from_this(), streaming_);
    const bool queued = host_->pool.post(
        [open = std::move(open_stream_), writer = std::move(writer)]() mutable { open(std::move(writer)); });
    if (!queued) return hang_up();
    watch_for_end({}, 0);
  }

  /// A caller of a stream sends nothing more; what can be read is its end.
  void watch_for_end(error_code error, std::size_t) {
    if (error) return hang_up();
    if (streaming_) stream_.async_read_some(asio::buffer(scratch_), then(&StreamSession::watch_for_end));
  }

  void write_next_piece() {
    if (!streaming_ || closed_) return;
    std::string data;
    {
      const std::scoped_lock lock(streaming_->mutex);
      if (streaming_->writing) return;
      last_piece_ = streaming_->closed || (streaming_->pieces.empty() && streaming_->finished);
      if (!last_piece_ && streaming_->pieces.empty()) return;
      for (const std::string& piece : streaming_->pieces) data += piece;
      streaming_->pieces.clear();
      streaming_->bytes = 0;
      streaming_->writing = true;
      if (streaming_->closed) data.clear();  // the caller was too slow, and is cut off
    }
    if (last_piece_ && (version_ < 11 || data_was_lost())) return hang_up();
    head_.clear();
    if (version_ >= 11) {
      std::array<char, 20> size{};
      const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
      head_.assign(size.data(), end);
      head_ += "\r\n";
      data += "\r\n";
    }
    answer_body_ = std::move(data);
    expires(host_->options.idle_timeout);
    write_out(then(&StreamSession::on_piece));
  }
  bool data_was_lost() const {
    const std::scoped_lock lock(streaming_->mutex);
    return streaming_->closed;
  }
  void on_piece(error_code error, std::size_t) {
    if (streaming_) {
      const std::scoped_lock lock(streaming_->mutex);
      streaming_->writing = false;
    }
    if (error || last_piece_) return hang_up();
    lowest().expires_never();
    write_next_piece();
  }

  // --- the end
  // ---------------------------------------------------------------------------------------------------

  void close_stream() {
    if (!streaming_) return;
    const std::scoped_lock lock(streaming_->mutex);
    streaming_->closed = true;
  }

  void hang_up() {
    if (std::exchange(closed_, true)) return;
    close_stream();
    end();
    error_code ignored;
    lowest().socket().shutdown(tcp::socket::shutdown_both, ignored);
    lowest().close();
  }

  const std::shared_ptr<SessionHost> host_;
  Stream stream_;
  std::string peer_;
  beast::flat_buffer buffer_;
  std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
  std::string head_;         ///< being written, with
  std::string answer_body_;  ///< after it
  std::shared_ptr<StreamState> streaming_;
  std::function<void(std::shared_ptr<StreamWriter>)> open_stream_;
  std::array<char, 256> scratch_{};
  bool last_piece_ = false;
  unsigned version_ = 11;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool gzip_accepted_ = false;
  bool answering_ = false;
  bool linger_ = false;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<Session> make_session(SessionSocket socket, std::shared_ptr<SessionHost> host) {
  return std::make_shared<StreamSession<PlainStream>>(std::move(host), std::move(socket));
}

std::shared_ptr<Session> make_tls_session(SessionSocket socket, asio::ssl::context& tls,
                                          std::shared_ptr<SessionHost> host) {
  return std::make_shared<StreamSession<TlsStream>>(std::move(host), std::move(socket), tls);
}

}  // namespace gpuscale::http

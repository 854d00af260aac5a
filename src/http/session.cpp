// SPDX-License-Identifier: Apache-2.0
#include "http/session.h"

#include <algorithm>
#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <type_traits>
#include <utility>

#include "base/ascii.h"
#include "http/answer_text.h"
#include "http/request_reader.h"
#include "http/stream_queue.h"

namespace gpuscale::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using PlainStream = SessionSocket;
using TlsStream = beast::ssl_stream<PlainStream>;

constexpr std::size_t kReadAhead = 16U << 10U;
constexpr std::size_t kMostReadAhead = 64U << 10U;  ///< of a body that is as long
constexpr std::size_t kGzipFrom = 1'024;
constexpr std::size_t kMostSpareBody = 64U << 10U;  ///< of a request whose memory is kept

/// Inside a catch block.
std::string what_was_thrown() {
  try {
    throw;
  } catch (const std::exception& thrown) {
    return thrown.what();
  } catch (...) {
    return "what is no std::exception";
  }
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
    if (auto session = session_.lock()) session->on_io(&Session::close);
  }
  void respond(Response response) override {
    if (responded_.exchange(true)) return;
    response.stream = nullptr;
    response.later = nullptr;
    if (auto session = session_.lock()) session->on_io(std::move(response));
  }
  void respond_with(std::shared_ptr<LateAnswer> answer) override {
    if (responded_.exchange(true)) return;
    if (auto session = session_.lock()) return session->on_io(std::move(answer));
    try {
      answer->make();  // for those who count answers
    } catch (...) {
      return;  // nobody is there to be told
    }
  }

 private:
  const std::weak_ptr<StreamSession<Stream>> session_;
  std::atomic<bool> responded_{false};
};

template <typename Stream>
class ChunkWriter final : public StreamWriter {
 public:
  ChunkWriter(std::weak_ptr<StreamSession<Stream>> session, std::shared_ptr<StreamQueue> queue)
      : session_(std::move(session)), queue_(std::move(queue)) {}
  ~ChunkWriter() override { end(); }

  bool write(std::string piece) override {
    const bool taken = queue_->push(std::move(piece));
    // Also where it was not: a caller that is too slow has to be hung up on.
    if (auto session = session_.lock()) session->on_io(&Session::pump_stream);
    return taken && !closed();
  }
  void finish() override { end(); }
  bool closed() const override { return queue_->closed() || session_.expired(); }

 private:
  void end() {
    if (!queue_->finish()) return;
    if (auto session = session_.lock()) session->on_io(&Session::pump_stream);
  }

  const std::weak_ptr<StreamSession<Stream>> session_;
  const std::shared_ptr<StreamQueue> queue_;
};

template <typename Stream>
class StreamSession final : public Session, public std::enable_shared_from_this<StreamSession<Stream>> {
 public:
  template <typename... Arguments>
  StreamSession(IoThread& io, std::shared_ptr<SessionHost> host, Arguments&&... arguments)
      : io_(io), host_(std::move(host)), stream_(std::forward<Arguments>(arguments)...) {
    ++io_.sessions;
    error_code ignored;
    const auto peer = socket().remote_endpoint(ignored);
    if (!ignored) peer_ = peer.address().to_string();
    socket().set_option(tcp::no_delay(true), ignored);
    socket().non_blocking(true, ignored);
  }
  ~StreamSession() override {
    close_stream();
    --io_.sessions;
    host_->leave(this);
  }

  void start() override {
    if (closed_) return;
    if constexpr (kTls) {
      expires_after(host_->options.read_timeout);
      stream_.async_handshake(asio::ssl::stream_base::server, then(&StreamSession::on_handshake));
    } else {
      await_request();
    }
  }
  void finish() override {
    // A stream has no end of its own.
    if (!answering_ || streaming_) hang_up();
  }
  void close() override { hang_up(); }
  void pump_stream() override { write_next_piece(); }
  void let_go() override { kept_alive_.reset(); }

  void on_io(IoThread::Work what) override { io_.have_done(this->shared_from_this(), std::move(what)); }

 private:
  static constexpr bool kTls = !std::is_same_v<Stream, PlainStream>;

  /// What follows an operation. One type for all of them, since each operation is made anew for every type of
  /// handler, at seconds of compile time apiece.
  using Next = void (StreamSession::*)(error_code, std::size_t);
  struct Then {
    std::shared_ptr<StreamSession> self;
    Next next;
    void operator()(error_code error, std::size_t bytes = 0) const { (self.get()->*next)(error, bytes); }
  };
  Then then(Next next) { return {this->shared_from_this(), next}; }

  SessionSocket& socket() { return beast::get_lowest_layer(stream_); }

  void on_handshake(error_code error, std::size_t) {
    if (!error && !closed_) await_request();
  }

  // --- reading

  void await_request() {
    reader_.emplace();
    reader_->header_limit(static_cast<std::uint32_t>(host_->options.max_header_bytes));
    reader_->body_limit(host_->options.max_body_bytes);
    if (buffer_.size() > 0) {
      expires_after(host_->options.read_timeout);
      return read_on();
    }
    expires_after(host_->options.idle_timeout);
    read_more();
  }

  void read_more() {
    std::uint64_t missing = 0;
    if (reader_->is_header_done()) missing = reader_->content_length_remaining().value_or(0);
    const auto size =
        static_cast<std::size_t>(std::clamp<std::uint64_t>(missing, kReadAhead, kMostReadAhead));
    stream_.async_read_some(buffer_.prepare(size), then(&StreamSession::on_bytes));
  }
  void on_bytes(error_code error, std::size_t bytes) {
    // What was read before we hung up is no request any more.
    if (closed_) return;
    const bool begun = reader_->got_some();
    if (error == asio::error::eof && begun) error = bhttp::error::partial_message;
    if (error) return on_bad_request(error);
    buffer_.commit(bytes);
    if (!begun) {
      expires_after(host_->options.read_timeout);
      reader_->reuse(std::exchange(io_.spare, {}));
    }
    read_on();
  }

  void read_on() {
    while (!reader_->is_done()) {
      if (buffer_.size() == 0) return read_more();
      error_code error;
      buffer_.consume(reader_->put(buffer_.data(), error));
      if (error == bhttp::error::need_more) return read_more();
      if (error) return on_bad_request(error);
      if (!reader_->eager() && reader_->is_header_done()) {
        reader_->eager(true);
        if (base::equal_ignoring_case(reader_->head().headers.get("Expect"), "100-continue"))
          return encourage();
      }
    }
    on_request();
  }
  void encourage() {
    head_ = "HTTP/1.1 100 Continue\r\n\r\n";
    answer_body_.clear();
    write_out(then(&StreamSession::on_encouraged));
  }
  void on_encouraged(error_code error, std::size_t) {
    if (error || closed_) return hang_up();
    read_on();
  }

  void on_bad_request(error_code error) {
    Response response;
    if (error == bhttp::error::body_limit) {
      response = refusal(413, "Request Entity Too Large");
    } else if (error == bhttp::error::header_limit) {
      response = refusal(431, "Request Header Fields Too Large");
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
    host_->begin_request();
    kept_alive_ = this->shared_from_this();
  }
  /// Who calls holds the session.
  void end() {
    if (!std::exchange(answering_, false)) return;
    host_->end_request();
    kept_alive_.reset();
  }

  void on_request() {
    // While a handler works there is nothing to wait for on the socket.
    expires_never();
    version_ = reader_->version();
    keep_alive_ = reader_->keep_alive();
    Request request = reader_->take();
    request.peer = peer_;
    request.secure = kTls;
    head_only_ = request.method == Method::kHead;
    gzip_accepted_ = host_->options.gzip_answers && accepts_gzip(request.headers.get("Accept-Encoding"));
    begin();
    if (host_->options.at_once && host_->options.at_once(request)) {
      handle(request);
      return keep_spare(request);
    }
    const bool queued = host_->pool.post(
        [weak = this->weak_from_this(), kept = std::make_shared<Request>(std::move(request))] {
          if (const auto self = weak.lock()) self->handle(*kept);
        });
    if (queued) return;
    ++host_->refused;
    Response busy = refusal(503, "the server is busy; try again");
    busy.headers.set("Retry-After", "1");
    on_io(std::move(busy));
  }

  /// Requests come by the ten thousand: each would ask for the room of its body and its lists anew.
  void keep_spare(Request& request) {
    if (request.body.capacity() > kMostSpareBody) return;
    request.clear();
    io_.spare = std::move(request);
  }

  // --- handling, on a thread of the pool or at once

  void handle(Request& request) {
    Response response;
    try {
      response = host_->handler(request);
      if (response.later)
        return response.later(std::make_shared<LateResponder<Stream>>(this->weak_from_this()));
    } catch (...) {
      host_->log.error("handler.threw", {{"path", request.path}, {"error", what_was_thrown()}});
      response = refusal(500, "internal error");
    }
    on_io(std::move(response));
  }

  // --- writing

  using Parts = std::array<asio::const_buffer, 2>;
  Parts unwritten() const { return {asio::buffer(head_), asio::buffer(answer_body_)}; }

  void write_out(Then next) { asio::async_write(stream_, unwritten(), std::move(next)); }

  /// As write_out(), without a round through the I/O thread's queue where the socket takes it all at once.
  void write_out_now(Next next) {
    Parts parts = unwritten();
    if constexpr (!kTls) {
      error_code error;
      // One piece, as most answers to a write are, is cheaper to hand over than a list of one.
      std::size_t sent = answer_body_.empty() ? stream_.write_some(asio::buffer(head_), error)
                                              : stream_.write_some(parts, error);
      if (error && error != asio::error::would_block) return (this->*next)(error, 0);
      for (asio::const_buffer& part : parts) {
        const std::size_t gone = std::min(sent, part.size());
        part += gone;
        sent -= gone;
      }
      if (asio::buffer_size(parts) == 0) return (this->*next)(error_code(), 0);
    }
    asio::async_write(stream_, parts, then(next));
  }

  void write_late_answer(LateAnswer& answer) override {
    Response response;
    try {
      response = answer.make();
    } catch (...) {
      host_->log.error("handler.threw", {{"error", what_was_thrown()}});
      response = refusal(500, "internal error");
    }
    response.stream = nullptr;
    write_answer(std::move(response));
  }

  void write_answer(Response response) override {
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
    put_head(head_, response, version_, keep_alive_, io_.date.now());
    if (body_allowed) head_ += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    head_ += "\r\n";
    answer_body_ = head_only_ ? std::string() : std::move(response.body);
    expires_after(host_->options.idle_timeout);
    write_out_now(&StreamSession::on_answered);
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
    socket().shutdown(tcp::socket::shutdown_send, ignored);
    expires_after(std::chrono::seconds{2});
    drain({}, 0);
  }
  void drain(error_code error, std::size_t) {
    if (error) return hang_up();
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kReadAhead), then(&StreamSession::drain));
  }

  // --- streams

  void write_stream_head(Response response) {
    streaming_ = std::make_shared<StreamQueue>();
    open_stream_ = std::move(response.stream);
    // HTTP/1.0 knows no chunks: the end of the connection is the end of the answer.
    if (version_ < 11) keep_alive_ = false;
    put_head(head_, response, version_, keep_alive_, io_.date.now());
    if (version_ >= 11) head_ += "Transfer-Encoding: chunked\r\n";
    head_ += "\r\n";
    answer_body_.clear();
    expires_after(host_->options.idle_timeout);
    write_out(then(&StreamSession::on_stream_head));
  }

  void on_stream_head(error_code error, std::size_t) {
    if (error || head_only_) return hang_up();
    expires_never();
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
    StreamQueue::Batch batch;
    if (!streaming_->take(batch)) return;
    last_piece_ = batch.last;
    if (batch.last && (version_ < 11 || batch.cut_off)) return hang_up();
    head_.clear();
    if (version_ >= 11) {
      std::array<char, 20> size{};
      const auto end = std::to_chars(size.data(), size.data() + size.size(), batch.data.size(), 16).ptr;
      head_.assign(size.data(), end);
      head_ += "\r\n";
      batch.data += "\r\n";
    }
    answer_body_ = std::move(batch.data);
    expires_after(host_->options.idle_timeout);
    write_out(then(&StreamSession::on_piece));
  }
  void on_piece(error_code error, std::size_t) {
    if (streaming_) streaming_->written();
    if (error || last_piece_) return hang_up();
    expires_never();
    write_next_piece();
  }

  // --- the end

  void close_stream() {
    if (streaming_) streaming_->close();
  }

  void hang_up() {
    if (std::exchange(closed_, true)) return;
    close_stream();
    end();
    error_code ignored;
    socket().shutdown(tcp::socket::shutdown_both, ignored);
    socket().close(ignored);
  }

  IoThread& io_;
  const std::shared_ptr<SessionHost> host_;  ///< who has it
  /// Itself, while a request is being answered: nothing else may hold it, while a handler or a late answer
  /// has no operation under way on the socket.
  std::shared_ptr<StreamSession> kept_alive_;
  Stream stream_;
  std::string peer_;
  beast::flat_buffer buffer_;
  std::optional<RequestReader> reader_;
  std::string head_;         ///< being written, with
  std::string answer_body_;  ///< after it
  std::shared_ptr<StreamQueue> streaming_;
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

std::shared_ptr<Session> make_session(SessionSocket socket, IoThread& io, std::shared_ptr<SessionHost> host) {
  return std::make_shared<StreamSession<PlainStream>>(io, std::move(host), std::move(socket));
}

std::shared_ptr<Session> make_tls_session(SessionSocket socket, asio::ssl::context& tls, IoThread& io,
                                          std::shared_ptr<SessionHost> host) {
  return std::make_shared<StreamSession<TlsStream>>(io, std::move(host), std::move(socket), tls);
}

}  // namespace gpuscale::http

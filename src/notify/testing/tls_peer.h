// SPDX-License-Identifier: Apache-2.0
/// A receiver that speaks real TLS (OpenSSL's), for tests: certificates made on the spot, a web server that
/// may ask for the caller's certificate, and a mail server with SMTPS or STARTTLS. One connection at a time.
#pragma once
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gpuscale::notify::testing {

/// An authority with a certificate for 127.0.0.1 and one for a client, as PEM files in a folder that goes
/// with it.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name) {
    char pattern[] = "/tmp/gpuscale-tls-XXXXXX";
    if (::mkdtemp(pattern) == nullptr) std::abort();
    folder_ = pattern;
    key_ = new_key();
    certificate_ = issue(name, *key_, nullptr);
    write_certificate("ca.pem", *certificate_);
    write_pair("server");
    write_pair("client");
  }
  ~TestAuthority() { std::filesystem::remove_all(folder_); }
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  /// "ca.pem", "server.pem", "server.key", "client.pem", "client.key".
  std::string file(const std::string& name) const { return folder_ + "/" + name; }

 private:
  using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;

  static KeyPtr new_key() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

  CertificatePtr issue(const std::string& name, EVP_PKEY& key, X509* issuer) const {
    constexpr long kDay = 24L * 60 * 60;
    CertificatePtr out(X509_new(), &X509_free);
    X509_set_version(out.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(out.get()), issuer == nullptr ? 1 : next_serial_++);
    X509_gmtime_adj(X509_getm_notBefore(out.get()), -kDay);
    X509_gmtime_adj(X509_getm_notAfter(out.get()), kDay);
    X509_set_pubkey(out.get(), &key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(out.get(), X509_get_subject_name(issuer == nullptr ? out.get() : issuer));
    extend(*out, issuer, NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
    extend(*out, issuer, NID_subject_alt_name, "IP:127.0.0.1");
    X509_sign(out.get(), key_.get(), EVP_sha256());
    return out;
  }
  static void extend(X509& certificate, X509* issuer, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer == nullptr ? &certificate : issuer, &certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    X509_add_ext(&certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  void write_certificate(const std::string& name, X509& certificate) const {
    BIO* out = BIO_new_file(file(name).c_str(), "w");
    PEM_write_bio_X509(out, &certificate);
    BIO_free(out);
  }
  void write_pair(const std::string& name) const {
    const KeyPtr key = new_key();
    write_certificate(name + ".pem", *issue(name, *key, certificate_.get()));
    BIO* out = BIO_new_file(file(name + ".key").c_str(), "w");
    PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    BIO_free(out);
  }

  std::string folder_;
  mutable long next_serial_ = 2;
  KeyPtr key_{nullptr, &EVP_PKEY_free};
  CertificatePtr certificate_{nullptr, &X509_free};
};

class TlsPeer {
 public:
  enum class Speaks { kHttps, kSmtps, kSmtpStartTls, kSmtpPlain };

  /// `callers`: whose certificates are asked for and taken; null = nobody is asked.
  TlsPeer(Speaks speaks, const TestAuthority& own, const TestAuthority* callers = nullptr) : speaks_(speaks) {
    context_ = SSL_CTX_new(TLS_server_method());
    const bool loaded =
        SSL_CTX_use_certificate_file(context_, own.file("server.pem").c_str(), SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_use_PrivateKey_file(context_, own.file("server.key").c_str(), SSL_FILETYPE_PEM) == 1;
    if (!loaded) std::abort();
    if (callers != nullptr) {
      if (SSL_CTX_load_verify_locations(context_, callers->file("ca.pem").c_str(), nullptr) != 1)
        std::abort();
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, raw, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsPeer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    SSL_CTX_free(context_);
  }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  /// What came, connection by connection: requests, or the lines of a mail dialogue; "TLS" and the caller's
  /// name where a handshake went well.
  std::vector<std::string> seen() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
  }

 private:
  struct Line {
    int socket = -1;
    SSL* ssl = nullptr;
    long read(char* to, int most) const {
      return ssl == nullptr ? ::recv(socket, to, static_cast<std::size_t>(most), 0) : SSL_read(ssl, to, most);
    }
    void write(const std::string& text) const {
      if (ssl == nullptr) {
        (void)::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
      } else {
        (void)SSL_write(ssl, text.data(), static_cast<int>(text.size()));
      }
    }
    /// Up to and with `end`; "" = the caller has gone.
    std::string read_until(const std::string& end) const {
      std::string out;
      char c = 0;
      while (!out.ends_with(end)) {
        if (read(&c, 1) != 1) return "";
        out += c;
      }
      return out;
    }
  };

  void note(std::string what) {
    const std::scoped_lock lock(mutex_);
    seen_.push_back(std::move(what));
  }
  bool shake_hands(Line& line) {
    line.ssl = SSL_new(context_);
    SSL_set_fd(line.ssl, line.socket);
    if (SSL_accept(line.ssl) != 1) return false;
    char name[64] = "";
    if (X509* const caller = SSL_get1_peer_certificate(line.ssl)) {
      X509_NAME_get_text_by_NID(X509_get_subject_name(caller), NID_commonName, name, sizeof name);
      X509_free(caller);
    }
    note(std::string("TLS ") + name);
    return true;
  }
  void serve() {
    for (int socket = ::accept(listener_, nullptr, nullptr); socket >= 0;
         socket = ::accept(listener_, nullptr, nullptr)) {
      timeval patience{.tv_sec = 5, .tv_usec = 0};
      ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      Line line{socket, nullptr};
      const bool at_once = speaks_ == Speaks::kHttps || speaks_ == Speaks::kSmtps;
      if (!at_once || shake_hands(line)) speaks_ == Speaks::kHttps ? answer_http(line) : answer_mail(line);
      if (line.ssl != nullptr) {
        SSL_shutdown(line.ssl);
        SSL_free(line.ssl);
      }
      ::close(socket);
    }
  }
  void answer_http(const Line& line) {
    const std::string head = line.read_until("\r\n\r\n");
    if (head.empty()) return;
    note(head.substr(0, head.find("\r\n")));
    // What is left unread when the socket closes would take the answer with it.
    const std::size_t length = head.find("Content-Length: ");
    const long size = length == std::string::npos ? 0 : std::atol(head.c_str() + length + 16);
    char byte = 0;
    for (long i = 0; i < size && line.read(&byte, 1) == 1; ++i) {
    }
    line.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  }
  void answer_mail(Line& line) {
    line.write("220 test\r\n");
    for (std::string word = line.read_until("\r\n"); !word.empty(); word = line.read_until("\r\n")) {
      note(word.substr(0, word.size() - 2));
      if (word.starts_with("EHLO")) {
        const bool offers = speaks_ == Speaks::kSmtpStartTls && line.ssl == nullptr;
        line.write(std::string("250-test\r\n") + (offers ? "250-STARTTLS\r\n" : "") + "250 AUTH PLAIN\r\n");
      } else if (word.starts_with("STARTTLS")) {
        line.write("220 go on\r\n");
        if (!shake_hands(line)) return;
      } else if (word.starts_with("AUTH")) {
        // RFC 4954: the password comes with the word, or is asked for.
        if (word == "AUTH PLAIN\r\n") {
          line.write("334 \r\n");
          (void)line.read_until("\r\n");
        }
        line.write("235 welcome\r\n");
      } else if (word.starts_with("DATA")) {
        line.write("354 go on\r\n");
        note(line.read_until("\r\n.\r\n"));
        line.write("250 taken\r\n");
      } else if (word.starts_with("QUIT")) {
        line.write("221 bye\r\n");
        return;
      } else {
        line.write("250 ok\r\n");
      }
    }
  }

  const Speaks speaks_;
  SSL_CTX* context_ = nullptr;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> seen_;
  std::thread thread_;
};

}  // namespace gpuscale::notify::testing

// SPDX-License-Identifier: Apache-2.0
/// The part of Docker's Engine API that the docker provider uses, on a unix socket, with the real engine's
/// statuses and messages. Containers "run" without a process; those that publish a port serve the node's own
/// endpoint (/drain, /undrain, /status). Thread-safe.
#pragma once
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "http/server.h"

namespace gpuscale::pool::testing {

class FakeEngine {
 public:
  struct Box {
    std::string id;
    nlohmann::json creation;
    std::string state = "created";
    bool draining = false;
    std::unique_ptr<http::Server> node;  ///< its published port
  };

  explicit FakeEngine(std::string socket_path) : path_(std::move(socket_path)) {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener_, 16);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeEngine() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    ::unlink(path_.c_str());
  }
  FakeEngine(const FakeEngine&) = delete;
  FakeEngine& operator=(const FakeEngine&) = delete;

  /// The container's main process dies by itself.
  void die(const std::string& node) {
    const std::scoped_lock lock(mutex_);
    for (auto& [name, box] : boxes_) {
      if (box.creation["Labels"]["gpuscale.node"] == node) stop(box);
    }
  }
  /// Containers that ignore SIGTERM.
  void set_stubborn(bool stubborn) {
    const std::scoped_lock lock(mutex_);
    stubborn_ = stubborn;
  }
  /// What /start says from now on; "" = it starts.
  void refuse_start(std::string message) {
    const std::scoped_lock lock(mutex_);
    start_refusal_ = std::move(message);
  }
  std::vector<nlohmann::json> creations() const {
    const std::scoped_lock lock(mutex_);
    return creations_;
  }
  std::size_t boxes() const {
    const std::scoped_lock lock(mutex_);
    return boxes_.size();
  }

 private:
  struct Answer {
    int status = 200;
    std::string body;
  };

  static Answer error(int status, const std::string& message) {
    return {status, nlohmann::json{{"message", message}}.dump()};
  }

  void serve() {
    for (;;) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      answer_one(peer);
      ::close(peer);
    }
  }

  void answer_one(int peer) {
    std::string data;
    std::size_t need = std::string::npos;
    std::array<char, 4'096> buffer;
    while (data.size() < need) {
      const auto got = ::read(peer, buffer.data(), buffer.size());
      if (got <= 0) return;
      data.append(buffer.data(), static_cast<std::size_t>(got));
      const std::size_t head = data.find("\r\n\r\n");
      if (head == std::string::npos || need != std::string::npos) continue;
      need = head + 4 + length_in(data.substr(0, head));
    }
    const std::string method = data.substr(0, data.find(' '));
    const std::size_t from = method.size() + 1;
    const std::string target = data.substr(from, data.find(' ', from) - from);
    const Answer answer = handle(method, target, data.substr(data.find("\r\n\r\n") + 4));
    const std::string reply =
        "HTTP/1.1 " + std::to_string(answer.status) +
        " X\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
        std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body;
    (void)!::write(peer, reply.data(), reply.size());
  }

  static std::size_t length_in(const std::string& head) {
    const std::size_t at = head.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
  }

  Answer handle(const std::string& method, const std::string& target, const std::string& body) {
    const std::scoped_lock lock(mutex_);
    if (target.rfind("/v1.41", 0) != 0) return error(404, "page not found");
    const std::string path =
        target.substr(6, target.find('?') == std::string::npos ? std::string::npos : target.find('?') - 6);
    if (path == "/containers/json") return list();
    if (path == "/containers/create") return create(target.substr(target.find("name=") + 5), body);
    const std::string rest = path.substr(std::string("/containers/").size());
    const std::string key = rest.substr(0, rest.find('/'));
    const auto found = std::find_if(boxes_.begin(), boxes_.end(), [&](const auto& entry) {
      return entry.first == key || entry.second.id == key;
    });
    if (found == boxes_.end()) return error(404, "No such container: " + key);
    if (method == "DELETE") {
      boxes_.erase(found);
      return {204, ""};
    }
    const std::string verb = rest.find('/') == std::string::npos ? "" : rest.substr(rest.find('/') + 1);
    if (verb == "start") return start(found->second);
    if (verb == "kill") return kill(found);
    return inspect(found->second);
  }

  Answer list() const {
    nlohmann::json out = nlohmann::json::array();
    for (const auto& [name, box] : boxes_) {
      nlohmann::json entry{{"Id", box.id},
                           {"Names", {"/" + name}},
                           {"State", box.state},
                           {"Labels", box.creation["Labels"]},
                           {"Ports", nlohmann::json::array()}};
      if (box.node)
        entry["Ports"].push_back(
            {{"IP", "127.0.0.1"}, {"PrivatePort", 8487}, {"PublicPort", box.node->port()}, {"Type", "tcp"}});
      out.push_back(std::move(entry));
    }
    return {200, out.dump()};
  }

  Answer create(const std::string& name, const std::string& body) {
    if (boxes_.contains(name))
      return error(409, "Conflict. The container name \"/" + name + "\" is already in use");
    Box& box = boxes_[name];
    box.id = std::string(58, 'a') + std::to_string(100'000 + ++made_);
    box.creation = nlohmann::json::parse(body);
    creations_.push_back(box.creation);
    return {201, nlohmann::json{{"Id", box.id}, {"Warnings", nlohmann::json::array()}}.dump()};
  }

  Answer start(Box& box) {
    if (!start_refusal_.empty()) return error(500, start_refusal_);
    if (box.state == "running") return {304, ""};
    box.state = "running";
    if (box.creation.contains("ExposedPorts")) {
      auto server = http::Server::start(
          {.address = "127.0.0.1", .port = 0},
          [this, &box](const http::Request& request) { return node_says(box, request.path); },
          log::Log::silent());
      if (server) box.node = *std::move(server);
    }
    return {204, ""};
  }

  http::Response node_says(Box& box, const std::string& path) {
    if (path == "/drain") box.draining = true;
    if (path == "/undrain") box.draining = false;
    const nlohmann::json status{
        {"node", box.creation["Labels"]["gpuscale.node"]}, {"in_flight", 0}, {"draining", box.draining}};
    return http::Response::json(200, status.dump());
  }

  Answer kill(std::map<std::string, Box>::iterator found) {
    if (found->second.state != "running")
      return error(409, "Container " + found->second.id + " is not running");
    if (!stubborn_) stop(found->second);
    return {204, ""};
  }

  static void stop(Box& box) {
    box.state = "exited";
    box.node.reset();
  }

  static Answer inspect(const Box& box) {
    nlohmann::json out{{"Id", box.id}, {"State", {{"Running", box.state == "running"}}}};
    if (box.node)
      out["NetworkSettings"]["Ports"]["8487/tcp"] = {
          {{"HostIp", "127.0.0.1"}, {"HostPort", std::to_string(box.node->port())}}};
    return {200, out.dump()};
  }

  std::string path_;
  int listener_ = -1;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::map<std::string, Box> boxes_;
  std::vector<nlohmann::json> creations_;
  std::string start_refusal_;
  bool stubborn_ = false;
  int made_ = 0;
};

}  // namespace gpuscale::pool::testing

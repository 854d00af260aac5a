// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/docker/docker_provider.h"

#include <algorithm>
#include <charconv>

#include "base/duration.h"
#include "pool/providers/docker/engine_answers.h"
#include "pool/words.h"

namespace gpuscale::pool::docker {
namespace {

using Json = nlohmann::json;

/// Of Docker 20.10 (Debian 11) and everything since.
constexpr const char* kBase = "http://docker/v1.41";
constexpr std::chrono::milliseconds kNodeTimeout{1'000};

Result<int> whole(const std::string& key, const std::string& text, int least, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return fail(Errc::kInvalidArgument, "provider docker: " + key + ": \"" + text +
                                            "\" is no whole number from " + std::to_string(least) + " to " +
                                            std::to_string(most));
  }
  return value;
}

std::string filled(std::string word, const std::map<std::string, std::string>& values) {
  for (const auto& [name, value] : values) {
    const std::string mark = "{" + name + "}";
    for (std::size_t at = word.find(mark); at != std::string::npos; at = word.find(mark, at + value.size()))
      word.replace(at, mark.size(), value);
  }
  return word;
}

}  // namespace

Result<void> apply_options(const std::map<std::string, std::string>& block, DockerOptions& options) {
  for (const auto& [key, text] : block) {
    if (key == "image") {
      options.image = text;
    } else if (key == "command") {
      options.command = words_of(text);
    } else if (key == "gpus") {
      if (text == "all") {
        options.gpus = -1;
      } else {
        GS_TRY(options.gpus, whole(key, text, 0, 1'024));
      }
    } else if (key == "network") {
      options.network = text;
    } else if (key == "port") {
      GS_TRY(options.port, whole(key, text, 1, 65'535));
    } else if (key == "server_url") {
      options.server_url = text;
    } else if (key == "socket") {
      options.socket = text;
    } else if (key == "zone") {
      options.zone = text;
    } else if (key == "timeout") {
      auto timeout = base::parse_duration(text);
      if (!timeout) return timeout.error().with_context("provider docker: timeout");
      if (*timeout <= Nanos{0})
        return fail(Errc::kInvalidArgument, "provider docker: timeout: \"" + text + "\" must be over 0");
      options.timeout = std::chrono::ceil<std::chrono::milliseconds>(*timeout);
    } else {
      return fail(Errc::kInvalidArgument,
                  "provider docker: unknown option \"" + key +
                      "\"; known: command, gpus, image, network, port, server_url, socket, timeout, zone");
    }
  }
  if (options.image.empty()) return fail(Errc::kInvalidArgument, "provider docker: no image given");
  return {};
}

DockerProvider::DockerProvider(DockerOptions options, const Clock& clock, log::Log log)
    : options_(std::move(options)), clock_(clock), log_(std::move(log)), nodes_(kNodeTimeout, "") {}

std::string DockerProvider::name_of(const NodeId& id) const {
  return "gpuscale-" + options_.instance + "-" + id.value();
}

std::string DockerProvider::creation_of(const NodeId& id) const {
  const std::map<std::string, std::string> values{{"node", id.value()},
                                                  {"pool", options_.pool},
                                                  {"cluster", options_.cluster},
                                                  {"server_url", options_.server_url}};
  Json body{{"Image", options_.image},
            {"Labels",
             {{kInstanceLabel, options_.instance}, {kPoolLabel, options_.pool}, {kNodeLabel, id.value()}}},
            {"Env",
             {"GPUSCALE_TOKEN=" + options_.token.reveal(), "GPUSCALE_SERVER=" + options_.server_url,
              "GPUSCALE_NODE=" + id.value(), "GPUSCALE_POOL=" + options_.pool,
              "GPUSCALE_CLUSTER=" + options_.cluster}}};
  for (const std::string& word : options_.command) body["Cmd"].push_back(filled(word, values));
  Json& host = body["HostConfig"];
  if (options_.gpus != 0) {
    host["DeviceRequests"] = {{{"Driver", "nvidia"}, {"Count", options_.gpus}, {"Capabilities", {{"gpu"}}}}};
  }
  if (!options_.network.empty()) host["NetworkMode"] = options_.network;
  if (options_.port > 0) {
    const std::string port = std::to_string(options_.port) + "/tcp";
    body["ExposedPorts"][port] = Json::object();
    // On loopback, on a port that the engine chooses.
    host["PortBindings"][port] = {{{"HostIp", "127.0.0.1"}, {"HostPort", ""}}};
  }
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<http::ClientResponse> DockerProvider::call(http::Method method, const std::string& path,
                                                  const std::string& body) {
  http::ClientRequest request;
  request.method = method;
  request.url = kBase + path;
  request.unix_socket = options_.socket;
  request.timeout = options_.timeout;
  request.max_answer_bytes = kMaxEngineAnswer;
  request.body = body;
  if (!body.empty()) request.headers.set("Content-Type", "application/json");
  auto answer = client_.send(request);
  if (!answer) return answer.error().with_context("docker engine at " + options_.socket);
  return answer;
}

Result<void> DockerProvider::expect(http::Method method, const std::string& path, const std::string& body) {
  GS_TRY(const auto answer, call(method, path, body));
  return outcome_of(answer.status, answer.body);
}

Result<void> DockerProvider::launch(const NodeId& id) {
  // A name that is taken is the same node, created before a crash: what is left is to start it.
  const auto created = expect(http::Method::kPost, "/containers/create?name=" + name_of(id), creation_of(id));
  if (!created && created.error().code() != Errc::kConflict) return created;
  return expect(http::Method::kPost, "/containers/" + name_of(id) + "/start");
}

Result<std::vector<Instance>> DockerProvider::list() {
  const Json filters{{"label",
                      {std::string(kInstanceLabel) + "=" + options_.instance,
                       std::string(kPoolLabel) + "=" + options_.pool}}};
  GS_TRY(const auto answer,
         call(http::Method::kGet, "/containers/json?all=true&filters=" + http::url_encode(filters.dump())));
  GS_CHECK(outcome_of(answer.status, answer.body));
  GS_TRY(const auto containers, containers_of(answer.body, options_.port));
  std::vector<Instance> out;
  std::map<std::string, MonoTime> still;
  for (const Container& container : containers) {
    const std::string& id = container.node.value();
    if (container.state == ContainerState::kEnded) {
      // Kept containers would hold their names; what it said before its end is in the engine's log driver.
      if (const auto removed = expect(http::Method::kDelete, "/containers/" + container.id + "?force=true");
          !removed) {
        log_.warn("docker.not_removed", {{"node", id}, {"error", removed.error()}});
      }
      continue;
    }
    Instance instance{container.node, InstanceState::kRunning, container.endpoint, container.id.substr(0, 12),
                      options_.zone};
    if (container.state == ContainerState::kCreated) {
      instance.state = InstanceState::kStarting;
      // Killed between create and start, or refused for want of a GPU: asked again with each look.
      if (const auto started = expect(http::Method::kPost, "/containers/" + container.id + "/start");
          !started)
        instance.detail += ": " + started.error().message();
    }
    if (const auto ending = endings_.find(id); ending != endings_.end()) {
      instance.state = InstanceState::kStopping;
      still.insert(*ending);
    }
    out.push_back(std::move(instance));
  }
  endings_ = std::move(still);
  for (const auto& [id, since] : endings_) enforce_end(NodeId(id));
  return out;
}

void DockerProvider::enforce_end(const NodeId& id) {
  if (clock_.mono() - endings_.at(id.value()) < options_.kill_after) return;
  log_.warn("docker.killed", {{"node", id.value()}, {"after", options_.kill_after}});
  if (const auto removed = expect(http::Method::kDelete, "/containers/" + name_of(id) + "?force=true");
      !removed)
    log_.warn("docker.not_removed", {{"node", id.value()}, {"error", removed.error()}});
}

Result<std::string> DockerProvider::endpoint_of(const NodeId& id) {
  GS_TRY(const auto answer, call(http::Method::kGet, "/containers/" + name_of(id) + "/json"));
  GS_CHECK(outcome_of(answer.status, answer.body));
  if (options_.port == 0) {
    return fail(Errc::kUnsupported,
                "node " + id.value() + " has no endpoint (provider docker: port); its telemetry decides");
  }
  return inspected_endpoint(answer.body, options_.port);
}

Result<void> DockerProvider::set_draining(const NodeId& id, bool on) {
  GS_TRY(const std::string endpoint, endpoint_of(id));
  return nodes_.set_draining(id, endpoint, on);
}

Result<Workload> DockerProvider::workload(const NodeId& id) {
  GS_TRY(const std::string endpoint, endpoint_of(id));
  return nodes_.workload(id, endpoint);
}

Result<void> DockerProvider::terminate(const NodeId& id) {
  const auto [ending, first] = endings_.try_emplace(id.value(), clock_.mono());
  if (!first) return {};
  const auto told = expect(http::Method::kPost, "/containers/" + name_of(id) + "/kill?signal=SIGTERM");
  if (told) return {};
  if (told.error().code() == Errc::kNotFound) {
    endings_.erase(ending);
    return {};
  }
  if (told.error().code() != Errc::kConflict) {
    endings_.erase(ending);
    return told;
  }
  // It does not run (created, exited): there is nothing to be gentle with.
  const auto removed = expect(http::Method::kDelete, "/containers/" + name_of(id) + "?force=true");
  if (!removed) endings_.erase(ending);
  return !removed && removed.error().code() == Errc::kNotFound ? Result<void>{} : removed;
}

}  // namespace gpuscale::pool::docker

// SPDX-License-Identifier: Apache-2.0
#include "pool/node_endpoint.h"

#include <nlohmann/json.hpp>

namespace gpuscale::pool {
namespace {

constexpr std::size_t kMaxStatusBytes = 1U << 20U;

}  // namespace

Result<http::ClientResponse> NodeEndpoint::call(const NodeId& id, const std::string& url, http::Method method,
                                                const std::string& path) {
  if (url.empty()) return fail(Errc::kUnavailable, "node " + id.value() + " has no endpoint yet");
  http::ClientRequest request;
  request.method = method;
  request.url = url + path;
  request.timeout = request.connect_timeout = timeout_;
  request.ca_file = ca_file_;
  request.max_answer_bytes = kMaxStatusBytes;
  auto response = client_.send(request);
  if (!response) return response.error().with_context("node " + id.value());
  if (response->status != 200) {
    return fail(Errc::kUnavailable,
                "node " + id.value() + " answers " + path + " with " + std::to_string(response->status));
  }
  return response;
}

Result<void> NodeEndpoint::set_draining(const NodeId& id, const std::string& url, bool on) {
  // Named, so that a node which has taken over the address of one that died does not drain in its place.
  GS_CHECK(call(id, url, http::Method::kPost,
                (on ? "/drain?node=" : "/undrain?node=") + http::url_encode(id.value())));
  return {};
}

Result<Workload> NodeEndpoint::workload(const NodeId& id, const std::string& url) {
  GS_TRY(const auto response, call(id, url, http::Method::kGet, "/status"));
  const auto status = nlohmann::json::parse(response.body, nullptr, false);
  const auto node = status.is_object() ? status.find("node") : status.end();
  if (node == status.end() || !node->is_string())
    return fail(Errc::kUnavailable, "node " + id.value() + ": its /status is no object with \"node\"");
  if (*node != id.value()) {
    return fail(Errc::kUnavailable,
                "at the endpoint of node " + id.value() + " answers " + node->get<std::string>());
  }
  const auto in_flight = status.find("in_flight");
  const auto draining = status.find("draining");
  if (in_flight != status.end() && in_flight->is_null())
    return fail(Errc::kUnsupported, "node " + id.value() + " cannot say how much work it has");
  if (in_flight == status.end() || !in_flight->is_number_integer() || draining == status.end() ||
      !draining->is_boolean()) {
    return fail(Errc::kUnavailable, "node " + id.value() + ": its /status lacks in_flight or draining");
  }
  return Workload{in_flight->get<std::int64_t>(), draining->get<bool>()};
}

}  // namespace gpuscale::pool

// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "api/answers.h"
#include "base/ascii.h"

namespace gpuscale::api {

namespace {

using nlohmann::ordered_json;

ordered_json schema_of(const Key& key) {
  ordered_json schema = {{"type", key.type}, {"description", key.help}};
  if (key.type == "array") schema["items"] = {{"type", "string"}};
  return schema;
}

ordered_json parameters_of(const Operation& operation) {
  ordered_json list = ordered_json::array();
  std::string_view rest = operation.pattern;
  for (std::size_t open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    const std::size_t close = rest.find('}', open);
    list.push_back({{"name", std::string(rest.substr(open + 1, close - open - 1))},
                    {"in", "path"},
                    {"required", true},
                    {"schema", {{"type", "string"}}}});
    rest = rest.substr(close + 1);
  }
  for (const Key& key : operation.query) {
    list.push_back({{"name", key.name},
                    {"in", "query"},
                    {"required", key.required},
                    {"description", key.help},
                    {"schema", {{"type", key.type}}}});
  }
  return list;
}

ordered_json body_of(const Operation& operation) {
  ordered_json properties = ordered_json::object();
  ordered_json required = ordered_json::array();
  for (const Key& key : operation.body) {
    properties[key.name] = schema_of(key);
    if (key.required) required.push_back(key.name);
  }
  const ordered_json schema = {{"type", "object"},
                               {"properties", properties},
                               {"required", required},
                               {"additionalProperties", false}};
  return {{"required", true}, {"content", {{"application/json", {{"schema", schema}}}}}};
}

ordered_json responses_of(const Operation& operation) {
  const ordered_json error = {
      {"description", "What went wrong and what mends it"},
      {"content", {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}}}};
  ordered_json responses = {{"2XX", {{"description", "Done"}}}, {"4XX", error}, {"5XX", error}};
  if (operation.pattern == "/api/v1/events") {
    responses["2XX"] = {{"description", "A stream of events named activity"},
                        {"content", {{"text/event-stream", {{"schema", {{"type", "string"}}}}}}}};
  }
  return responses;
}

ordered_json describe(const Operation& operation) {
  ordered_json out = {{"summary", operation.summary}};
  if (const ordered_json parameters = parameters_of(operation); !parameters.empty())
    out["parameters"] = parameters;
  if (!operation.body.empty()) out["requestBody"] = body_of(operation);
  out["responses"] = responses_of(operation);
  out["security"] = ordered_json::array();
  if (operation.scope) {
    out["description"] = "Needs the scope \"" + std::string(to_string(*operation.scope)) + "\".";
    out["security"] = {{{"token", ordered_json::array()}}, {{"admin", ordered_json::array()}}};
  }
  return out;
}

std::string document(const std::vector<Operation>& operations, const std::string& version) {
  ordered_json paths = ordered_json::object();
  for (const Operation& operation : operations)
    paths[operation.pattern][base::to_lower(http::to_string(operation.method))] = describe(operation);
  const ordered_json error = {
      {"type", "object"},
      {"properties", {{"error", {{"type", "string"}}}, {"code", {{"type", "string"}}}}},
      {"required", {"error", "code"}}};
  const ordered_json body = {
      {"openapi", "3.0.3"},
      {"info", {{"title", "gpuscale"}, {"version", version}, {"license", {{"name", "Apache-2.0"}}}}},
      {"paths", paths},
      {"components",
       {{"schemas", {{"Error", error}}},
        {"securitySchemes",
         {{"token", {{"type", "http"}, {"scheme", "bearer"}}},
          {"admin", {{"type", "http"}, {"scheme", "basic"}}}}}}}};
  return body.dump() + "\n";
}

}  // namespace

void register_openapi(Routes& routes) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/openapi.json",
              .scope = std::nullopt,
              .summary = "This document"},
             [&services, operations = routes.operations()](const http::Request&, const Principal&) {
               return http::Response::json(200, document(*operations, services.version));
             });
}

}  // namespace gpuscale::api

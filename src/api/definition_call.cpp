// SPDX-License-Identifier: Apache-2.0
#include "api/definition_call.h"

#include "api/answers.h"
#include "api/text.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

Result<std::int64_t> version_of(const json& body) {
  if (!body.contains("version") || body["version"].is_null()) return std::int64_t{0};
  const json& version = body["version"];
  if (!version.is_number_integer() || version.get<double>() < 0 || version.get<double>() > 1e15) {
    return fail(Errc::kInvalidArgument, "version must be a whole number: the one that was read");
  }
  return version.get<std::int64_t>();
}

}  // namespace

Result<DefinitionCall> definition_call(const http::Request& request) {
  GS_TRY(json body, parse_body(request, definition_keys("")));
  DefinitionCall call;
  GS_TRY(call.version, version_of(body));
  const auto dry = request.query.get("dry_run");
  if (dry && *dry != "true" && *dry != "1" && *dry != "false" && *dry != "0")
    return fail(Errc::kInvalidArgument, "dry_run must be true or false");
  call.dry_run = dry && (*dry == "true" || *dry == "1");
  call.definition = std::move(body["definition"]);
  return call;
}

Result<std::int64_t> version_to_delete(const http::Request& request) {
  const auto version = parse_digits<std::int64_t>(request.query.get("version").value_or(""));
  if (version) return *version;
  return fail(Errc::kInvalidArgument, "version is missing; name the version that was read, as ?version=7");
}

std::vector<Key> definition_keys(const std::string& help) {
  return {{"definition", "object", help, true},
          {"version", "integer", "the version that was read; 0 or left out = make a new one"}};
}

http::Response version_conflict(const std::string& why, std::int64_t version, const std::string& by,
                                std::optional<WallTime> at) {
  return json_answer(409, {{"error", why},
                           {"code", "conflict"},
                           {"version", version},
                           {"changed_by", by.empty() ? json() : json(by)},
                           {"changed_at", time_or_null(at)}});
}

std::vector<Key> definition_query() {
  return {{"dry_run", "boolean", "check everything and change nothing"}};
}

}  // namespace gpuscale::api

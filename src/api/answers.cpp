// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"

#include <algorithm>

#include "api/text.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

std::string names_of(const std::vector<Key>& keys) {
  std::vector<std::string> names;
  for (const Key& key : keys) names.push_back(key.name);
  return known_names(names);
}

bool is_known(const std::vector<Key>& keys, std::string_view name) {
  return std::any_of(keys.begin(), keys.end(), [name](const Key& key) { return key.name == name; });
}

}  // namespace

int status_of(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument:
      return 400;
    case Errc::kNotFound:
      return 404;
    case Errc::kConflict:
      return 409;
    case Errc::kUnauthenticated:
      return 401;
    case Errc::kForbidden:
      return 403;
    case Errc::kExhausted:
      return 429;
    case Errc::kUnavailable:
      return 503;
    case Errc::kTimeout:
      return 504;
    case Errc::kUnsupported:
      return 501;
    case Errc::kCorrupt:
    case Errc::kInternal:
      return 500;
  }
  return 500;
}

http::Response json_answer(int status, const json& body) {
  // Names and texts come from outside: bytes that are no UTF-8 are shown as U+FFFD rather than thrown over.
  http::Response response =
      http::Response::json(status, body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  response.headers.set("Cache-Control", "no-store");
  return response;
}

http::Response error_answer(const Error& error) {
  http::Response response = json_answer(
      status_of(error.code()), {{"error", error.message()}, {"code", std::string(to_string(error.code()))}});
  if (error.code() == Errc::kUnauthenticated) {
    response.headers.add("Www-Authenticate", "Basic realm=\"gpuscale\"");
    response.headers.add("Www-Authenticate", "Bearer realm=\"gpuscale\"");
  }
  return response;
}

json time_or_null(const std::optional<WallTime>& time) {
  return time ? json(base::format_rfc3339(*time)) : json(nullptr);
}

double seconds_of(Nanos duration) {
  return std::chrono::duration<double>(duration).count();
}

Result<json> parse_body(const http::Request& request, const std::vector<Key>& known) {
  if (request.body.size() > kMaxJsonBody) {
    return fail(Errc::kInvalidArgument, "the body has " + std::to_string(request.body.size()) +
                                            " bytes; at most 65536 are taken here");
  }
  json body = json::object();
  if (request.body.find_first_not_of(" \t\r\n") != std::string::npos) {
    bool too_deep = false;
    body = json::parse(
        request.body,
        [&too_deep](int depth, json::parse_event_t, json&) {
          too_deep = too_deep || depth > kDeepestJson;
          return !too_deep;
        },
        false);
    if (too_deep) {
      return fail(Errc::kInvalidArgument,
                  "the body is nested deeper than " + std::to_string(kDeepestJson) + " levels");
    }
    if (body.is_discarded()) return fail(Errc::kInvalidArgument, "the body is not JSON");
  }
  if (!body.is_object())
    return fail(Errc::kInvalidArgument, "the body must be a JSON object with " + names_of(known));
  for (const auto& [name, value] : body.items()) {
    if (!is_known(known, name)) {
      return fail(Errc::kInvalidArgument,
                  "unknown key \"" + name + "\" in the body; known: " + names_of(known));
    }
  }
  for (const Key& key : known) {
    if (key.required && !body.contains(key.name)) {
      return fail(Errc::kInvalidArgument, "the body lacks \"" + key.name + "\": " + key.help);
    }
  }
  return body;
}

Result<void> check_query(const http::QueryParams& query, const std::vector<Key>& known) {
  std::vector<std::string> seen;
  for (const auto& [name, value] : query.items()) {
    if (!is_known(known, name)) {
      return fail(Errc::kInvalidArgument, "unknown parameter \"" + name + "\"; known: " + names_of(known));
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      return fail(Errc::kInvalidArgument, "the parameter \"" + name + "\" is given twice; give it once");
    }
    seen.push_back(name);
  }
  return {};
}

}  // namespace gpuscale::api

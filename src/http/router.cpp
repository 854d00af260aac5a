// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include <algorithm>
#include <optional>

namespace gpuscale::http {
namespace {

using PathParams = std::map<std::string, std::string, std::less<>>;

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

/// The segments decoded each for itself: a slash that was sent as %2F is part of a name.
std::vector<std::string> segments_of(const Request& request) {
  if (request.raw_path.empty()) return split(request.path);
  std::vector<std::string> segments = split(request.raw_path);
  for (std::string& segment : segments) segment = url_decode(segment);
  return segments;
}

bool is_named(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}
bool takes_rest(std::string_view segment) {
  return segment.ends_with("...}");
}

std::string join(const std::vector<std::string>& segments, std::size_t from) {
  std::string out;
  for (std::size_t i = from; i < segments.size(); ++i) out += (i > from ? "/" : "") + segments[i];
  return out;
}

std::optional<PathParams> match(const std::vector<std::string>& pattern,
                                const std::vector<std::string>& path) {
  PathParams params;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string& segment = pattern[i];
    if (is_named(segment) && takes_rest(segment)) {
      params.emplace(segment.substr(1, segment.size() - 5), join(path, i));
      return params;
    }
    if (i >= path.size()) return std::nullopt;
    if (is_named(segment)) {
      if (path[i].empty()) return std::nullopt;
      params.emplace(segment.substr(1, segment.size() - 2), path[i]);
    } else if (segment != path[i]) {
      return std::nullopt;
    }
  }
  if (path.size() != pattern.size()) return std::nullopt;
  return params;
}

/// Whether pattern `a` is the closer one: literal before named before the rest, from the left.
bool closer(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const auto rank = [](const std::string& segment) {
    return takes_rest(segment) ? 2 : is_named(segment) ? 1 : 0;
  };
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (rank(a[i]) != rank(b[i])) return rank(a[i]) < rank(b[i]);
  }
  return a.size() > b.size();
}

Response not_found(const Request&) {
  return Response::json(404, "{\"error\":\"not found\"}\n");
}

}  // namespace

void Router::add(Method method, std::string_view pattern, Handler handler) {
  std::vector<std::string> segments = split(pattern);
  if (std::none_of(segments.begin(), segments.end(), [](const std::string& part) { return is_named(part); }))
    literal_[std::string(pattern)].push_back(entries_.size());
  entries_.push_back({method, std::string(pattern), std::move(segments), std::move(handler)});
}

const Handler* Router::find_literal(const Request& request) const {
  const std::string& path = request.raw_path.empty() ? request.path : request.raw_path;
  const auto found = literal_.find(path);
  if (found == literal_.end()) return nullptr;
  for (const std::size_t i : found->second) {
    if (entries_[i].method == request.method) return &entries_[i].handler;
  }
  return nullptr;
}

void Router::set_fallback(Handler handler) {
  fallback_ = std::move(handler);
}

Response Router::route(Request& request) const {
  if (const Handler* const handler = find_literal(request)) return (*handler)(request);
  const std::vector<std::string> path = segments_of(request);
  const Entry* best = nullptr;
  PathParams best_params;
  std::vector<Method> allowed;
  const Method asked = request.method == Method::kHead ? Method::kGet : request.method;
  for (const Entry& entry : entries_) {
    auto params = match(entry.segments, path);
    if (!params) continue;
    if (entry.method != asked && entry.method != request.method) {
      allowed.push_back(entry.method);
      continue;
    }
    const bool exact = best != nullptr && entry.method == request.method && best->method != request.method;
    if (best == nullptr || closer(entry.segments, best->segments) || exact) {
      best = &entry;
      best_params = *std::move(params);
    }
  }
  if (best != nullptr) {
    request.path_params = std::move(best_params);
    return best->handler(request);
  }
  if (allowed.empty()) return fallback_ ? fallback_(request) : not_found(request);
  std::string names;
  for (const Method method : allowed) {
    const std::string name(to_string(method));
    if (names.find(name) == std::string::npos) names += (names.empty() ? "" : ", ") + name;
    if (method == Method::kGet && names.find("HEAD") == std::string::npos) names += ", HEAD";
  }
  Response response =
      Response::json(405, "{\"error\":\"this path takes " + names + "\",\"code\":\"method_not_allowed\"}\n");
  response.headers.set("Allow", names);
  return response;
}

std::vector<std::pair<Method, std::string>> Router::routes() const {
  std::vector<std::pair<Method, std::string>> out;
  for (const Entry& entry : entries_) out.emplace_back(entry.method, entry.pattern);
  return out;
}

}  // namespace gpuscale::http

// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/http/http_provider.h"

#include "base/duration.h"
#include "http/client.h"
#include "pool/providers/verbs/verb_provider.h"

namespace gpuscale::pool::http_service {
namespace {

/// What a status means where the body does not say it better.
Errc errc_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return Errc::kForbidden;
    case 404:
      return Errc::kNotFound;
    case 409:
      return Errc::kConflict;
    case 429:
      return Errc::kExhausted;
    case 501:
      return Errc::kUnsupported;
    default:
      return Errc::kUnavailable;
  }
}

Result<std::string> ask(const HttpOptions& options, http::Client& client, verbs::Verb verb,
                        const std::string& request) {
  http::ClientRequest call;
  call.method = http::Method::kPost;
  call.url = options.url + "/" + std::string(verbs::to_string(verb));
  call.body = request;
  call.headers.set("Content-Type", "application/json");
  if (!options.bearer.empty()) call.headers.set("Authorization", "Bearer " + options.bearer.reveal());
  call.timeout = options.timeout;
  call.ca_file = options.ca_file;
  call.max_answer_bytes = verbs::kMaxAnswerBytes;
  GS_TRY(const auto answer, client.send(call));
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  const std::string said = http::redact_url(call.url) + " answers " + std::to_string(answer.status);
  const auto told = verbs::check_answer(answer.body);
  // The body's own kind wins; one that is no answer of ours (a proxy's page) leaves the status to speak.
  const bool says_why = !told && answer.body.find("\"error\"") != std::string::npos;
  return says_why ? told.error().with_context(said) : fail(errc_of(answer.status), said);
}

}  // namespace

Result<void> apply_options(const std::map<std::string, std::string>& block, HttpOptions& options) {
  for (const auto& [key, text] : block) {
    if (key == "url") {
      options.url = text;
      while (options.url.ends_with('/')) options.url.pop_back();
    } else if (key == "bearer") {
      options.bearer = Secret(text);
    } else if (key == "ca_file") {
      options.ca_file = text;
    } else if (key == "timeout") {
      auto timeout = base::parse_duration(text);
      if (!timeout) return timeout.error().with_context("provider http: timeout");
      if (*timeout <= Nanos{0})
        return fail(Errc::kInvalidArgument, "provider http: timeout: \"" + text + "\" must be over 0");
      options.timeout = std::chrono::ceil<std::chrono::milliseconds>(*timeout);
    } else {
      return fail(Errc::kInvalidArgument,
                  "provider http: unknown option \"" + key + "\"; known: bearer, ca_file, timeout, url");
    }
  }
  if (!options.url.starts_with("http://") && !options.url.starts_with("https://"))
    return fail(Errc::kInvalidArgument, "provider http: url must begin with http:// or https://");
  return {};
}

std::unique_ptr<NodeProvider> make_http(HttpOptions options) {
  verbs::Context context = options.context;
  auto client = std::make_shared<http::Client>();
  return std::make_unique<verbs::VerbProvider>(
      "http", std::move(context),
      [options = std::move(options), client](verbs::Verb verb, const std::string& request) {
        return ask(options, *client, verb, request);
      });
}

}  // namespace gpuscale::pool::http_service

// SPDX-License-Identifier: Apache-2.0
#include "api/console_files.h"

#include <array>

#include "api/text.h"

namespace gpuscale::api {

namespace {

constexpr std::string_view kHeading = "gpuscale-console 1";
constexpr std::string_view kIndex = "/index.html";
/// Far above any file of the console; see http::gunzip().
constexpr std::size_t kMostUnpacked = 64 * 1024 * 1024;
/// Ant Design writes its styles into the page while it runs, hence 'unsafe-inline' for styles; scripts come
/// from files of ours alone.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

std::optional<std::array<std::string_view, 4>> split_fields(std::string_view line) {
  std::array<std::string_view, 4> fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t tab = line.find('\t');
    if ((tab == std::string_view::npos) != (i + 1 == fields.size())) return std::nullopt;
    fields[i] = line.substr(0, tab);
    line.remove_prefix(tab == std::string_view::npos ? line.size() : tab + 1);
  }
  return fields;
}

Error broken(std::string_view what) {
  return fail(Errc::kCorrupt, "the packed console: " + std::string(what) + "; build it again");
}

bool takes_gzip(const http::Request& request) {
  return request.headers.get("Accept-Encoding").find("gzip") != std::string_view::npos;
}

}  // namespace

Result<ConsoleFiles> ConsoleFiles::parse(std::string_view pack) {
  ConsoleFiles files;
  if (pack.empty()) return files;
  if (take_line(pack) != kHeading) return broken("it does not begin with its heading");
  std::vector<std::pair<File*, std::size_t>> order;
  for (std::string_view line = take_line(pack); !line.empty(); line = take_line(pack)) {
    const auto fields = split_fields(line);
    const auto size = fields ? parse_digits<std::size_t>((*fields)[3]) : std::nullopt;
    if (!size) return broken("\"" + std::string(line) + "\" is no entry");
    File& file = files.files_[std::string((*fields)[0])];
    file.type = std::string((*fields)[1]);
    file.etag = "\"" + std::string((*fields)[2]) + "\"";
    order.emplace_back(&file, *size);
  }
  for (const auto& [file, size] : order) {
    if (size > pack.size()) return broken("it is cut short");
    file->gzipped = pack.substr(0, size);
    pack.remove_prefix(size);
  }
  if (!pack.empty()) return broken("there is more than its entries say");
  if (!files.files_.contains(kIndex)) return broken("it has no " + std::string(kIndex));
  return files;
}

http::Response ConsoleFiles::answer(const http::Request& request, const File& file, bool immutable) const {
  http::Response response;
  response.headers.set("ETag", file.etag);
  response.headers.set("Cache-Control", immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.headers.set("Vary", "Accept-Encoding");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Referrer-Policy", "same-origin");
  if (file.type.starts_with("text/html")) {
    response.headers.set("Content-Security-Policy", std::string(kPolicy));
  }
  if (request.headers.get("If-None-Match").find(file.etag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  response.headers.set("Content-Type", file.type);
  if (takes_gzip(request)) {
    response.headers.set("Content-Encoding", "gzip");
    response.body = std::string(file.gzipped);
    return response;
  }
  auto plain = http::gunzip(file.gzipped, kMostUnpacked);
  if (!plain) return http::Response::text(500, plain.error().message() + "\n");
  response.body = *std::move(plain);
  return response;
}

std::optional<http::Response> ConsoleFiles::file(const http::Request& request) const {
  const auto found = files_.find(request.path);
  if (found == files_.end()) return std::nullopt;
  return answer(request, found->second, request.path.starts_with("/assets/"));
}

http::Response ConsoleFiles::page(const http::Request& request) const {
  return answer(request, files_.find(kIndex)->second, false);
}

bool is_navigation(const http::Request& request) {
  const bool looks = request.method == http::Method::kGet || request.method == http::Method::kHead;
  return looks && request.headers.get("Accept").find("text/html") != std::string_view::npos;
}

}  // namespace gpuscale::api

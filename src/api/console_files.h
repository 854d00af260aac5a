// SPDX-License-Identifier: Apache-2.0
/// The web console's files, as the build packed them (console/pack.mjs) and as HTTP answers. Start at
/// ConsoleFiles::parse().
///
/// A pack is "gpuscale-console 1\n", one line "path\tcontent-type\tetag\tbytes\n" a file, an empty line, then
/// the gzipped files in that order.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace gpuscale::api {

/// The pack that this binary carries; "" where it was built without the console.
std::string_view console_pack();

class ConsoleFiles {
 public:
  /// `pack` outlives the object. Errors: kCorrupt naming the fault.
  static Result<ConsoleFiles> parse(std::string_view pack);

  bool empty() const { return files_.empty(); }
  /// The file at the request's path, or 304 where the caller has it; nullopt: no such file. Files under
  /// /assets/ carry their content's digest in their name and may be kept for ever.
  std::optional<http::Response> file(const http::Request& request) const;
  /// The page that a browser gets at any of the console's addresses. Not for an empty pack.
  http::Response page(const http::Request& request) const;

 private:
  struct File {
    std::string type;
    std::string etag;
    std::string_view gzipped;
  };
  http::Response answer(const http::Request& request, const File& file, bool immutable) const;

  std::map<std::string, File, std::less<>> files_;  ///< by path, "/index.html"
};

/// Whether a browser asks for a page, rather than a program for data.
bool is_navigation(const http::Request& request);

}  // namespace gpuscale::api

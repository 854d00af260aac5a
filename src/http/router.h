// SPDX-License-Identifier: Apache-2.0
/// From method and path to a handler. Patterns: "/api/v1/nodes/{id}" (one segment a name); a last segment
/// "{rest...}" takes everything below; a name may hold a slash, sent as %2F. Literal segments win over named
/// ones. Built before serving, then read only.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace gpuscale::http {

class Router {
 public:
  void add(Method method, std::string_view pattern, Handler handler);
  /// Answers where no pattern fits (default: 404 {"error":"..."}).
  void set_fallback(Handler handler);
  /// 405 with Allow where the path is known and the method is not. HEAD is answered by GET without its body.
  Response route(Request& request) const;
  std::vector<std::pair<Method, std::string>> routes() const;

 private:
  struct Entry {
    Method method;
    std::string pattern;
    std::vector<std::string> segments;
    Handler handler;
  };
  /// The handler of a pattern that is the path itself, which no other can be closer to.
  const Handler* find_literal(const Request& request) const;

  std::vector<Entry> entries_;
  std::map<std::string, std::vector<std::size_t>, std::less<>>
      literal_;  ///< entries without a name, by pattern
  Handler fallback_;
};

}  // namespace gpuscale::http

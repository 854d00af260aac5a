// SPDX-License-Identifier: Apache-2.0
/// The server's own store and the declared ones as one data source: Query::source says which is meant.
/// Thread-safe.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "datasource/http_source.h"

namespace gpuscale::datasource {

class SourceSet final : public DataSource {
 public:
  /// `own` must outlive it.
  SourceSet(DataSource& own, const std::vector<SourceSpec>& others, const Clock& clock) : own_(own) {
    for (const SourceSpec& spec : others)
      others_.emplace(spec.name, std::make_unique<HttpSource>(spec, clock));
  }

  Result<std::vector<Series>> query(const Query& query) override {
    DataSource* const source = find(query.source);
    return source == nullptr ? unknown(query.source) : source->query(query);
  }
  void ask(const Query& query, Done done) override {
    DataSource* const source = find(query.source);
    if (source == nullptr) return done(unknown(query.source));
    source->ask(query, std::move(done));
  }

  std::string why_empty(const Query& query) const override {
    const DataSource* const source = find(query.source);
    return source == nullptr ? "" : source->why_empty(query);
  }

  /// Of the declared ones, by name.
  std::vector<SourceCounts> counts() const {
    std::vector<SourceCounts> out;
    for (const auto& [name, source] : others_) out.push_back(source->counts());
    return out;
  }

 private:
  DataSource* find(const std::string& name) const {
    if (name.empty()) return &own_;
    const auto found = others_.find(name);
    return found == others_.end() ? nullptr : found->second.get();
  }
  static Error unknown(const std::string& name) {
    return fail(Errc::kInvalidArgument, "no source \"" + name + "\"; declare it under sources");
  }

  DataSource& own_;
  std::map<std::string, std::unique_ptr<HttpSource>, std::less<>> others_;
};

}  // namespace gpuscale::datasource

// SPDX-License-Identifier: Apache-2.0
/// The names of a result's columns. The result series of one statement share them: there may be ten thousand.
#pragma once
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gpuscale::influxql {

class ColumnNames {
 public:
  using Names = std::vector<std::string>;

  ColumnNames() : ColumnNames(Names{}) {}
  ColumnNames(Names names) : names_(std::make_shared<const Names>(std::move(names))) {}
  ColumnNames(std::initializer_list<std::string> names) : ColumnNames(Names(names)) {}

  const Names& list() const { return *names_; }
  bool empty() const { return names_->empty(); }
  std::size_t size() const { return names_->size(); }
  const std::string& front() const { return names_->front(); }
  const std::string& operator[](std::size_t i) const { return (*names_)[i]; }
  auto begin() const { return names_->begin(); }
  auto end() const { return names_->end(); }

 private:
  std::shared_ptr<const Names> names_;
};

}  // namespace gpuscale::influxql

// SPDX-License-Identifier: Apache-2.0
/// Ids that cannot be mixed up: StrongId<struct NodeIdTag>. Construction is explicit and the raw value leaves
/// only through value(), at an edge (SQL, JSON, log).
#pragma once
#include <compare>
#include <functional>
#include <string>
#include <utility>

namespace gpuscale::base {

template <typename Tag, typename Raw = std::string>
class StrongId {
 public:
  explicit StrongId(Raw value) : value_(std::move(value)) {}
  const Raw& value() const { return value_; }
  friend auto operator<=>(const StrongId&, const StrongId&) = default;
  friend bool operator==(const StrongId&, const StrongId&) = default;

 private:
  Raw value_;
};

}  // namespace gpuscale::base

template <typename Tag, typename Raw>
struct std::hash<gpuscale::base::StrongId<Tag, Raw>> {
  std::size_t operator()(const gpuscale::base::StrongId<Tag, Raw>& id) const noexcept {
    return std::hash<Raw>{}(id.value());
  }
};

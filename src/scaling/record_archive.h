// SPDX-License-Identifier: Apache-2.0
/// Private to the room: values as bytes and back, by one visit() a type that serves both ways, so that writer
/// and reader cannot drift apart. Doubles keep their bits. A reader that runs past the end is no longer ok()
/// and yields empty values.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/strong_id.h"
#include "base/time.h"

namespace gpuscale::scaling {

class RecordWriter {
 public:
  template <class T>
  using Ref = const T&;

  template <class... Ts>
  void operator()(const Ts&... values) {
    (put(values), ...);
  }
  /// Room for so many bytes at once: growing by and by copies a large record several times.
  void expect(std::size_t bytes) { bytes_.reserve(bytes); }
  void mark(char tag) { bytes_ += tag; }
  std::string take() { return std::move(bytes_); }

 private:
  void put_number(std::uint64_t value) {
    for (; value >= 0x80U; value >>= 7U) bytes_ += static_cast<char>(value | 0x80U);
    bytes_ += static_cast<char>(value);
  }
  void put(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    std::array<char, 8> coded{};
    for (unsigned i = 0; i < 8; ++i) coded[i] = static_cast<char>(bits >> (8 * i));
    bytes_.append(coded.data(), coded.size());
  }
  void put(const std::string& text) {
    put_number(text.size());
    bytes_ += text;
  }
  void put(Nanos time) { put(std::int64_t{time.count()}); }
  void put(WallTime time) { put(base::to_unix_nanos(time)); }
  template <class Tag>
  void put(const base::StrongId<Tag>& id) {
    put(id.value());
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& both) {
    put(both.first);
    put(both.second);
  }
  template <class T>
  void put_all(const T& items) {
    put_number(items.size());
    for (const auto& item : items) put(item);
  }
  template <class T>
  void put(const std::vector<T>& items) {
    put_all(items);
  }
  template <class... T>
  void put(const std::map<T...>& items) {
    put_all(items);
  }
  template <class... T>
  void put(const std::set<T...>& items) {
    put_all(items);
  }
  template <class T>
  void put(const T& value) {
    if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
      const auto wide = static_cast<std::int64_t>(value);  // zigzag: small either side of 0 stays short
      put_number((static_cast<std::uint64_t>(wide) << 1U) ^ static_cast<std::uint64_t>(wide >> 63));
    } else {
      visit(*this, value);
    }
  }

  std::string bytes_;
};

class RecordReader {
 public:
  template <class T>
  using Ref = T&;

  explicit RecordReader(std::string_view bytes) : bytes_(bytes) {}

  template <class... Ts>
  void operator()(Ts&... values) {
    (get(values), ...);
  }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && bytes_.empty(); }

 private:
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto part = static_cast<std::uint8_t>(bytes(1)[0]);
      value |= static_cast<std::uint64_t>(part & 0x7fU) << shift;
      if (part < 0x80U) return value;
    }
    ok_ = false;
    return 0;
  }
  /// As many as asked for; zeros past the end.
  std::string_view bytes(std::uint64_t count) {
    static constexpr std::string_view kZeros("\0\0\0\0\0\0\0\0", 8);
    if (count > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return kZeros.substr(0, count);
    }
    const std::string_view part = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return part;
  }
  /// Of a list: each item takes a byte at least, so a damaged length allocates nothing.
  std::uint64_t length() {
    const std::uint64_t count = number();
    if (count > bytes_.size()) ok_ = false;
    return ok_ ? count : 0;
  }
  void get(double& value) {
    std::uint64_t bits = 0;
    const std::string_view part = bytes(8);
    for (unsigned i = 0; i < 8; ++i) bits |= std::uint64_t{static_cast<std::uint8_t>(part[i])} << (8 * i);
    value = std::bit_cast<double>(bits);
  }
  void get(std::string& text) { text = bytes(length()); }
  void get(Nanos& time) { time = Nanos{take<std::int64_t>()}; }
  void get(WallTime& time) { time = base::from_unix_nanos(take<std::int64_t>()); }
  template <class Tag>
  void get(base::StrongId<Tag>& id) {
    id = base::StrongId<Tag>(take<std::string>());
  }
  template <class T>
  void get(std::optional<T>& value) {
    value.reset();
    if (take<bool>()) value = take<T>();
  }
  template <class T>
  void get(std::vector<T>& items) {
    items.clear();
    for (auto left = length(); left > 0 && ok_; --left) items.push_back(take<T>());
  }
  template <class K, class V, class... Rest>
  void get(std::map<K, V, Rest...>& items) {
    items.clear();
    for (auto left = length(); left > 0 && ok_; --left) {
      K key = take<K>();
      items.insert_or_assign(std::move(key), take<V>());
    }
  }
  template <class T, class... Rest>
  void get(std::set<T, Rest...>& items) {
    items.clear();
    for (auto left = length(); left > 0 && ok_; --left) items.insert(take<T>());
  }
  template <class T>
  void get(T& value) {
    if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
      const std::uint64_t coded = number();
      value = static_cast<T>(static_cast<std::int64_t>((coded >> 1U) ^ (~(coded & 1U) + 1U)));
    } else {
      visit(*this, value);
    }
  }
  template <class T>
  T take() {
    T value = fresh<T>();
    get(value);
    return value;
  }
  /// Of types that need something to begin with a visit's header gives its own.
  template <class T>
  static T fresh() {
    if constexpr (std::is_default_constructible_v<T>) {
      return T{};
    } else {
      return blank(static_cast<T*>(nullptr));
    }
  }

  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace gpuscale::scaling

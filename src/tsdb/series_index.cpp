// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_index.h"

#include <bit>
#include <cstring>
#include <utility>

namespace gpuscale::tsdb {
namespace {

constexpr std::size_t kFirstSlots = 16;

/// Eight bytes at a time: tags are short, and their hash stands in no file.
class TagHash {
 public:
  void add(std::string_view text) {
    step(text.size());
    const char* at = text.data();
    std::size_t left = text.size();
    for (; left > sizeof(std::uint64_t); at += sizeof(std::uint64_t), left -= sizeof(std::uint64_t))
      step(word<std::uint64_t>(at));
    // The rest in two reads that overlap.
    if (left >= sizeof(std::uint32_t)) {
      step(std::uint64_t{word<std::uint32_t>(at)} << 32U |
           word<std::uint32_t>(at + left - sizeof(std::uint32_t)));
    } else if (left > 0) {
      const auto byte = [at](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(at[i])}; };
      step(byte(0) << 16U | byte(left / 2) << 8U | byte(left - 1));
    }
  }
  std::uint64_t value() const { return (hash_ ^ hash_ >> 32U) * kOddMultiplier >> 16U; }

 private:
  static constexpr std::uint64_t kOddMultiplier = 0x9e3779b97f4a7c15ULL;  // 2^64 / golden ratio

  template <class Word>
  static Word word(const char* at) {
    Word out = 0;
    std::memcpy(&out, at, sizeof out);
    return out;
  }
  void step(std::uint64_t piece) { hash_ = (std::rotl(hash_, 29) ^ piece) * kOddMultiplier; }

  std::uint64_t hash_ = 0;
};

template <class AnyTags>
std::uint64_t hash_any(const AnyTags& tags) {
  TagHash hash;
  for (const auto& tag : tags) {
    hash.add(tag.key);
    hash.add(tag.value);
  }
  return hash.value();
}

struct Sizes {
  std::uint32_t key;
  std::uint32_t value;
};

std::size_t key_bytes(const metrics::Tags& tags) {
  std::size_t size = 0;
  for (const metrics::Tag& tag : tags) size += sizeof(Sizes) + tag.key.size() + tag.value.size();
  return size;
}

/// @param key of `bytes` bytes.
bool is_key_of(const char* key, std::size_t bytes, std::span<const metrics::TagView> tags) {
  const char* const end = key + bytes;
  for (const metrics::TagView& tag : tags) {
    if (key == end) return false;
    Sizes sizes{};
    std::memcpy(&sizes, key, sizeof sizes);
    key += sizeof sizes;
    if (sizes.key != tag.key.size() || sizes.value != tag.value.size()) return false;
    if (std::memcmp(key, tag.key.data(), sizes.key) != 0) return false;
    if (std::memcmp(key + sizes.key, tag.value.data(), sizes.value) != 0) return false;
    key += sizes.key + sizes.value;
  }
  return key == end;
}

}  // namespace

std::uint64_t hash_tags(std::span<const metrics::TagView> tags) {
  return hash_any(tags);
}

std::uint64_t hash_tags(const metrics::Tags& tags) {
  return hash_any(tags);
}

const SeriesId* SeriesIndex::find(std::span<const metrics::TagView> tags, std::uint64_t hash) const {
  if (slots_.empty()) return nullptr;
  for (std::size_t at = home_of(hash); slots_[at].key != nullptr; at = next(at)) {
    const Slot& slot = slots_[at];
    if (slot.hash == hash && is_key_of(slot.key.get(), slot.key_bytes, tags)) return &slot.series.id;
  }
  return nullptr;
}

void SeriesIndex::place(Slot slot) {
  std::size_t at = home_of(slot.hash);
  while (slots_[at].key != nullptr) at = next(at);
  slots_[at] = std::move(slot);
}

void SeriesIndex::add(const SeriesInfo& series, std::uint64_t hash) {
  // At most two thirds are taken: beyond it linear probing walks far.
  if (slots_.empty() || 3 * (size_ + 1) > 2 * slots_.size()) {
    std::vector<Slot> before(slots_.empty() ? kFirstSlots : 2 * slots_.size());
    std::swap(before, slots_);
    for (Slot& slot : before) {
      if (slot.key != nullptr) place(std::move(slot));
    }
  }
  Slot made;
  made.hash = hash;
  made.key_bytes = key_bytes(*series.tags);
  made.key = std::make_unique<char[]>(made.key_bytes);
  made.series = series;
  char* at = made.key.get();
  for (const metrics::Tag& tag : *series.tags) {
    const Sizes sizes{static_cast<std::uint32_t>(tag.key.size()),
                      static_cast<std::uint32_t>(tag.value.size())};
    std::memcpy(at, &sizes, sizeof sizes);
    at += sizeof sizes;
    at += tag.key.copy(at, tag.key.size());
    at += tag.value.copy(at, tag.value.size());
  }
  place(std::move(made));
  ++size_;
}

void SeriesIndex::remove(SeriesId id, std::uint64_t hash) {
  if (slots_.empty()) return;
  std::size_t at = home_of(hash);
  while (slots_[at].key != nullptr && slots_[at].series.id != id) at = next(at);
  if (slots_[at].key == nullptr) return;
  slots_[at] = Slot{};
  --size_;
  // Those behind it, up to the next free one, may have come past it on the way from their own places.
  for (std::size_t later = next(at); slots_[later].key != nullptr; later = next(later))
    place(std::exchange(slots_[later], Slot{}));
}

}  // namespace gpuscale::tsdb

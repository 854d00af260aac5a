// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_index.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "metrics/line_protocol.h"

namespace gpuscale::tsdb {
namespace {

constexpr std::size_t kFirstSlots = 16;

template <class Word>
Word word_at(const char* at) {
  Word out = 0;
  std::memcpy(&out, at, sizeof out);
  return out;
}

/// A text that is no tag_text: that one begins with a comma, or is empty.
constexpr char kOtherForm = '\\';

void append_size(std::string& out, std::size_t size) {
  const auto value = static_cast<std::uint32_t>(size);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof bytes);
}

template <class AnyTags>
std::string text_of(const AnyTags& tags) {
  const auto has_backslash = [](const auto& tag) {
    return tag.key.find('\\') != tag.key.npos || tag.value.find('\\') != tag.value.npos;
  };
  if (std::none_of(tags.begin(), tags.end(), has_backslash)) return metrics::line_tags(tags);
  std::string out(1, kOtherForm);
  for (const auto& tag : tags) {
    append_size(out, tag.key.size());
    append_size(out, tag.value.size());
    out += tag.key;
    out += tag.value;
  }
  return out;
}

}  // namespace

std::string index_text(std::span<const metrics::TagView> tags) {
  return text_of(tags);
}

std::string index_text(const metrics::Tags& tags) {
  return text_of(tags);
}

std::uint64_t hash_text(std::string_view text) {
  constexpr std::uint64_t kOddMultiplier = 0x9e3779b97f4a7c15ULL;  // 2^64 / golden ratio
  std::uint64_t hash = text.size() * kOddMultiplier;
  const auto step = [&hash](std::uint64_t piece) { hash = (std::rotl(hash, 29) ^ piece) * kOddMultiplier; };
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left > sizeof(std::uint64_t); at += sizeof(std::uint64_t), left -= sizeof(std::uint64_t))
    step(word_at<std::uint64_t>(at));
  // The rest in two reads that overlap.
  if (left >= sizeof(std::uint32_t)) {
    step(std::uint64_t{word_at<std::uint32_t>(at)} << 32U |
         word_at<std::uint32_t>(at + left - sizeof(std::uint32_t)));
  } else if (left > 0) {
    const auto byte = [at](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(at[i])}; };
    step(byte(0) << 16U | byte(left / 2) << 8U | byte(left - 1));
  }
  return (hash ^ hash >> 32U) * kOddMultiplier >> 16U;
}

const SeriesId* SeriesIndex::find(std::string_view text, std::uint64_t hash) const {
  if (slots_.empty()) return nullptr;
  for (std::size_t at = home_of(hash); slots_[at].text != nullptr; at = next(at)) {
    const Slot& slot = slots_[at];
    if (slot.hash == hash && text == std::string_view(slot.text.get(), slot.size)) return &slot.series.id;
  }
  return nullptr;
}

void SeriesIndex::place(Slot slot) {
  std::size_t at = home_of(slot.hash);
  while (slots_[at].text != nullptr) at = next(at);
  slots_[at] = std::move(slot);
}

void SeriesIndex::add(const SeriesInfo& series, std::string_view text, std::uint64_t hash) {
  // At most two thirds are taken: beyond it linear probing walks far.
  if (slots_.empty() || 3 * (size_ + 1) > 2 * slots_.size()) {
    std::vector<Slot> before(slots_.empty() ? kFirstSlots : 2 * slots_.size());
    std::swap(before, slots_);
    for (Slot& slot : before) {
      if (slot.text != nullptr) place(std::move(slot));
    }
  }
  Slot made;
  made.hash = hash;
  made.text = std::make_unique<char[]>(text.size());
  made.size = text.copy(made.text.get(), text.size());
  made.series = series;
  place(std::move(made));
  ++size_;
}

void SeriesIndex::remove(SeriesId id, std::uint64_t hash) {
  if (slots_.empty()) return;
  std::size_t at = home_of(hash);
  while (slots_[at].text != nullptr && slots_[at].series.id != id) at = next(at);
  if (slots_[at].text == nullptr) return;
  slots_[at] = Slot{};
  --size_;
  // Those behind it, up to the next free one, may have come past it on the way from their own places.
  for (std::size_t later = next(at); slots_[later].text != nullptr; later = next(later))
    place(std::exchange(slots_[later], Slot{}));
}

}  // namespace gpuscale::tsdb

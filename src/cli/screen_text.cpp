// SPDX-License-Identifier: Apache-2.0
#include "cli/screen_text.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.h"
#include "cli/table.h"

namespace gpuscale::cli {
namespace {

/// Control characters, and those that turn the direction of text or have no width: they could hide what a
/// line says.
bool is_unsafe(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
         code == base::Utf8Character::kBroken;
}

std::size_t columns_of_glyph(char32_t code, std::string_view bytes) {
  // Signs and dingbats, which terminals show one or two columns wide (UAX #11: some are W, some neutral).
  if ((code >= 0x2300 && code <= 0x23ff) || (code >= 0x2600 && code <= 0x27bf) ||
      (code >= 0x2b00 && code <= 0x2bff) || code >= 0x1f000) {
    return 2;
  }
  return display_width(bytes);
}

/// Calls `each(bytes to show, columns)`, until it returns false.
template <typename Each>
void for_each_glyph(std::string_view text, const Each& each) {
  while (!text.empty()) {
    const base::Utf8Character glyph = base::first_character(text);
    const std::string_view bytes = text.substr(0, std::max<std::size_t>(glyph.bytes, 1));
    const bool unsafe = is_unsafe(glyph.code);
    const bool blank = glyph.code == '\n' || glyph.code == '\t' || glyph.code == '\r';
    const std::string_view shown = blank ? " " : unsafe ? "?" : bytes;
    if (!each(shown, unsafe ? 1 : columns_of_glyph(glyph.code, bytes))) return;
    text.remove_prefix(bytes.size());
  }
}

std::string_view escape_of(Ink ink) {
  switch (ink) {
    case Ink::kPlain:
      return "";
    case Ink::kBold:
      return "\x1b[1m";
    case Ink::kDim:
      return "\x1b[2m";
    case Ink::kGreen:
      return "\x1b[32m";
    case Ink::kYellow:
      return "\x1b[33m";
    case Ink::kRed:
      return "\x1b[31m";
    case Ink::kCyan:
      return "\x1b[36m";
  }
  return "";
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for_each_glyph(text, [&columns](std::string_view, std::size_t width) {
    columns += width;
    return true;
  });
  return columns;
}

std::string fit(std::string_view text, std::size_t width, bool unicode) {
  const bool cut = columns_of(text) > width;
  const std::size_t room = cut && width > 0 ? width - 1 : width;
  std::string out;
  std::size_t used = 0;
  for_each_glyph(text, [&](std::string_view shown, std::size_t columns) {
    if (used + columns > room) return false;
    out += shown;
    used += columns;
    return true;
  });
  if (cut && width > 0) out += unicode ? "…" : "~";
  return out;
}

void ScreenLine::add(std::string_view text, Ink ink) {
  const std::string shown = fit(text, left(), unicode_);
  if (shown.empty()) return;
  const std::string_view escape = color_ ? escape_of(ink) : "";
  text_ += escape;
  text_ += shown;
  if (!escape.empty()) text_ += "\x1b[0m";
  columns_ += columns_of(shown);
}

void ScreenLine::pad_to(std::size_t column) {
  column = std::min(column, width_);
  if (column <= columns_) return;
  text_.append(column - columns_, ' ');
  columns_ = column;
}

std::string bar(std::optional<double> percent, std::optional<double> mark, std::size_t width, bool unicode) {
  if (!percent || !std::isfinite(*percent)) {
    std::string absent = fit("no data", width, unicode);
    absent.append(width - columns_of(absent), ' ');
    return absent;
  }
  const double filled = std::clamp(*percent, 0.0, 100.0) / 100 * static_cast<double>(width);
  std::size_t marked = width;  // = nowhere
  if (mark && *mark >= 0 && *mark <= 100 && width > 0) {
    marked = std::min(static_cast<std::size_t>(*mark / 100 * static_cast<double>(width)), width - 1);
  }
  constexpr std::array<std::string_view, 8> kEighths{"░", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string out;
  for (std::size_t i = 0; i < width; ++i) {
    const double within = filled - static_cast<double>(i);
    if (i == marked) {
      out += unicode ? "│" : "|";
    } else if (within >= 1) {
      out += unicode ? "█" : "#";
    } else if (!unicode) {
      out += within >= 0.5 ? '#' : '.';
    } else {
      out += kEighths[static_cast<std::size_t>(std::max(0.0, within) * 8)];
    }
  }
  return out;
}

}  // namespace gpuscale::cli

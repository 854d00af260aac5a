// SPDX-License-Identifier: Apache-2.0
/// One line of a terminal screen: pieces of text in ink, never wider than the screen, never holding a control
/// character that came from outside.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gpuscale::cli {

enum class Ink { kPlain, kBold, kDim, kGreen, kYellow, kRed, kCyan };

/// Columns that `text` takes at most: wide characters twice, also those that only some terminals show wide.
std::size_t columns_of(std::string_view text);

/// `text` with control characters and broken UTF-8 as '?', cut to `width` columns with "…" (or "~") where it
/// is longer.
std::string fit(std::string_view text, std::size_t width, bool unicode);
/// "████▌     |" : percent 0..100 over `width` columns, a mark at `mark` percent.
std::string bar(std::optional<double> percent, std::optional<double> mark, std::size_t width, bool unicode);

class ScreenLine {
 public:
  ScreenLine(std::size_t width, bool color, bool unicode) : width_(width), color_(color), unicode_(unicode) {}

  /// Cuts what does not fit.
  void add(std::string_view text, Ink ink = Ink::kPlain);
  void pad_to(std::size_t column);
  std::size_t left() const { return width_ - columns_; }
  const std::string& text() const { return text_; }

 private:
  std::size_t width_;
  bool color_;
  bool unicode_;
  std::size_t columns_ = 0;
  std::string text_;
};

}  // namespace gpuscale::cli

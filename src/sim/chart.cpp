// SPDX-License-Identifier: Apache-2.0
#include "sim/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace gpuscale::sim {
namespace {

constexpr double kWidth = 960;
constexpr double kHeight = 360;
constexpr double kLeft = 48;
constexpr double kRight = 16;
constexpr double kTop = 56;
constexpr double kBottom = 32;
constexpr std::size_t kColumns = 896;  // of pixels between the axes
/// Okabe and Ito's palette: told apart by people who see colours differently.
constexpr std::array<const char*, 8> kColours{"#999999", "#0072B2", "#D55E00", "#009E73",
                                              "#CC79A7", "#E69F00", "#56B4E9", "#000000"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
  }
  return out;
}

std::string number(double value) {
  std::array<char, 40> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), "%.5g", value);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" +
         escaped(text) + "</text>\n";
}

/// The greatest of the values that fall into each column.
std::vector<double> columns_of(const std::vector<double>& values) {
  if (values.size() <= kColumns) return values;
  std::vector<double> out(kColumns, 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    double& column = out[i * kColumns / values.size()];
    column = std::max(column, values[i]);
  }
  return out;
}

/// 1, 2 or 5 times a power of ten, so that at most `lines` steps reach `top`.
double grid_step(double top, int lines) {
  double step = std::pow(10, std::floor(std::log10(top / lines)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    if (step * factor * lines >= top) return step * factor;
  }
  return step * 10;
}

}  // namespace

std::string render_svg(const std::string& title, const std::vector<ChartLine>& lines,
                       std::int64_t tick_seconds) {
  double top = 1;
  std::size_t ticks = 1;
  for (const ChartLine& line : lines) {
    for (const double value : line.values) top = std::max(top, value);
    ticks = std::max(ticks, line.values.size());
  }
  const double step = grid_step(top, 6);
  top = std::ceil(top / step) * step;
  const double hours = static_cast<double>(ticks) * static_cast<double>(tick_seconds) / 3600;
  const double hour_step = grid_step(hours, 8);
  const auto x_of = [&](double share) { return kLeft + share * (kWidth - kLeft - kRight); };
  const auto y_of = [&](double value) {
    return kHeight - kBottom - value / top * (kHeight - kTop - kBottom);
  };

  std::string out =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 360\" font-family=\"sans-serif\" "
      "font-size=\"12\" fill=\"#333\">\n<rect width=\"960\" height=\"360\" fill=\"#fff\"/>\n";
  out += text_at(kLeft, 20, "start", title);
  for (double value = 0; value <= top + step / 2; value += step) {
    out += "<path d=\"M" + number(kLeft) + " " + number(y_of(value)) + "H" + number(kWidth - kRight) +
           "\" stroke=\"#ddd\"/>\n" + text_at(kLeft - 6, y_of(value) + 4, "end", number(value));
  }
  for (double hour = 0; hour <= hours; hour += hour_step) {
    out += text_at(x_of(hour / hours), kHeight - kBottom + 18, "middle", number(hour) + " h");
  }
  double legend = kLeft;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string colour = kColours[i % kColours.size()];
    const std::vector<double> columns = columns_of(lines[i].values);
    std::string points;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const double share =
          static_cast<double>(c) / static_cast<double>(std::max<std::size_t>(1, columns.size() - 1));
      points += number(x_of(share)) + "," + number(y_of(columns[c])) + " ";
    }
    out += "<polyline fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"1.2\" points=\"" + points +
           "\"/>\n";
    out += "<path d=\"M" + number(legend) + " 38h16\" stroke=\"" + colour + "\" stroke-width=\"3\"/>\n" +
           text_at(legend + 20, 42, "start", lines[i].name);
    legend += 36 + 7.0 * static_cast<double>(lines[i].name.size());
  }
  return out + "</svg>\n";
}

}  // namespace gpuscale::sim

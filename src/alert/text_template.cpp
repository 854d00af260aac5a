// SPDX-License-Identifier: Apache-2.0
#include "alert/text_template.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace gpuscale::alert {
namespace {

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string place_of(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t begin = before.rfind('\n');
  const std::size_t column = begin == std::string_view::npos ? at + 1 : at - begin;
  return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
}

std::string plain(const nlohmann::json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) {
    // 91, not the 91.0 that JSON's writer prints: people read it.
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value.get<double>()).ptr;
    return {buffer.data(), end};
  }
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Result<TextTemplate::Part> TextTemplate::parse_place(std::string_view inside,
                                                     const std::vector<std::string>& known) {
  Part part;
  std::string_view path = inside;
  if (const std::size_t bar = inside.find('|'); bar != std::string_view::npos) {
    const std::string_view filter = without_blanks(inside.substr(bar + 1));
    path = inside.substr(0, bar);
    if (filter != "json" && filter != "upper") {
      return fail(Errc::kInvalidArgument, "no filter \"" + std::string(filter) + "\"; known: json, upper");
    }
    part.filter = filter == "json" ? Filter::kJson : Filter::kUpper;
  }
  path = without_blanks(path);
  if (path.empty()) return fail(Errc::kInvalidArgument, "an empty place; write {{ name }}");
  while (true) {
    const std::size_t dot = path.find('.');
    const std::string_view step = path.substr(0, dot);
    if (step.empty() || step.find_first_of(" \t\r\n{}") != std::string_view::npos) {
      return fail(Errc::kInvalidArgument,
                  "\"" + std::string(path) + "\" is no name; write {{ labels.node }}");
    }
    part.path.emplace_back(step);
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  if (std::find(known.begin(), known.end(), part.path.front()) == known.end()) {
    std::string names;
    for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
    return fail(Errc::kInvalidArgument, "no value \"" + part.path.front() + "\"; known: " + names);
  }
  return part;
}

Result<TextTemplate> TextTemplate::parse(std::string_view text, const std::vector<std::string>& known) {
  if (text.size() > kMaxText) {
    return fail(Errc::kInvalidArgument, "is longer than " + std::to_string(kMaxText) + " bytes");
  }
  TextTemplate out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = std::min(text.find("{{", at), text.size());
    if (open > at) out.parts_.push_back({std::string(text.substr(at, open - at)), {}, Filter::kPlain});
    if (open == text.size()) break;
    const std::size_t close = text.find("}}", open + 2);
    if (close == std::string_view::npos) {
      return fail(Errc::kInvalidArgument, place_of(text, open) + "\"{{\" without \"}}\"");
    }
    auto part = parse_place(text.substr(open + 2, close - open - 2), known);
    if (!part) return fail(Errc::kInvalidArgument, place_of(text, open) + part.error().message());
    out.parts_.push_back(*std::move(part));
    at = close + 2;
  }
  return out;
}

std::string TextTemplate::render(const nlohmann::json& values) const {
  std::string out;
  for (const Part& part : parts_) {
    if (part.path.empty()) {
      out += part.text;
    } else {
      const nlohmann::json* value = &values;
      for (const std::string& step : part.path) {
        const bool there = value->is_object() && value->contains(step);
        static const nlohmann::json kNothing;
        value = there ? &(*value)[step] : &kNothing;
      }
      std::string text = part.filter == Filter::kJson
                             ? value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                             : plain(*value);
      if (part.filter == Filter::kUpper) {
        std::transform(text.begin(), text.end(), text.begin(),
                       [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
      }
      out += text;
    }
    if (out.size() >= kMaxRendered) {
      out.resize(kMaxRendered);
      break;
    }
  }
  return out;
}

}  // namespace gpuscale::alert

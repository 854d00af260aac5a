// SPDX-License-Identifier: Apache-2.0
#include "metrics/line_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/same_bytes.h"
#include "metrics/line_escapes.h"
#include "metrics/line_exact.h"
#include "metrics/line_number.h"

namespace gpuscale::metrics {
namespace {

// Keys longer than this go to the exact reader, which knows the limit and its words.
constexpr std::ptrdiff_t kLongKey = 32'768;

enum CharClass : std::uint8_t { kOrdinary = 0, kStop = 1 };

constexpr std::array<std::uint8_t, 256> stops(std::string_view characters) {
  std::array<std::uint8_t, 256> table{};
  for (const char c : characters) table[static_cast<unsigned char>(c)] = kStop;
  return table;
}
constexpr auto kKeyStops = stops(", =\\\n");

const char* scan_key(const char* p, const char* end) {
  while (p != end && kKeyStops[static_cast<unsigned char>(*p)] == kOrdinary) ++p;
  return p;
}

/// Reads well-formed lines without escapes in one pass; gives up (nullptr) on anything else, without a
/// verdict: then the exact reader decides. So this one may be quick and need not know any rule twice.
class QuickReader {
 public:
  QuickReader(const LineContext& context, ParsedLines& out) : context_(context), out_(out) {}

  /// @return the end of the line (its newline or `end`), or nullptr.
  const char* read(const char* p, const char* end, PointView& point) {
    const char* const begin = p;
    p = scan_key(p, end);
    if (p == begin || p == end || (*p != ',' && *p != ' ')) return nullptr;
    point.measurement = {begin, static_cast<std::size_t>(p - begin)};
    const char* const tags_begin = p;
    const std::size_t first_tag = out_.tag_storage.size();
    p = read_tags(p, end);
    if (p == nullptr || p - begin > kLongKey) return nullptr;
    point.tag_text = {tags_begin, static_cast<std::size_t>(p - tags_begin)};
    const std::size_t tags = out_.tag_storage.size() - first_tag;
    const std::size_t first_field = out_.field_storage.size();
    bool guessed = true;
    p = read_fields(p + 1, end, guessed);
    p = p == nullptr ? nullptr : time(p, end, point);
    if (p == nullptr) return nullptr;
    const std::size_t fields = out_.field_storage.size() - first_field;
    point.same_keys = guessed && fields == previous_.fields && previous_.points == out_.points.size();
    previous_ = {first_tag, tags, first_field, fields, out_.points.size() + 1};
    return p;
  }

 private:
  /// At ',' or ' '; ends at the ' ' before the fields.
  const char* read_tags(const char* p, const char* end) {
    std::string_view before;  // the key of the tag before
    bool ordered = true;      // the keys so far are those of the line before
    for (std::size_t n = 0; *p == ','; ++n) {
      std::string_view guess;
      if (n < previous_.tags) guess = out_.tag_storage[previous_.first_tag + n].key;
      const char* const key = ++p;
      if (stands_before(p, end, guess, '=')) {
        p += guess.size();
      } else {
        ordered = false;
        p = scan_key(p, end);
        if (p == end || *p != '=' || p == key) return nullptr;
      }
      const std::string_view name(key, static_cast<std::size_t>(p - key));
      const char* const value = ++p;
      p = scan_key(p, end);
      const bool escaped = p != end && *p == '\\';
      if (escaped) p = scan_escaped(p, end);
      if (p == end || p == value || (*p != ',' && *p != ' ')) return nullptr;
      if (!ordered && n > 0 && before >= name) return nullptr;
      before = name;
      const std::string_view text(value, static_cast<std::size_t>(p - value));
      out_.tag_storage.add() = {name, escaped ? unescaped(text) : text};
    }
    return *p == ' ' ? p : nullptr;
  }

  /// Whether what was guessed stands at `p` and `stop` behind it; an empty text is no guess.
  static bool stands_before(const char* p, const char* end, std::string_view guess, char stop) {
    return !guess.empty() && static_cast<std::size_t>(end - p) > guess.size() && p[guess.size()] == stop &&
           base::same_bytes(p, guess.data(), guess.size());
  }

  /// From a backslash to the end of the tag's value; `end` where it is anything but an escaped separator.
  static const char* scan_escaped(const char* p, const char* end) {
    while (p != end && *p == '\\') {
      if (end - p < 2 || (p[1] != ' ' && p[1] != ',' && p[1] != '=')) return end;
      p = scan_key(p + 2, end);
    }
    return p;
  }

  /// Values with spaces (the names of devices) are mostly those of the line before.
  std::string_view unescaped(std::string_view text) {
    if (text == escaped_before_) return plain_before_;
    std::string plain;
    plain.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\') ++i;
      plain.push_back(text[i]);
    }
    escaped_before_ = text;
    plain_before_ = out_.unescaped.emplace_back(std::move(plain));
    return plain_before_;
  }

  /// @param guessed set to false where a key is not that of the line before. Lines of one body mostly have
  /// the same fields in the same order: then the key needs no scan.
  const char* read_fields(const char* p, const char* end, bool& guessed) {
    for (std::size_t n = 0;; ++n, ++p) {
      const char* const key = p;
      FieldView& field = out_.field_storage.add();
      std::string_view guess;
      if (n < previous_.fields) guess = out_.field_storage[previous_.first_field + n].key;
      if (stands_before(p, end, guess, '=')) {
        p += guess.size();
      } else {
        guessed = false;
        p = scan_key(p, end);
        if (p == end || *p != '=' || p == key || p - key > kLongKey) return nullptr;
        if (*key == '\t' || *key == '\0') return nullptr;
      }
      field.key = {key, static_cast<std::size_t>(p - key)};
      p = value(p + 1, end, field);
      if (p == nullptr) return nullptr;
      if (p == end || *p == ' ' || *p == '\n') break;
      if (*p != ',') return nullptr;
    }
    return p;
  }

  static const char* value(const char* p, const char* end, FieldView& field) {
    if (p == end) return nullptr;
    const char c = *p;
    if ((c >= '0' && c <= '9') || c == '-' || c == '.') {
      return number(p, end, field);
    }
    if (c == '"') {
      const char* const text = p + 1;
      for (p = text; p != end && *p != '"'; ++p) {
        if (*p == '\\') return nullptr;
      }
      if (p == end) return nullptr;
      field.value = std::string_view(text, static_cast<std::size_t>(p - text));
      return p + 1;
    }
    const char* const stop = scan_key(p, end);
    const std::string_view text(p, static_cast<std::size_t>(stop - p));
    if (text == "t" || text == "true") {
      field.value = true;
    } else if (text == "f" || text == "false") {
      field.value = false;
    } else {
      return nullptr;
    }
    return stop;
  }

  static const char* number(const char* p, const char* end, FieldView& field) {
    const char* const quick = quick_number(p, end, field.value);
    if (quick != nullptr && ends_value(quick, end)) return quick;
    const char* stop = p;
    while (stop != end && ((*stop >= '0' && *stop <= '9') ||
                           std::string_view("+-.eE").find(*stop) != std::string_view::npos))
      ++stop;
    if (!ends_value(stop, end)) return nullptr;
    const auto value = exact_double({p, static_cast<std::size_t>(stop - p)});
    if (!value) return nullptr;
    field.value = *value;
    return stop;
  }

  static bool ends_value(const char* p, const char* end) {
    return p == end || *p == ',' || *p == ' ' || *p == '\n';
  }

  const char* time(const char* p, const char* end, PointView& point) {
    if (p == end || *p == '\n') {
      point.time_ns = context_.default_time_ns;
      return p;
    }
    const char* const begin = ++p;
    // Mostly the time of the line before.
    if (stands_before(p, end, time_before_, '\n')) {
      point.time_ns = time_ns_before_;
      return p + time_before_.size();
    }
    while (p != end && *p != '\n') ++p;
    if (!read_time(begin, p, point)) return nullptr;
    time_before_ = {begin, static_cast<std::size_t>(p - begin)};
    time_ns_before_ = point.time_ns;
    return p;
  }

  bool read_time(const char* begin, const char* end, PointView& point) const {
    const auto value = quick_integer({begin, static_cast<std::size_t>(end - begin)});
    if (value) return scale_time(*value, context_.precision, point.time_ns);
    // Nanoseconds of our days have 19 digits.
    return nineteen_digits(begin, end, point);
  }

  bool nineteen_digits(const char* begin, const char* end, PointView& point) const {
    constexpr std::ptrdiff_t kDigits = 19;
    if (end - begin != kDigits || *begin < '1' || *begin > '8') return false;
    const auto rest = quick_integer({begin + 1, static_cast<std::size_t>(kDigits - 1)});
    if (!rest || begin[1] == '-') return false;
    return scale_time((*begin - '0') * 1'000'000'000'000'000'000 + *rest, context_.precision, point.time_ns);
  }

  const LineContext& context_;
  ParsedLines& out_;
  /// What the line before has in the storages, and how many points there are with it.
  struct Previous {
    std::size_t first_tag = 0;
    std::size_t tags = 0;
    std::size_t first_field = 0;
    std::size_t fields = 0;
    std::size_t points = 0;
  };
  Previous previous_;
  std::string_view escaped_before_;
  std::string_view plain_before_;
  std::string_view time_before_;
  std::int64_t time_ns_before_ = 0;
};

/// The first line has been read: room for as many of its kind, where they are not too many to be believed.
void expect_more_like_it(ParsedLines& out, std::size_t lines) {
  constexpr std::size_t kMostLines = 1'024;
  constexpr std::size_t kMostViews = 32'768;  // beyond it they grow as they come
  const std::size_t expected = std::min(lines, kMostLines) + 1;
  out.points.reserve(expected);
  out.extents.reserve(expected);
  out.tag_storage.reserve(std::min(kMostViews, expected * out.tag_storage.size()));
  out.field_storage.reserve(std::min(kMostViews, expected * out.field_storage.size()));
}

/// The storages have stopped growing: now views into them last.
void attach_spans(ParsedLines& out) {
  std::size_t tags = 0;
  std::size_t fields = 0;
  for (std::size_t i = 0; i < out.points.size(); ++i) {
    const ParsedLines::Extent& extent = out.extents[i];
    out.points[i].tags = out.tag_storage.part(tags, extent.tags);
    out.points[i].fields = out.field_storage.part(fields, extent.fields);
    tags += extent.tags;
    fields += extent.fields;
  }
}

void append_escaped(std::string& out, std::string_view text, std::string_view escapes) {
  // A backslash at the end would escape the delimiter that follows, and line protocol has no way to write it.
  while (!text.empty() && text.back() == '\\') text.remove_suffix(1);
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (escapes.find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
}

template <typename Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out.append(text.data(), end);
}

bool is_writable(const FieldValue& value) {
  const auto* number = std::get_if<double>(&value);
  return number == nullptr || std::isfinite(*number);
}

void append_value(std::string& out, const FieldValue& value) {
  switch (type_of(value)) {
    case FieldType::kFloat:
      append_number(out, std::get<double>(value));
      break;
    case FieldType::kInteger:
      append_number(out, std::get<std::int64_t>(value));
      out.push_back('i');
      break;
    case FieldType::kBoolean:
      out += std::get<bool>(value) ? "true" : "false";
      break;
    case FieldType::kString:
      out.push_back('"');
      for (const char c : std::get<std::string>(value)) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
      }
      out.push_back('"');
      break;
  }
}

void append_tag(std::string& out, std::string_view key, std::string_view value) {
  out.push_back(',');
  append_escaped(out, key, kTagEscapes);
  out.push_back('=');
  append_escaped(out, value, kTagEscapes);
}

template <typename AnyTags>
std::string make_line_tags(const AnyTags& tags) {
  std::string out;
  const auto append = [&out](std::string_view text) {
    for (const char c : text) {
      if (kTagEscapes.find(c) != std::string_view::npos) out.push_back('\\');
      out.push_back(c);
    }
  };
  for (const auto& tag : tags) {
    out.push_back(',');
    append(tag.key);
    out.push_back('=');
    append(tag.value);
  }
  return out;
}

template <typename AnyTags>
std::string make_series_key(std::string_view measurement, const AnyTags& tags) {
  std::string key;
  append_escaped(key, measurement, kMeasurementEscapes);
  for (const auto& tag : tags) append_tag(key, tag.key, tag.value);
  return key;
}

}  // namespace

Precision parse_precision(std::string_view text) {
  if (text == "u") return Precision::kMicros;
  if (text == "ms") return Precision::kMillis;
  if (text == "s") return Precision::kSeconds;
  if (text == "m") return Precision::kMinutes;
  if (text == "h") return Precision::kHours;
  return Precision::kNanos;
}

std::int64_t nanos_per(Precision precision) {
  switch (precision) {
    case Precision::kMicros:
      return 1'000;
    case Precision::kMillis:
      return 1'000'000;
    case Precision::kSeconds:
      return 1'000'000'000;
    case Precision::kMinutes:
      return 60'000'000'000;
    case Precision::kHours:
      return 3'600'000'000'000;
    case Precision::kNanos:
      break;
  }
  return 1;
}

LineReader::LineReader(std::string_view body, Precision precision, std::int64_t now_ns)
    : body_(body), precision_(precision) {
  const std::int64_t unit = nanos_per(precision);
  const std::int64_t remainder = now_ns % unit;
  default_time_ns_ = now_ns - (remainder < 0 ? remainder + unit : remainder);
}

bool LineReader::read(std::size_t most_points, ParsedLines& out) {
  out.points.clear();
  out.tag_storage.clear();
  out.field_storage.clear();
  out.unescaped.clear();
  const LineContext context{precision_, default_time_ns_};
  QuickReader quick(context, out);
  out.extents.clear();
  for (; at_ < body_.size() && out.points.size() < most_points; ++at_) {
    const std::size_t tags_before = out.tag_storage.size();
    const std::size_t fields_before = out.field_storage.size();
    const std::size_t line_begin = at_;
    while (at_ < body_.size() && (body_[at_] == ' ' || body_[at_] == '\t' || body_[at_] == '\0')) ++at_;
    if (at_ == body_.size()) break;
    if (body_[at_] == '\n') continue;
    const std::size_t begin = at_;
    PointView point{};
    const char* const end =
        body_[at_] == '#' ? nullptr : quick.read(body_.data() + at_, body_.data() + body_.size(), point);
    if (end != nullptr) {
      at_ = static_cast<std::size_t>(end - body_.data());
    } else {
      point = PointView{};  // what the quick reader began
      out.tag_storage.cut(tags_before);
      out.field_storage.cut(fields_before);
      at_ = find_line_end(body_, line_begin);
      if (body_[begin] == '#') continue;
      std::string_view line = body_.substr(begin, at_ - begin);
      // The body ended inside of quotes: its last newline ends the line all the same.
      if (line.ends_with('\n')) line.remove_suffix(1);
      if (auto error = parse_exact_line(line, context, out, point); !error.empty()) {
        out.errors.push_back("unable to parse '" + std::string(line) + "': " + error);
        out.tag_storage.cut(tags_before);
        out.field_storage.cut(fields_before);
        continue;
      }
    }
    if (out.points.empty()) {
      expect_more_like_it(out, std::min(most_points - 1, (body_.size() - at_) / (at_ - begin)));
    }
    out.points.push_back(point);
    out.extents.push_back({out.tag_storage.size() - tags_before, out.field_storage.size() - fields_before});
  }
  attach_spans(out);
  return !out.points.empty();
}

ParsedLines parse_lines(std::string_view body, Precision precision, std::int64_t now_ns) {
  ParsedLines out;
  LineReader(body, precision, now_ns).read(std::numeric_limits<std::size_t>::max(), out);
  return out;
}

bool append_line(std::string& out, const Point& point) {
  if (std::none_of(point.fields.begin(), point.fields.end(),
                   [](const Field& field) { return is_writable(field.value); })) {
    return false;
  }
  append_escaped(out, point.measurement, kMeasurementEscapes);
  std::vector<const Tag*> tags;
  tags.reserve(point.tags.size());
  for (const Tag& tag : point.tags) {
    if (!tag.value.empty()) tags.push_back(&tag);
  }
  std::sort(tags.begin(), tags.end(), [](const Tag* a, const Tag* b) { return a->key < b->key; });
  for (const Tag* tag : tags) append_tag(out, tag->key, tag->value);
  char separator = ' ';
  for (const Field& field : point.fields) {
    if (!is_writable(field.value)) continue;
    out.push_back(separator);
    append_escaped(out, field.key, kTagEscapes);
    out.push_back('=');
    append_value(out, field.value);
    separator = ',';
  }
  if (point.time_ns) {
    out.push_back(' ');
    append_number(out, *point.time_ns);
  }
  out.push_back('\n');
  return true;
}

std::string line_tags(std::span<const TagView> tags) {
  return make_line_tags(tags);
}

std::string line_tags(const Tags& tags) {
  return make_line_tags(tags);
}

std::string series_key(std::string_view measurement, std::span<const TagView> tags) {
  return make_series_key(measurement, tags);
}

std::string series_key(std::string_view measurement, const Tags& tags) {
  return make_series_key(measurement, tags);
}

}  // namespace gpuscale::metrics

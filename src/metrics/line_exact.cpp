// SPDX-License-Identifier: Apache-2.0
#include "metrics/line_exact.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "metrics/line_escapes.h"
#include "metrics/line_number.h"

namespace gpuscale::metrics {
namespace {

// Source: InfluxDB's models.MaxKeyLength; the series key is joined to the field key by four bytes ("#!~#").
constexpr std::size_t kMaxKeyLength = 65'535;
constexpr std::size_t kKeyFieldSeparatorLength = 4;
constexpr std::size_t kInt64Digits = 19;

// Source: InfluxDB reads a measurement with one escape more than it writes it with.
constexpr std::string_view kReadMeasurementEscapes = ", =";
constexpr std::string_view kFieldKeyEscapes = ", =\"";
constexpr std::string_view kStringEscapes = "\"\\";

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\0';
}

bool is_number_part(char c) {
  return (c >= '0' && c <= '9') || c == '.';
}

std::size_t skip_blanks(std::string_view text, std::size_t i) {
  while (i < text.size() && is_blank(text[i])) ++i;
  return i;
}

/// The text without the backslashes that stand before one of `escapes`; copied only where there are any.
std::string_view unescape(std::string_view text, std::string_view escapes, ParsedLines& out) {
  if (text.find('\\') == std::string_view::npos) return text;
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && escapes.find(text[i + 1]) != std::string_view::npos) ++i;
    plain.push_back(text[i]);
  }
  return out.unescaped.emplace_back(std::move(plain));
}

std::string key_too_long(std::size_t size) {
  return "max key length exceeded: " + std::to_string(size) + " > " + std::to_string(kMaxKeyLength);
}

/// One pass over one line; each member reads a part at `at_` and returns an error text, "" when good.
class ExactLine {
 public:
  ExactLine(std::string_view line, const LineContext& context, ParsedLines& out, PointView& point)
      : line_(line), context_(context), out_(out), point_(point) {}

  std::string parse() {
    if (auto error = key(); !error.empty()) return error;
    const std::size_t begin = skip_blanks(line_, at_);
    if (auto error = check_fields(begin); !error.empty()) return error;
    if (at_ == begin) return "missing fields";
    if (auto error = take_fields(line_.substr(begin, at_ - begin)); !error.empty()) return error;
    return time();
  }

 private:
  bool escaped(std::size_t i) const { return i > 0 && line_[i - 1] == '\\'; }
  bool at_unescaped(char c) const { return line_[at_] == c && !escaped(at_); }

  std::string key() {
    if (line_.empty() || line_[0] == ',') return "missing measurement";
    bool has_tags = false;
    for (at_ = 1;; ++at_) {
      if (at_ >= line_.size()) return "missing fields";
      if (escaped(at_)) continue;
      has_tags = line_[at_] == ',';
      if (has_tags || line_[at_] == ' ') break;
    }
    point_.measurement = unescape(line_.substr(0, at_), kReadMeasurementEscapes, out_);
    const std::size_t first = out_.tag_storage.size();
    while (has_tags) {
      ++at_;
      if (auto error = tag(has_tags); !error.empty()) return error;
    }
    if (auto error = sort_tags(first); !error.empty()) return error;
    key_length_ = at_;
    return key_length_ > kMaxKeyLength ? key_too_long(key_length_) : std::string();
  }

  std::string tag(bool& more) {
    const std::size_t key_begin = at_;
    if (at_ >= line_.size() || line_[at_] == ' ' || line_[at_] == ',' || line_[at_] == '=')
      return "missing tag key";
    for (++at_;; ++at_) {
      if (at_ >= line_.size() || at_unescaped(' ') || at_unescaped(',')) return "missing tag value";
      if (at_unescaped('=')) break;
    }
    const std::size_t key_end = at_;
    const std::size_t value_begin = ++at_;
    if (at_ >= line_.size() || line_[at_] == ',' || line_[at_] == ' ') return "missing tag value";
    for (++at_;; ++at_) {
      if (at_ >= line_.size()) return "missing fields";
      if (at_unescaped('=')) return "invalid tag format";
      more = at_unescaped(',');
      if (more || at_unescaped(' ')) break;
    }
    out_.tag_storage.add() = {unescape(line_.substr(key_begin, key_end - key_begin), kTagEscapes, out_),
                              unescape(line_.substr(value_begin, at_ - value_begin), kTagEscapes, out_)};
    return {};
  }

  std::string sort_tags(std::size_t first) {
    const std::span<TagView> tags = out_.tag_storage.part(first, out_.tag_storage.size() - first);
    const auto begin = tags.begin();
    const auto end = tags.end();
    std::sort(begin, end, [](const TagView& a, const TagView& b) { return a.key < b.key; });
    const auto twin =
        std::adjacent_find(begin, end, [](const TagView& a, const TagView& b) { return a.key == b.key; });
    return twin == end ? std::string() : "duplicate tags";
  }

  /// Finds the end of the fields and judges their form. Quotes count only inside a value, that is while there
  /// are more '=' than ','.
  std::string check_fields(std::size_t begin) {
    at_ = begin;
    std::size_t equals = 0;
    std::size_t commas = 0;
    bool quoted = false;
    while (at_ < line_.size()) {
      const char c = line_[at_];
      if (c == '\\' && at_ + 1 < line_.size()) {
        at_ += 2;
        continue;
      }
      if (c == '"' && equals > commas) {
        quoted = !quoted;
        ++at_;
        continue;
      }
      if (c == '=' && !quoted) {
        ++equals;
        bool plain = false;
        if (auto error = check_value(begin, plain); !error.empty()) return error;
        if (plain) continue;
      }
      if (c == ',' && !quoted) ++commas;
      if (c == ' ' && !quoted) break;
      ++at_;
    }
    if (quoted) return "unbalanced quotes";
    if (equals == 0 || commas != equals - 1) return "invalid field format";
    return {};
  }

  /// At an '=': its key and value must not be empty. A number or boolean is walked over and `plain` set.
  std::string check_value(std::size_t begin, bool& plain) {
    const bool nothing_before =
        at_ == begin || ((line_[at_ - 1] == ' ' || line_[at_ - 1] == ',') && !escaped(at_ - 1));
    if (nothing_before) return "missing field key";
    if (at_ + 1 >= line_.size() || line_[at_ + 1] == ',' || line_[at_ + 1] == ' ')
      return "missing field value";
    const char c = line_[at_ + 1];
    if (c == '"') return {};
    plain = true;
    ++at_;
    return is_number_part(c) || c == '-' || c == 'N' || c == 'n' ? check_number() : check_boolean();
  }

  std::string check_number() {
    const std::size_t start = at_;
    bool integer = false;
    bool decimal = false;
    bool scientific = false;
    if (line_[at_] == '-' && ++at_ == line_.size()) return "invalid number";
    for (; at_ < line_.size() && line_[at_] != ',' && line_[at_] != ' '; ++at_) {
      const char c = line_[at_];
      const bool after_first = at_ > start;
      if (c == 'i' && after_first && !integer) {
        integer = true;
      } else if (after_first && (c == 'e' || c == 'E')) {
        scientific = true;
      } else if ((c == '+' || c == '-') && after_first && (line_[at_ - 1] == 'e' || line_[at_ - 1] == 'E')) {
        continue;
      } else if (!is_number_part(c) || (c == '.' && decimal)) {
        return "invalid number";
      } else if (c == '.') {
        decimal = true;
      }
    }
    const std::string_view text = line_.substr(start, at_ - start);
    const std::size_t not_digits = (integer ? 1U : 0U) + (decimal ? 1U : 0U) + (text[0] == '-' ? 1U : 0U);
    if ((integer && (decimal || scientific || text.back() != 'i')) || text.size() == not_digits) {
      return "invalid number";
    }
    if (integer) return check_integer(text.substr(0, text.size() - 1));
    return exact_double(text) ? std::string() : "invalid float";
  }

  static std::string check_integer(std::string_view text) {
    if (text.size() < kInt64Digits) return {};
    std::int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec == std::errc()) return {};
    const std::string digits(text);
    return "unable to parse integer " + digits + ": strconv.ParseInt: parsing \"" + digits +
           "\": value out of range";
  }

  std::string check_boolean() {
    const std::size_t start = at_;
    while (at_ < line_.size() && line_[at_] != ',' && line_[at_] != ' ') ++at_;
    const std::string_view text = line_.substr(start, at_ - start);
    for (const std::string_view good :
         {"t", "T", "f", "F", "true", "True", "TRUE", "false", "False", "FALSE"}) {
      if (text == good) return {};
    }
    return "invalid boolean";
  }

  /// Cuts the checked fields apart.
  std::string take_fields(std::string_view fields) {
    for (std::size_t i = 0; i < fields.size();) {
      std::size_t key_end = i;
      while (key_end < fields.size() &&
             (fields[key_end] != '=' || (key_end > 0 && fields[key_end - 1] == '\\'))) {
        ++key_end;
      }
      if (key_end >= fields.size()) return "invalid field format";
      const std::size_t value_end = find_value_end(fields, key_end + 1);
      const std::string_view text = fields.substr(key_end + 1, value_end - key_end - 1);
      if (text.empty()) return "missing field value";
      const std::string_view raw_key = fields.substr(i, key_end - i);
      const std::size_t size = key_length_ + kKeyFieldSeparatorLength + raw_key.size();
      if (size > kMaxKeyLength) return key_too_long(size);
      FieldView field{unescape(raw_key, kFieldKeyEscapes, out_), {}};
      if (!take_value(text, field)) return "invalid field format";
      out_.field_storage.add() = field;
      i = value_end + 1;
    }
    return {};
  }

  static std::size_t find_value_end(std::string_view fields, std::size_t i) {
    bool quoted = false;
    for (; i < fields.size(); ++i) {
      const char c = fields[i];
      if (c == '\\' && i + 1 < fields.size() && (fields[i + 1] == '"' || fields[i + 1] == '\\')) {
        ++i;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        break;
      }
    }
    return std::min(i, fields.size());
  }

  bool take_value(std::string_view text, FieldView& field) {
    const char c = text.front();
    if (c == '"') {
      if (text.size() < 2) return false;
      field.value = unescape(text.substr(1, text.size() - 2), kStringEscapes, out_);
    } else if (is_number_part(c) || c == '-') {
      return take_number(text, field);
    } else {
      field.value = c == 't' || c == 'T';
    }
    return true;
  }

  static bool take_number(std::string_view text, FieldView& field) {
    if (text.back() == 'i') {
      std::int64_t value = 0;
      const char* const last = text.data() + text.size() - 1;
      const auto [end, error] = std::from_chars(text.data(), last, value);
      field.value = value;
      return error == std::errc() && end == last;
    }
    const auto value = exact_double(text);
    if (value) field.value = *value;
    return value.has_value();
  }

  std::string time() {
    const std::size_t begin = skip_blanks(line_, at_);
    std::size_t end = begin;
    for (; end < line_.size() && line_[end] != ' '; ++end) {
      const bool sign = end == begin && line_[end] == '-';
      if (!sign && (line_[end] < '0' || line_[end] > '9')) return "bad timestamp";
    }
    const std::string_view text = line_.substr(begin, end - begin);
    if (text.empty()) {
      point_.time_ns = context_.default_time_ns;
      return {};
    }
    std::int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc()) {
      const bool range = parsed.ec == std::errc::result_out_of_range;
      return "strconv.ParseInt: parsing \"" + std::string(text) +
             (range ? "\": value out of range" : "\": invalid syntax");
    }
    if (!scale_time(value, context_.precision, point_.time_ns)) {
      return "time outside range -9223372036854775806 - 9223372036854775806";
    }
    for (; end < line_.size(); ++end) {
      if (line_[end] != ' ') return "point is invalid";
    }
    return {};
  }

  std::string_view line_;
  const LineContext& context_;
  ParsedLines& out_;
  PointView& point_;
  std::size_t at_ = 0;
  std::size_t key_length_ = 0;
};

}  // namespace

std::size_t find_line_end(std::string_view body, std::size_t from) {
  bool in_fields = false;
  bool quoted = false;
  std::size_t equals = 0;
  std::size_t commas = 0;
  for (std::size_t i = from; i < body.size(); ++i) {
    const char c = body[i];
    if (c == '\\' && i + 2 < body.size()) {
      ++i;
      continue;
    }
    if (c == ' ') in_fields = true;
    if (in_fields) {
      if (!quoted && c == '=') ++equals;
      if (!quoted && c == ',') ++commas;
      if (c == '"' && equals > commas) quoted = !quoted;
    }
    if (c == '\n' && !quoted) return i;
  }
  return body.size();
}

bool scale_time(std::int64_t value, Precision precision, std::int64_t& time_ns) {
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min() + 2;
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() - 1;
  return !__builtin_mul_overflow(value, nanos_per(precision), &time_ns) && time_ns >= kMin && time_ns <= kMax;
}

std::string parse_exact_line(std::string_view line, const LineContext& context, ParsedLines& out,
                             PointView& point) {
  return ExactLine(line, context, out, point).parse();
}

}  // namespace gpuscale::metrics

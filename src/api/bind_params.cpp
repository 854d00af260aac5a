// SPDX-License-Identifier: Apache-2.0
#include "api/bind_params.h"

#include <nlohmann/json.hpp>

#include "base/duration.h"

namespace gpuscale::api {

namespace {

using influxql::Param;
using nlohmann::json;

constexpr std::size_t kMaxText = 1'000'000;

/// InfluxDB's words for a value that it cannot bind, as an Error of any kind.
Error unbindable(std::string reason) {
  return fail(Errc::kInvalidArgument, std::move(reason));
}

/// Go's words for a number that it cannot read: without a point it reads it as an integer.
std::string unreadable_number(std::string_view text) {
  const bool point = text.find('.') != std::string_view::npos;
  const bool exponent = text.find_first_of("eE") != std::string_view::npos;
  return std::string(point ? "strconv.ParseFloat" : "strconv.ParseInt") + ": parsing \"" + std::string(text) +
         (exponent && !point ? "\": invalid syntax" : "\": value out of range");
}

bool is_number(const json& value) {
  return value.is_number() || value.is_binary();
}

Result<Param> number_of(const json& value) {
  if (value.is_binary()) {
    const auto& text = value.get_binary();
    return unbindable(unreadable_number({reinterpret_cast<const char*>(text.data()), text.size()}));
  }
  if (value.is_number_integer()) return Param(value.get<std::int64_t>());
  return Param(value.get<double>());
}

/// Makes the tree of one JSON value. A number that Go would not read is kept as its text, in the form of
/// bytes, which no JSON has.
class Tree {
 public:
  json root;
  std::string error;  ///< of a number beyond all floats; "" = none, or another

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(std::int64_t value) { return put(value); }
  bool number_unsigned(std::uint64_t value) {
    if (value > 0x7fffffffffffffffULL) return text_number(std::to_string(value));
    return put(static_cast<std::int64_t>(value));
  }
  bool number_float(double value, const std::string& text) {
    return text.find('.') == std::string::npos ? text_number(text) : put(value);
  }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(json::binary_t& /*value*/) { return false; }
  bool start_object(std::size_t /*size*/) { return open(json::object()); }
  bool start_array(std::size_t /*size*/) { return open(json::array()); }
  bool key(std::string& name) {
    key_ = std::move(name);
    return true;
  }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t /*at*/, const std::string& token, const json::exception& what) {
    constexpr int kNumberOverflow = 406;
    if (what.id == kNumberOverflow) error = unreadable_number(token);
    return false;
  }

 private:
  bool text_number(const std::string& text) { return put(json::binary({text.begin(), text.end()})); }
  bool put(json value) {
    add(std::move(value));
    return true;
  }
  bool open(json value) {
    open_.push_back(&add(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  json& add(json value) {
    if (open_.empty()) return root = std::move(value);
    if (open_.back()->is_object()) return (*open_.back())[key_] = std::move(value);
    return open_.back()->emplace_back(std::move(value));
  }

  std::vector<json*> open_;
  std::string key_;
};

Result<Param> wrapped(const std::string& kind, const json& value) {
  if (value.is_binary()) return number_of(value);
  if (kind == "integer" || kind == "int") {
    if (!value.is_number_integer()) return unbindable("integer literal must be an integer value");
    return number_of(value);
  }
  if (kind == "float" || kind == "number") {
    if (!value.is_number()) return unbindable("number literal must be a float value");
    return Param(value.get<double>());
  }
  // Observed: a number is a count of nanoseconds.
  if (kind == "duration" && value.is_number_integer())
    return Param(influxql::DurationParam{Nanos{value.get<std::int64_t>()}});
  const bool identifier = kind == "identifier" || kind == "ident";
  if (!identifier && kind != "regex" && kind != "string" && kind != "duration") {
    return unbindable("unknown bind object type: " + kind);
  }
  if (!value.is_string()) {
    return unbindable(identifier ? "identifier must be a string value"
                                 : kind + " literal must be a string value");
  }
  const std::string& text = value.get_ref<const std::string&>();
  if (identifier) return Param(influxql::Identifier{text});
  if (kind == "regex") return Param(influxql::Regex{text});
  if (kind == "string") return Param(text);
  GS_TRY(const Nanos duration, base::parse_duration(text));
  return Param(influxql::DurationParam{duration});
}

Result<Param> value_of(const json& value) {
  switch (value.type()) {
    case json::value_t::string:
      return Param(value.get<std::string>());
    case json::value_t::boolean:
      return Param(value.get<bool>());
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
    case json::value_t::binary:
      return number_of(value);
    case json::value_t::object:
      if (value.size() != 1) return unbindable("bound object parameter value must have exactly one entry");
      return wrapped(value.begin().key(), value.begin().value());
    case json::value_t::array:
      return unbindable("unable to bind parameter with type []interface {}");
    default:
      return unbindable("unable to bind parameter with type <nil>");
  }
}

/// Go's words for what is not JSON: whether it ends too early or has a byte that does not fit.
std::string syntax_error(std::string_view text) {
  const std::string_view kWhitespace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kWhitespace);
  if (first != std::string_view::npos &&
      std::string_view("{[\"tfn-0123456789").find(text[first]) == std::string_view::npos) {
    return "invalid character '" + std::string(1, text[first]) + "' looking for beginning of value";
  }
  return "unexpected EOF";
}

}  // namespace

Result<BoundParams> parse_bind_params(std::string_view text) {
  BoundParams bound;
  if (text.empty()) return bound;
  const std::string prefix = "error parsing query parameters: ";
  const std::string unreadable = "error parsing json value: ";
  if (text.size() > kMaxText) return fail(Errc::kInvalidArgument, prefix + "more than 1000000 bytes");
  Tree tree;
  // As Go's decoder: what follows the value is not looked at.
  if (!json::sax_parse(text, &tree, json::input_format_t::json, false)) {
    if (!tree.error.empty()) return fail(Errc::kInvalidArgument, unreadable + tree.error);
    return fail(Errc::kInvalidArgument, prefix + syntax_error(text));
  }
  if (tree.root.is_null()) return bound;
  if (!tree.root.is_object()) {
    const std::string type = tree.root.is_boolean() ? "bool"
                             : is_number(tree.root) ? "number"
                                                    : tree.root.type_name();
    return fail(Errc::kInvalidArgument,
                prefix + "json: cannot unmarshal " + type + " into Go value of type map[string]interface {}");
  }
  for (const auto& [name, value] : tree.root.items()) {
    if (value.is_binary())
      return fail(Errc::kInvalidArgument, unreadable + number_of(value).error().message());
    auto param = value_of(value);
    if (param) {
      bound.values.emplace(name, *std::move(param));
    } else {
      bound.unbindable.emplace(name, param.error().message());
    }
  }
  return bound;
}

std::string explain_missing(std::string message, const BoundParams& params) {
  for (const auto& [name, reason] : params.unbindable) {
    const std::string tail = "missing parameter: " + name;
    if (message.ends_with(tail)) return message.substr(0, message.size() - name.size()) + reason;
    const std::string found = "found $" + name + ", expected ";
    if (const auto at = message.find(found); at != std::string::npos)
      return message.substr(0, at) + "found " + reason + message.substr(at + found.size() - 11);
  }
  return message;
}

}  // namespace gpuscale::api

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

Result<Param> number_of(const json& value) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > 0x7fffffffffffffffULL)
    return Param(value.get<double>());
  if (value.is_number_integer()) return Param(value.get<std::int64_t>());
  return Param(value.get<double>());
}

Result<Param> wrapped(const std::string& kind, const json& value) {
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
  if (text.size() > kMaxText) return fail(Errc::kInvalidArgument, prefix + "more than 1000000 bytes");
  const json parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded()) return fail(Errc::kInvalidArgument, prefix + syntax_error(text));
  if (!parsed.is_object()) {
    return fail(Errc::kInvalidArgument, prefix + "json: cannot unmarshal " + parsed.type_name() +
                                            " into Go value of type map[string]interface {}");
  }
  for (const auto& [name, value] : parsed.items()) {
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
  }
  return message;
}

}  // namespace gpuscale::api

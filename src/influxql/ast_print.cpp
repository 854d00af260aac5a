// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>

#include "influxql/ast.h"
#include "influxql/durations.h"
#include "influxql/go_number.h"

namespace gpuscale::influxql {

namespace {

/// Fixed notation with at least one digit after the point, as InfluxQL writes numbers: 2 -> "2.0".
std::string print_number(double value) {
  std::string out = go_fixed(value);
  if (out.find('.') == std::string::npos) out += ".0";
  return out;
}

std::string print_list(const std::vector<ExprPtr>& list) {
  std::string out;
  for (const ExprPtr& expr : list) out += (out.empty() ? "" : ", ") + print(expr);
  return out;
}

struct Printer {
  std::string operator()(const VarRef& ref) const {
    std::string out = quote_ident(ref.name);
    if (ref.type != DataType::kUnknown) out += "::" + std::string(to_string(ref.type));
    return out;
  }
  std::string operator()(const Call& call) const { return call.name + "(" + print_list(call.args) + ")"; }
  std::string operator()(const Distinct& distinct) const { return "DISTINCT " + quote_ident(distinct.name); }
  std::string operator()(const Binary& binary) const {
    return print(binary.lhs) + " " + std::string(to_string(binary.op)) + " " + print(binary.rhs);
  }
  std::string operator()(const Paren& paren) const { return "(" + print(paren.inner) + ")"; }
  std::string operator()(const Wildcard& wildcard) const {
    if (wildcard.kind == Token::kField) return "*::field";
    return wildcard.kind == Token::kTag ? "*::tag" : "*";
  }
  std::string operator()(const RegexLiteral& regex) const {
    std::string out = "/";
    for (const char c : regex.pattern->text()) out += c == '/' ? std::string("\\/") : std::string(1, c);
    return out + "/";
  }
  std::string operator()(double value) const { return print_number(value); }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(const UnsignedLiteral& literal) const { return std::to_string(literal.value); }
  std::string operator()(const std::string& text) const { return quote_string(text); }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(const DurationLiteral& literal) const { return print_influx_duration(literal.ns); }
  std::string operator()(const TimeLiteral& literal) const { return "'" + std::to_string(literal.ns) + "'"; }
  std::string operator()(const NilLiteral&) const { return "nil"; }
};

std::string print_sources(const std::vector<Source>& sources) {
  std::string out;
  for (const Source& source : sources) out += (out.empty() ? "" : ", ") + print(source);
  return out;
}

std::string print_sort(const std::vector<SortField>& sort) {
  if (sort.empty()) return "";
  std::string out = " ORDER BY ";
  if (!sort.front().name.empty()) out += sort.front().name + " ";
  return out + (sort.front().ascending ? "ASC" : "DESC");
}

std::string clause(std::string_view word, std::int64_t value) {
  return value > 0 ? " " + std::string(word) + " " + std::to_string(value) : "";
}

template <typename S>
std::string print_limits(const S& statement) {
  return clause("LIMIT", statement.limit) + clause("OFFSET", statement.offset) +
         clause("SLIMIT", statement.slimit) + clause("SOFFSET", statement.soffset);
}

std::string print_fill(const SelectStatement& statement) {
  switch (statement.fill) {
    case Fill::kNone:
      return " fill(none)";
    case Fill::kPrevious:
      return " fill(previous)";
    case Fill::kLinear:
      return " fill(linear)";
    case Fill::kNumber: {
      if (const auto* integer = std::get_if<std::int64_t>(&statement.fill_value)) {
        return " fill(" + std::to_string(*integer) + ")";
      }
      std::array<char, 700> buffer{};
      const auto end =
          std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::get<double>(statement.fill_value));
      return " fill(" + std::string(buffer.data(), end.ptr) + ")";
    }
    default:
      return "";
  }
}

std::string_view show_words(const ShowStatement& show) {
  switch (show.kind) {
    case ShowKind::kDatabases:
      return "SHOW DATABASES";
    case ShowKind::kMeasurements:
      return "SHOW MEASUREMENTS";
    case ShowKind::kTagKeys:
      return "SHOW TAG KEYS";
    case ShowKind::kTagValues:
      return "SHOW TAG VALUES";
    case ShowKind::kFieldKeys:
      return "SHOW FIELD KEYS";
    case ShowKind::kSeries:
      return "SHOW SERIES";
    case ShowKind::kRetentionPolicies:
      return "SHOW RETENTION POLICIES";
    case ShowKind::kContinuousQueries:
      return "SHOW CONTINUOUS QUERIES";
    case ShowKind::kUsers:
      return "SHOW USERS";
    case ShowKind::kGrants:
      return "SHOW GRANTS";
    case ShowKind::kQueries:
      return "SHOW QUERIES";
    case ShowKind::kShards:
      return "SHOW SHARDS";
    case ShowKind::kShardGroups:
      return "SHOW SHARD GROUPS";
    case ShowKind::kStats:
      return "SHOW STATS";
    case ShowKind::kDiagnostics:
      return "SHOW DIAGNOSTICS";
    case ShowKind::kSubscriptions:
      return "SHOW SUBSCRIPTIONS";
    case ShowKind::kSeriesCardinality:
      return show.exact ? "SHOW SERIES EXACT CARDINALITY" : "SHOW SERIES CARDINALITY";
    case ShowKind::kMeasurementCardinality:
      return show.exact ? "SHOW MEASUREMENT EXACT CARDINALITY" : "SHOW MEASUREMENT CARDINALITY";
    case ShowKind::kTagKeyCardinality:
      return show.exact ? "SHOW TAG KEY EXACT CARDINALITY" : "SHOW TAG KEY CARDINALITY";
    case ShowKind::kTagValuesCardinality:
      return show.exact ? "SHOW TAG VALUES EXACT CARDINALITY" : "SHOW TAG VALUES CARDINALITY";
    case ShowKind::kFieldKeyCardinality:
      return show.exact ? "SHOW FIELD KEY EXACT CARDINALITY" : "SHOW FIELD KEY CARDINALITY";
  }
  return "";
}

std::string print_with(const ShowStatement& show) {
  if (show.key_op == Token::kEof) return "";
  if (show.kind == ShowKind::kMeasurements) {
    return " WITH MEASUREMENT " + std::string(to_string(show.key_op)) + " " + print(show.with);
  }
  std::string out = " WITH KEY " + std::string(to_string(show.key_op)) + " ";
  if (show.key_pattern) return out + print(make_expr(RegexLiteral{show.key_pattern}));
  if (show.key_op != Token::kIn) return out + quote_ident(show.keys.front());
  out += "(";
  for (std::size_t i = 0; i < show.keys.size(); ++i) out += (i > 0 ? ", " : "") + quote_ident(show.keys[i]);
  return out + ")";
}

std::string print_show(const ShowStatement& show) {
  std::string out(show_words(show));
  if (!show.database.empty()) {
    switch (show.kind) {
      case ShowKind::kGrants:
        out += " FOR " + quote_ident(show.database);
        break;
      case ShowKind::kStats:
      case ShowKind::kDiagnostics:
        out += " FOR " + quote_string(show.database);
        break;
      default:
        out += " ON " + quote_ident(show.database);
        break;
    }
  }
  if (!show.sources.empty()) out += " FROM " + print_sources(show.sources);
  out += print_with(show);
  if (show.condition) out += " WHERE " + print(show.condition);
  if (!show.dimensions.empty()) out += " GROUP BY " + print_list(show.dimensions);
  return out + print_sort(show.sort) + print_limits(show);
}

std::string print_policy(const PolicyOptions& policy, bool go_durations) {
  const auto duration = [go_durations](std::int64_t ns) {
    return go_durations ? print_go_duration(ns) : print_influx_duration(ns);
  };
  std::string out;
  if (policy.duration_ns) out += " DURATION " + duration(*policy.duration_ns);
  if (policy.replication) out += " REPLICATION " + std::to_string(*policy.replication);
  if (policy.shard_duration_ns) out += " SHARD DURATION " + duration(*policy.shard_duration_ns);
  return out;
}

struct StatementPrinter {
  std::string operator()(const SelectStatement& s) const { return print(s); }
  std::string operator()(const ShowStatement& s) const { return print_show(s); }
  std::string operator()(const ExplainStatement& s) const {
    return std::string(s.analyze ? "EXPLAIN ANALYZE " : "EXPLAIN ") + print(*s.select);
  }
  std::string operator()(const CreateDatabaseStatement& s) const {
    std::string out = "CREATE DATABASE " + quote_ident(s.name);
    if (!s.with_policy) return out;
    out += " WITH" + print_policy(s.policy, true);
    if (!s.policy.name.empty()) out += " NAME " + quote_ident(s.policy.name);
    return out;
  }
  std::string operator()(const DropDatabaseStatement& s) const {
    return "DROP DATABASE " + quote_ident(s.name);
  }
  std::string operator()(const CreatePolicyStatement& s) const {
    PolicyOptions policy = s.policy;
    if (policy.shard_duration_ns && *policy.shard_duration_ns == 0) policy.shard_duration_ns.reset();
    return "CREATE RETENTION POLICY " + quote_ident(policy.name) + " ON " + quote_ident(s.database) +
           print_policy(policy, false) + (policy.make_default ? " DEFAULT" : "");
  }
  std::string operator()(const AlterPolicyStatement& s) const {
    return "ALTER RETENTION POLICY " + quote_ident(s.policy.name) + " ON " + quote_ident(s.database) +
           print_policy(s.policy, false) + (s.policy.make_default ? " DEFAULT" : "");
  }
  std::string operator()(const DropPolicyStatement& s) const {
    return "DROP RETENTION POLICY " + quote_ident(s.name) + " ON " + quote_ident(s.database);
  }
  std::string operator()(const DropMeasurementStatement& s) const {
    return "DROP MEASUREMENT " + quote_ident(s.name);
  }
  std::string operator()(const DropSeriesStatement& s) const { return "DROP SERIES" + from_where(s); }
  std::string operator()(const DeleteStatement& s) const { return "DELETE" + from_where(s); }
  std::string operator()(const KillStatement& s) const { return s.text; }
  std::string operator()(const CreateContinuousQueryStatement& s) const {
    std::string out = "CREATE CONTINUOUS QUERY " + quote_ident(s.name) + " ON " + quote_ident(s.database);
    if (s.every_ns > 0 || s.for_ns > 0) out += " RESAMPLE";
    if (s.every_ns > 0) out += " EVERY " + print(make_expr(DurationLiteral{s.every_ns}));
    if (s.for_ns > 0) out += " FOR " + print(make_expr(DurationLiteral{s.for_ns}));
    return out + " BEGIN " + print(*s.select) + " END";
  }
  std::string operator()(const DropContinuousQueryStatement& s) const {
    return "DROP CONTINUOUS QUERY " + quote_ident(s.name) + " ON " + quote_ident(s.database);
  }
  std::string operator()(const CreateUserStatement& s) const {
    return "CREATE USER " + quote_ident(s.name) + " WITH PASSWORD [REDACTED]" +
           (s.admin ? " WITH ALL PRIVILEGES" : "");
  }
  std::string operator()(const SetPasswordStatement& s) const {
    return "SET PASSWORD FOR " + quote_ident(s.name) + " = [REDACTED]";
  }
  std::string operator()(const GrantStatement& s) const {
    return "GRANT " + std::string(to_string(s.privilege)) + on(s.database) + " TO " + quote_ident(s.user);
  }
  std::string operator()(const RevokeStatement& s) const {
    return "REVOKE " + std::string(to_string(s.privilege)) + on(s.database) + " FROM " + quote_ident(s.user);
  }
  std::string operator()(const DropUserStatement& s) const { return "DROP USER " + quote_ident(s.name); }
  std::string operator()(const UnofferedStatement& s) const { return s.text; }

  static std::string on(const std::optional<std::string>& database) {
    return database ? " ON " + quote_ident(*database) : "";
  }

  template <typename S>
  static std::string from_where(const S& s) {
    std::string out;
    if (!s.sources.empty()) out += " FROM " + print_sources(s.sources);
    if (s.condition) out += " WHERE " + print(s.condition);
    return out;
  }
};

bool needs_quotes(std::string_view name) {
  if (keyword(name) != Token::kIdent) return true;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || c < '0' || c > '9')) return true;
  }
  return false;
}

std::string escaped(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || c == quote) out += '\\';
      out += c;
    }
  }
  return out + quote;
}

}  // namespace

std::string_view to_string(DataType type) {
  switch (type) {
    case DataType::kFloat:
      return "float";
    case DataType::kInteger:
      return "integer";
    case DataType::kString:
      return "string";
    case DataType::kBoolean:
      return "boolean";
    case DataType::kTime:
      return "time";
    case DataType::kDuration:
      return "duration";
    case DataType::kTag:
      return "tag";
    case DataType::kAnyField:
      return "field";
    case DataType::kUnsigned:
      return "unsigned";
    default:
      return "unknown";
  }
}

std::string quote_string(std::string_view text) {
  return escaped(text, '\'');
}

std::string quote_ident(std::string_view name) {
  return name.empty() || needs_quotes(name) ? escaped(name, '"') : std::string(name);
}

std::string quote_idents(const std::vector<std::string>& segments) {
  std::string out;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    const std::string& segment = segments[i];
    const bool quote =
        needs_quotes(segment) || (!last && !segment.empty()) || ((i == 0 || last) && segment.empty());
    out += quote ? escaped(segment, '"') : segment;
    if (!last) out += '.';
  }
  return out;
}

std::string print(const ExprPtr& expr) {
  return expr ? std::visit(Printer{}, expr->node) : "";
}

std::string print(const Measurement& measurement) {
  std::string out;
  if (!measurement.database.empty()) out += quote_ident(measurement.database) + ".";
  if (!measurement.policy.empty()) out += quote_ident(measurement.policy);
  if (!measurement.database.empty() || !measurement.policy.empty()) out += ".";
  if (measurement.pattern) return out + print(make_expr(RegexLiteral{measurement.pattern}));
  return out + (measurement.name.empty() ? "" : quote_ident(measurement.name));
}

std::string print(const Source& source) {
  if (source.subquery) return "(" + print(*source.subquery) + ")";
  const Measurement& m = source.measurement;
  return print(m) + (m.name.empty() && !m.pattern ? "\"\"" : "");
}

std::string print(const SelectStatement& statement) {
  std::string out = "SELECT ";
  for (std::size_t i = 0; i < statement.fields.size(); ++i) {
    const Field& field = statement.fields[i];
    out += (i > 0 ? ", " : "") + print(field.expr);
    if (!field.alias.empty()) out += " AS " + quote_ident(field.alias);
  }
  if (statement.target) {
    out += " INTO " + print(*statement.target);
    if (statement.target->name.empty()) out += ":MEASUREMENT";
  }
  out += " FROM " + print_sources(statement.sources);
  if (statement.condition) out += " WHERE " + print(statement.condition);
  if (!statement.dimensions.empty()) out += " GROUP BY " + print_list(statement.dimensions);
  out += print_fill(statement) + print_sort(statement.sort) + print_limits(statement);
  if (!statement.zone.empty()) out += " TZ('" + statement.zone + "')";
  return out;
}

std::string print(const Statement& statement) {
  return std::visit(StatementPrinter{}, statement.node);
}

}  // namespace gpuscale::influxql

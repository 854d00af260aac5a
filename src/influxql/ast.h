// SPDX-License-Identifier: Apache-2.0
/// Private to the room: statements and expressions of InfluxQL as immutable trees. print() gives the
/// canonical text that InfluxDB shows in messages and stores for continuous queries.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "influxql/lexer.h"
#include "influxql/pattern.h"
#include "influxql/users.h"

namespace gpuscale::influxql {

/// Ordered by what wins where measurements disagree about a field: a smaller one hides a greater one.
enum class DataType {
  kUnknown,
  kFloat,
  kInteger,
  kString,
  kBoolean,
  kTime,
  kDuration,
  kTag,
  kAnyField,
  kUnsigned
};
/// "float", "tag", ...; "unknown".
std::string_view to_string(DataType type);

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

struct VarRef {
  std::string name;
  DataType type = DataType::kUnknown;
  friend bool operator==(const VarRef&, const VarRef&) = default;
};
struct Call {
  std::string name;  ///< lower case
  std::vector<ExprPtr> args;
};
struct Distinct {
  std::string name;
};
struct Binary {
  Token op;
  ExprPtr lhs;
  ExprPtr rhs;
};
struct Paren {
  ExprPtr inner;
};
struct Wildcard {
  Token kind = Token::kMul;  ///< or kField, kTag
};
struct RegexLiteral {
  PatternPtr pattern;
};
struct UnsignedLiteral {
  std::uint64_t value;
};
struct DurationLiteral {
  std::int64_t ns;
};
struct TimeLiteral {
  std::int64_t ns;
};
struct NilLiteral {};

struct Expr {
  std::variant<VarRef, Call, Distinct, Binary, Paren, Wildcard, RegexLiteral, double, std::int64_t,
               UnsignedLiteral, std::string, bool, DurationLiteral, TimeLiteral, NilLiteral>
      node;
};

template <typename T>
ExprPtr make_expr(T node) {
  return std::make_shared<const Expr>(Expr{std::move(node)});
}
template <typename T>
const T* as(const ExprPtr& expr) {
  return expr ? std::get_if<T>(&expr->node) : nullptr;
}
template <typename T>
bool is(const ExprPtr& expr) {
  return as<T>(expr) != nullptr;
}

/// Calls `visit` for every node, parents first.
template <typename Visit>
void walk(const ExprPtr& expr, Visit&& visit) {
  if (!expr) return;
  visit(expr);
  if (const auto* call = as<Call>(expr)) {
    for (const ExprPtr& arg : call->args) walk(arg, visit);
  } else if (const auto* binary = as<Binary>(expr)) {
    walk(binary->lhs, visit);
    walk(binary->rhs, visit);
  } else if (const auto* paren = as<Paren>(expr)) {
    walk(paren->inner, visit);
  }
}
/// The tree with every leaf and call replaced where `change` gives something else than null; children first.
template <typename Change>
ExprPtr rewrite(const ExprPtr& expr, Change&& change) {
  if (!expr) return expr;
  ExprPtr out = expr;
  if (const auto* call = as<Call>(expr)) {
    Call copy{call->name, {}};
    for (const ExprPtr& arg : call->args) copy.args.push_back(rewrite(arg, change));
    out = make_expr(std::move(copy));
  } else if (const auto* binary = as<Binary>(expr)) {
    out = make_expr(Binary{binary->op, rewrite(binary->lhs, change), rewrite(binary->rhs, change)});
  } else if (const auto* paren = as<Paren>(expr)) {
    out = make_expr(Paren{rewrite(paren->inner, change)});
  }
  ExprPtr changed = change(out);
  return changed ? changed : out;
}

struct SelectStatement;
using SelectPtr = std::shared_ptr<const SelectStatement>;

struct Measurement {
  std::string database;
  std::string policy;
  std::string name;
  PatternPtr pattern;  ///< instead of the name
};
/// Exactly one of the two.
struct Source {
  Measurement measurement;
  SelectPtr subquery;
};

struct Field {
  ExprPtr expr;
  std::string alias;
};
struct SortField {
  std::string name;
  bool ascending = true;
};

enum class Fill { kNull, kNone, kPrevious, kLinear, kNumber };
using FillValue = std::variant<double, std::int64_t>;

struct SelectStatement {
  std::vector<Field> fields;
  std::optional<Measurement> target;
  std::vector<Source> sources;
  ExprPtr condition;
  std::vector<ExprPtr> dimensions;
  Fill fill = Fill::kNull;
  FillValue fill_value = 0.0;
  std::vector<SortField> sort;
  std::int64_t limit = 0;
  std::int64_t offset = 0;
  std::int64_t slimit = 0;
  std::int64_t soffset = 0;
  std::string zone;        ///< of tz(); empty = UTC
  std::string time_alias;  ///< of `time AS t`; set by the planner
  bool raw = true;         ///< no function in the fields

  bool ascending() const { return sort.empty() || sort.front().ascending; }
};

enum class ShowKind {
  kDatabases,
  kMeasurements,
  kTagKeys,
  kTagValues,
  kFieldKeys,
  kSeries,
  kRetentionPolicies,
  kContinuousQueries,
  kUsers,
  kGrants,
  kQueries,
  kShards,
  kShardGroups,
  kStats,
  kDiagnostics,
  kSubscriptions,
  kSeriesCardinality,
  kMeasurementCardinality,
  kTagKeyCardinality,
  kTagValuesCardinality,
  kFieldKeyCardinality,
};

struct ShowStatement {
  ShowKind kind;
  bool exact = false;    ///< of the cardinalities
  std::string database;  ///< of ON; of FOR for stats, diagnostics and grants
  std::vector<Source> sources;
  Token key_op = Token::kEof;  ///< of WITH KEY and WITH MEASUREMENT
  std::vector<std::string> keys;
  Measurement with;  ///< of WITH MEASUREMENT
  PatternPtr key_pattern;
  ExprPtr condition;
  std::vector<ExprPtr> dimensions;
  std::vector<SortField> sort;
  std::int64_t limit = 0;
  std::int64_t offset = 0;
  std::int64_t slimit = 0;
  std::int64_t soffset = 0;
};

struct ExplainStatement {
  SelectPtr select;
  bool analyze = false;
};

/// What CREATE DATABASE ... WITH and CREATE/ALTER RETENTION POLICY may say.
struct PolicyOptions {
  std::string name;
  std::optional<std::int64_t> duration_ns;
  std::optional<std::int64_t> replication;
  std::optional<std::int64_t> shard_duration_ns;
  bool make_default = false;
};
struct CreateDatabaseStatement {
  std::string name;
  bool with_policy = false;
  PolicyOptions policy;
};
struct DropDatabaseStatement {
  std::string name;
};
struct CreatePolicyStatement {
  std::string database;
  PolicyOptions policy;
};
struct AlterPolicyStatement {
  std::string database;
  PolicyOptions policy;
};
struct DropPolicyStatement {
  std::string name;
  std::string database;
};
struct DropMeasurementStatement {
  std::string name;
};
struct DropSeriesStatement {
  std::vector<Source> sources;
  ExprPtr condition;
};
struct DeleteStatement {
  std::vector<Source> sources;
  ExprPtr condition;
};

struct CreateContinuousQueryStatement {
  std::string name;
  std::string database;
  std::int64_t every_ns = 0;  ///< of RESAMPLE EVERY; 0 = not said
  std::int64_t for_ns = 0;    ///< of RESAMPLE FOR; 0 = not said
  SelectPtr select;           ///< with a target
};
struct DropContinuousQueryStatement {
  std::string name;
  std::string database;
};

struct CreateUserStatement {
  std::string name;
  Secret password;
  bool admin = false;
};
struct SetPasswordStatement {
  std::string name;
  Secret password;
};
/// Without a database: whether the user is an admin.
struct GrantStatement {
  Privilege privilege = Privilege::kNone;
  std::optional<std::string> database;
  std::string user;
};
struct RevokeStatement {
  Privilege privilege = Privilege::kNone;
  std::optional<std::string> database;
  std::string user;
};
struct DropUserStatement {
  std::string name;
};

/// A statement that is understood and not offered here (subscriptions, shards).
struct UnofferedStatement {
  std::string text;     ///< canonical
  std::string feature;  ///< "subscriptions"
};

struct KillStatement {
  std::int64_t id;
  std::string text;  ///< canonical
};

struct Statement {
  std::variant<SelectStatement, ShowStatement, ExplainStatement, CreateDatabaseStatement,
               DropDatabaseStatement, CreatePolicyStatement, AlterPolicyStatement, DropPolicyStatement,
               DropMeasurementStatement, DropSeriesStatement, DeleteStatement, KillStatement,
               CreateContinuousQueryStatement, DropContinuousQueryStatement, CreateUserStatement,
               SetPasswordStatement, GrantStatement, RevokeStatement, DropUserStatement, UnofferedStatement>
      node;
};

std::string print(const ExprPtr& expr);
std::string print(const Measurement& measurement);
std::string print(const Source& source);
std::string print(const SelectStatement& statement);
std::string print(const Statement& statement);

/// `"a b"`, quoted only where needed.
std::string quote_ident(std::string_view name);
/// `"a"."b".c`: every segment but the last quoted.
std::string quote_idents(const std::vector<std::string>& segments);
/// `'it\'s'`.
std::string quote_string(std::string_view text);

}  // namespace gpuscale::influxql

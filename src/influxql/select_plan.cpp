// SPDX-License-Identifier: Apache-2.0
#include "influxql/select_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "influxql/aggregates.h"
#include "influxql/math_functions.h"

namespace gpuscale::influxql {

namespace {

/// Whether a measurement that says `other` overrules one that says `type`.
bool yields_to(DataType type, DataType other) {
  if (type == DataType::kUnknown) return true;
  return other != DataType::kUnknown && other < type;
}

DataType name_type(const std::string& name, const std::vector<DataSourceRef>& sources) {
  DataType out = DataType::kUnknown;
  for (const DataSourceRef& source : sources) {
    const DataType type = source.type_of(name);
    if (yields_to(out, type)) out = type;
  }
  return out;
}

DataType binary_type(const Binary& binary, const std::vector<DataSourceRef>& sources) {
  const DataType lhs = type_of(binary.lhs, sources);
  const DataType rhs = type_of(binary.rhs, sources);
  if (precedence(binary.op) <= 3) return DataType::kBoolean;
  if (lhs == DataType::kUnknown || rhs == DataType::kUnknown) return lhs == DataType::kUnknown ? rhs : lhs;
  if (lhs == DataType::kInteger && rhs == DataType::kInteger) {
    return binary.op == Token::kDiv ? DataType::kFloat : DataType::kInteger;
  }
  if (lhs == DataType::kBoolean && rhs == DataType::kBoolean) return DataType::kBoolean;
  return DataType::kFloat;
}

std::string join_names(const ExprPtr& expr) {
  if (const auto* ref = as<VarRef>(expr)) return ref->name;
  if (const auto* call = as<Call>(expr)) return call->name;
  if (const auto* paren = as<Paren>(expr)) return join_names(paren->inner);
  const auto* binary = as<Binary>(expr);
  if (binary == nullptr) return "";
  const std::string left = join_names(binary->lhs);
  const std::string right = join_names(binary->rhs);
  return left.empty() || right.empty() ? left + right : left + "_" + right;
}

struct Wildcards {
  bool fields = false;
  bool dimensions = false;
};

Wildcards wildcards_of(const SelectStatement& statement) {
  Wildcards out;
  const auto wild = [](const ExprPtr& node) { return is<Wildcard>(node) || is<RegexLiteral>(node); };
  for (const Field& field : statement.fields) {
    walk(field.expr, [&](const ExprPtr& node) { out.fields = out.fields || wild(node); });
  }
  for (const ExprPtr& dimension : statement.dimensions) out.dimensions = out.dimensions || wild(dimension);
  return out;
}

/// What a wildcard stands for: fields and, where the tags are not in GROUP BY, tags; ascending by name.
std::vector<VarRef> candidates(const SelectStatement& statement, const std::vector<DataSourceRef>& sources,
                               bool with_tags) {
  std::map<std::string, DataType> found;
  std::set<std::string> tags;
  for (const DataSourceRef& source : sources) {
    for (const auto& [name, type] : source.fields) {
      auto [at, fresh] = found.emplace(name, type);
      if (!fresh && yields_to(at->second, type)) at->second = type;
    }
    tags.insert(source.tags.begin(), source.tags.end());
  }
  for (const ExprPtr& dimension : statement.dimensions) {
    if (const auto* ref = as<VarRef>(dimension)) tags.erase(ref->name);
  }
  std::vector<VarRef> out;
  for (const auto& [name, type] : found) out.push_back({name, type});
  if (with_tags) {
    for (const std::string& name : tags) out.push_back({name, DataType::kTag});
  }
  std::sort(out.begin(), out.end(), [](const VarRef& a, const VarRef& b) {
    return a.name != b.name ? a.name < b.name : a.type < b.type;
  });
  return out;
}

bool expandable(std::string_view function, DataType type) {
  constexpr std::array<std::string_view, 7> kAnyType = {"count",   "first", "last",  "distinct",
                                                        "elapsed", "mode",  "sample"};
  if (type == DataType::kFloat || type == DataType::kInteger) return true;
  const bool any = std::find(kAnyType.begin(), kAnyType.end(), function) != kAnyType.end();
  if (type == DataType::kString) return any;
  return type == DataType::kBoolean && (any || function == "min" || function == "max");
}

/// The call with the first argument of its innermost call replaced.
ExprPtr with_argument(const Call& call, const VarRef& ref) {
  Call out = call;
  const auto* inner = as<Call>(call.args.front());
  out.args.front() = inner == nullptr ? make_expr(ref) : with_argument(*inner, ref);
  return make_expr(std::move(out));
}

const Call& innermost(const Call& call) {
  const Call* at = &call;
  while (!at->args.empty()) {
    const auto* inner = as<Call>(at->args.front());
    if (inner == nullptr) break;
    at = inner;
  }
  return *at;
}

class Expander {
 public:
  explicit Expander(std::vector<VarRef> refs) : refs_(std::move(refs)) {}

  Result<void> field(const Field& field, std::vector<Field>& out) const {
    if (const auto* wildcard = as<Wildcard>(field.expr)) {
      for (const VarRef& ref : refs_) {
        if (wildcard->kind == Token::kField && ref.type == DataType::kTag) continue;
        if (wildcard->kind == Token::kTag && ref.type != DataType::kTag) continue;
        out.push_back({make_expr(ref), ""});
      }
      return {};
    }
    if (const auto* regex = as<RegexLiteral>(field.expr)) {
      for (const VarRef& ref : refs_) {
        if (regex->pattern->matches(ref.name)) out.push_back({make_expr(ref), ""});
      }
      return {};
    }
    if (const auto* call = as<Call>(field.expr)) return expand_call(*call, field, out);
    out.push_back(field);
    bool wild = false;
    bool regex = false;
    walk(field.expr, [&](const ExprPtr& node) {
      wild = wild || is<Wildcard>(node);
      regex = regex || is<RegexLiteral>(node);
    });
    if (wild)
      return fail(Errc::kInvalidArgument, "unsupported expression with wildcard: " + print(field.expr));
    if (regex)
      return fail(Errc::kInvalidArgument, "unsupported expression with regex field: " + print(field.expr));
    return {};
  }

 private:
  Result<void> expand_call(const Call& call, const Field& field, std::vector<Field>& out) const {
    const Call& inner = innermost(call);
    const auto* wildcard = inner.args.empty() ? nullptr : as<Wildcard>(inner.args.front());
    const auto* regex = inner.args.empty() ? nullptr : as<RegexLiteral>(inner.args.front());
    if (wildcard == nullptr && regex == nullptr) {
      out.push_back(field);
      return {};
    }
    if (wildcard != nullptr && wildcard->kind == Token::kTag) {
      return fail(Errc::kInvalidArgument, "unable to use tag wildcard in " + inner.name + "()");
    }
    const std::string name = field.alias.empty() ? field_name(field.expr) : field.alias;
    for (const VarRef& ref : refs_) {
      if (!expandable(inner.name, ref.type) || (regex != nullptr && !regex->pattern->matches(ref.name)))
        continue;
      out.push_back({with_argument(call, ref), name + "_" + ref.name});
    }
    return {};
  }

  std::vector<VarRef> refs_;
};

std::vector<ExprPtr> expand_dimensions(const SelectStatement& statement,
                                       const std::vector<DataSourceRef>& sources) {
  std::set<std::string> tags;
  for (const DataSourceRef& source : sources) tags.insert(source.tags.begin(), source.tags.end());
  std::vector<ExprPtr> out;
  for (const ExprPtr& dimension : statement.dimensions) {
    const auto* regex = as<RegexLiteral>(dimension);
    if (!is<Wildcard>(dimension) && regex == nullptr) {
      out.push_back(dimension);
      continue;
    }
    for (const std::string& tag : tags) {
      if (regex == nullptr || regex->pattern->matches(tag)) out.push_back(make_expr(VarRef{tag}));
    }
  }
  return out;
}

Result<void> rewrite_fields(SelectStatement& statement, const std::vector<DataSourceRef>& sources) {
  for (Field& field : statement.fields) {
    field.expr = rewrite(field.expr, [&](const ExprPtr& node) -> ExprPtr {
      const auto* ref = as<VarRef>(node);
      if (ref == nullptr || (ref->type != DataType::kUnknown && ref->type != DataType::kAnyField))
        return nullptr;
      const DataType type = name_type(ref->name, sources);
      if (type == DataType::kTag && ref->type == DataType::kAnyField) return nullptr;
      return make_expr(VarRef{ref->name, type});
    });
  }
  const Wildcards wild = wildcards_of(statement);
  if (wild.fields) {
    const Expander expander(candidates(statement, sources, !wild.dimensions));
    std::vector<Field> expanded;
    for (const Field& field : statement.fields) GS_CHECK(expander.field(field, expanded));
    statement.fields = std::move(expanded);
  }
  if (wild.dimensions) statement.dimensions = expand_dimensions(statement, sources);
  return {};
}

/// Numbers take + - * / %, integers and booleans take & | ^; what no measurement knows takes everything.
Result<void> check_types(const ExprPtr& expr, const std::vector<DataSourceRef>& sources) {
  if (const auto* paren = as<Paren>(expr)) return check_types(paren->inner, sources);
  if (const auto* call = as<Call>(expr)) {
    for (const ExprPtr& arg : call->args) GS_CHECK(check_types(arg, sources));
    return {};
  }
  const auto* binary = as<Binary>(expr);
  if (binary == nullptr) return {};
  GS_CHECK(check_types(binary->lhs, sources));
  GS_CHECK(check_types(binary->rhs, sources));
  const DataType lhs = type_of(binary->lhs, sources);
  const DataType rhs = type_of(binary->rhs, sources);
  if (lhs == DataType::kUnknown || rhs == DataType::kUnknown) return {};
  const bool bits =
      binary->op == Token::kBitAnd || binary->op == Token::kBitOr || binary->op == Token::kBitXor;
  const auto fits = [bits](DataType type) {
    return type == DataType::kInteger || type == (bits ? DataType::kBoolean : DataType::kFloat);
  };
  if (fits(lhs) && fits(rhs)) return {};
  return fail(Errc::kInvalidArgument, "type error: " + print(expr) +
                                          ": incompatible types: " + std::string(to_string(lhs)) + " and " +
                                          std::string(to_string(rhs)));
}

/// The columns that top() and bottom() add for their tags.
std::vector<Field> with_extra_columns(const SelectStatement& statement) {
  std::vector<Field> out;
  for (const Field& field : statement.fields) {
    out.push_back(field);
    const auto* call = as<Call>(field.expr);
    if (call == nullptr || (call->name != "top" && call->name != "bottom")) continue;
    for (std::size_t i = 1; i + 1 < call->args.size(); ++i) out.push_back({call->args[i], ""});
  }
  return out;
}

std::vector<std::string> column_names(const std::vector<Field>& fields, const std::string& time_alias) {
  std::vector<std::string> out = {time_alias.empty() ? "time" : time_alias};
  std::map<std::string, int> used;
  for (const Field& field : fields) {
    if (!field.alias.empty()) used[field.alias] = 1;
  }
  for (const Field& field : fields) {
    if (!field.alias.empty()) {
      out.push_back(field.alias);
      continue;
    }
    std::string name = field_name(field.expr);
    if (const auto found = used.find(name); found != used.end()) {
      int count = found->second;
      while (used.contains(name + "_" + std::to_string(count))) ++count;
      used[name] = count + 1;
      name += "_" + std::to_string(count);
    }
    ++used[name];
    out.push_back(std::move(name));
  }
  return out;
}

}  // namespace

DataType type_of(const ExprPtr& expr, const std::vector<DataSourceRef>& sources) {
  if (const auto* ref = as<VarRef>(expr)) {
    if (ref->type != DataType::kUnknown && ref->type != DataType::kAnyField) return ref->type;
    return name_type(ref->name, sources);
  }
  if (const auto* call = as<Call>(expr)) {
    const DataType argument = call->args.empty() ? DataType::kUnknown : type_of(call->args.front(), sources);
    if (!is_math_function(call->name)) return result_type(*call, argument);
    const bool keeps =
        call->name == "abs" || call->name == "ceil" || call->name == "floor" || call->name == "round";
    return keeps ? argument : DataType::kFloat;
  }
  if (const auto* binary = as<Binary>(expr)) return binary_type(*binary, sources);
  if (const auto* paren = as<Paren>(expr)) return type_of(paren->inner, sources);
  if (is<double>(expr)) return DataType::kFloat;
  if (is<std::int64_t>(expr)) return DataType::kInteger;
  if (is<std::string>(expr)) return DataType::kString;
  return is<bool>(expr) ? DataType::kBoolean : DataType::kUnknown;
}

std::string field_name(const ExprPtr& expr) {
  return join_names(expr);
}

Result<PreparedSelect> prepare_select(Run& run, const SelectStatement& checked) {
  PreparedSelect out;
  out.statement = checked;
  const WallTime now = run.context().now;
  GS_TRY(out.condition, split_condition(checked.condition, {now, Zone(checked.zone)}));
  GS_TRY(out.interval, group_interval(checked.dimensions, now));
  for (const Source& source : checked.sources) {
    if (!source.subquery) {
      GS_TRY(std::vector<DataSourceRef> found, find_measurements(run, source.measurement));
      std::move(found.begin(), found.end(), std::back_inserter(out.sources));
      continue;
    }
    GS_TRY(PreparedSelect inner, prepare_select(run, *source.subquery));
    DataSourceRef ref;
    for (std::size_t i = 0; i < inner.types.size(); ++i) {
      // A tag in a column of the subquery is a text like any other.
      const bool tag = inner.types[i] == DataType::kTag;
      ref.fields[inner.columns[i + 1]] = tag ? DataType::kString : inner.types[i];
    }
    ref.tags.insert(inner.dimensions.begin(), inner.dimensions.end());
    ref.subquery = std::make_shared<const PreparedSelect>(std::move(inner));
    out.sources.push_back(std::move(ref));
  }
  GS_CHECK(rewrite_fields(out.statement, out.sources));
  for (const Field& field : out.statement.fields) GS_CHECK(check_types(field.expr, out.sources));
  const std::vector<Field> columns = with_extra_columns(out.statement);
  out.columns = column_names(columns, out.statement.time_alias);
  out.statement.fields = columns;
  for (const Field& field : columns) out.types.push_back(type_of(field.expr, out.sources));
  std::set<std::string> tags;
  for (const ExprPtr& dimension : out.statement.dimensions) {
    if (const auto* ref = as<VarRef>(dimension)) tags.insert(ref->name);
  }
  out.dimensions.assign(tags.begin(), tags.end());
  return out;
}

}  // namespace gpuscale::influxql

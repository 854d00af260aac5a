// SPDX-License-Identifier: Apache-2.0
/// Private to the room: text to statements, with InfluxDB 1.6.7's grammar, error texts and positions. Nesting
/// and the number of operators are bounded, so that no text can exhaust the stack.
#pragma once
#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "influxql/ast.h"
#include "influxql/engine.h"

namespace gpuscale::influxql {

/// All statements of `text`. Errors: kInvalidArgument with InfluxDB's text, without its "error parsing query:
/// ".
Result<std::vector<Statement>> parse_query(std::string_view text, const Params& params);
/// The first statement of `text`; an empty text is an error here.
Result<Statement> parse_statement(std::string_view text, const Params& params);
/// One expression alone.
Result<ExprPtr> parse_expr(std::string_view text, const Params& params);

class Parser {
 public:
  Parser(std::string_view text, const Params& params) : lexer_(text), params_(params) {}

  Result<std::vector<Statement>> query();
  Result<Statement> statement();
  Result<ExprPtr> expr();

 private:
  static constexpr int kMaxDepth = 100;        ///< of parentheses, calls and subqueries
  static constexpr int kMaxOperators = 2'000;  ///< of one expression, subexpressions included
  static constexpr std::size_t kMaxIdents = 10'000;

  // --- tokens (parser.cpp)
  // -----------------------------------------------------------------------------------
  Lexeme scan();       ///< any token, blanks included
  Lexeme scan_word();  ///< blanks and comments skipped
  void unscan();       ///< takes the newest scan back; at most three in a row
  Error expected(const Lexeme& found, std::string_view what) const;
  static Error at(std::string message, Position position);
  bool accept(Token token);  ///< takes it when it is the next word
  Result<void> expect(Token token);
  Result<std::string> ident();
  Result<std::vector<std::string>> ident_list();
  Result<std::vector<std::string>> dotted_idents();
  Result<std::string> text_literal();
  Result<PatternPtr> regex();  ///< null where there is none
  Result<std::int64_t> number(std::int64_t min, std::int64_t max);
  Result<std::int64_t> duration();         ///< INF = 0
  Result<std::int64_t> finite_duration();  ///< INF is refused
  Result<std::int64_t> optional_number(Token word);
  Result<Lexeme> bound(const Lexeme& param) const;

  // --- expressions (parser_expr.cpp)
  // ---------------------------------------------------------------------------
  Result<ExprPtr> unary();
  Result<ExprPtr> operand(const Lexeme& first);
  Result<ExprPtr> signed_operand(Token sign);
  Result<ExprPtr> call(std::string name);
  Result<ExprPtr> call_argument();
  Result<ExprPtr> var_ref();
  Result<ExprPtr> wildcard();
  Result<ExprPtr> distinct();
  Result<ExprPtr> integer_literal(const Lexeme& lexeme) const;
  Result<DataType> cast_type();

  // --- SELECT (parser_select.cpp)
  // --------------------------------------------------------------------------------
  enum class Target { kOptional, kRequired, kRefused };
  Result<SelectStatement> select(Target target);
  Result<std::vector<Field>> fields();
  Result<Field> field();
  Result<std::optional<Measurement>> target(Target rule);
  Result<std::vector<Source>> sources(bool subqueries);
  Result<Source> source(bool subqueries);
  Result<ExprPtr> condition();
  Result<std::vector<ExprPtr>> dimensions();
  Result<void> fill(SelectStatement& statement);
  Result<std::vector<SortField>> order_by();
  Result<SortField> sort_field();
  Result<std::string> zone();
  Result<Statement> explain();
  template <typename S>
  Result<void> limits(S& statement, bool of_series);

  // --- SHOW (parser_show.cpp)
  // --------------------------------------------------------------------------------------
  Result<Statement> show();
  Result<Statement> show_list(ShowStatement statement);
  Result<Statement> show_cardinality(ShowStatement statement);
  Result<Statement> show_series();
  Result<Statement> show_measurement();
  Result<Statement> show_field();
  Result<Statement> show_tag();
  Result<Statement> show_named(ShowKind kind);
  Result<Statement> show_grants();
  Result<void> on_database(ShowStatement& statement);
  Result<void> with_key(ShowStatement& statement);
  Result<void> with_measurement(ShowStatement& statement);

  // --- what changes something (parser_change.cpp)
  // ------------------------------------------------------------------
  Result<Statement> create();
  Result<Statement> create_database();
  Result<Statement> create_policy();
  Result<Statement> alter();
  Result<Statement> drop();
  Result<Statement> drop_series();
  Result<Statement> delete_from();
  Result<void> refuse_qualified(const std::vector<Source>& sources) const;
  Result<std::int64_t> shard_duration();

  // --- users and continuous queries (parser_admin.cpp)
  // -----------------------------------------------------------
  Result<Statement> create_continuous_query();
  Result<Statement> drop_continuous_query();
  Result<Statement> create_user();
  Result<Statement> set_password();
  Result<Statement> grant();
  Result<Statement> revoke();
  template <typename S>
  Result<Statement> privilege_change(Token preposition);

  // --- understood, not offered; KILL (parser_unoffered.cpp)
  // ------------------------------------------------------------
  Result<Statement> create_subscription();
  Result<Statement> drop_subscription();
  Result<Statement> kill();

  struct Deeper {
    explicit Deeper(int& depth) : depth_(depth) { ++depth_; }
    ~Deeper() { --depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    int& depth_;
  };

  Lexer lexer_;
  std::vector<Lexer> history_;  ///< where the newest scans began
  const Params& params_;
  int depth_ = 0;
  int operators_ = 0;
};

}  // namespace gpuscale::influxql

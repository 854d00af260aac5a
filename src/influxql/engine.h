// SPDX-License-Identifier: Apache-2.0
/// InfluxQL over a tsdb::Store, with InfluxDB 1.6.7's answers. Start at Engine::execute(). No sockets, no
/// JSON: the api room turns results into bodies. Thread-safe.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "influxql/cell_table.h"
#include "influxql/column_names.h"
#include "tsdb/store.h"

namespace gpuscale::influxql {

/// Of the InfluxDB whose answers these are; clients look at it for what they may send.
constexpr std::string_view kInfluxVersion = "1.6.7";

/// A bind parameter `$name`; std::monostate never occurs.
struct Identifier {
  std::string name;
};
struct Regex {
  std::string pattern;
};
struct DurationParam {
  Nanos value;
};
using Param = std::variant<std::string, double, std::int64_t, bool, Identifier, Regex, DurationParam>;
using Params = std::map<std::string, Param, std::less<>>;

struct Row {
  std::string name;    ///< measurement; empty = the key is left out
  metrics::Tags tags;  ///< of GROUP BY, in its order; empty = the key is left out
  bool has_tags = false;
  ColumnNames columns;
  CellTable values;
  bool partial = false;
  std::string zone;  ///< of tz(): times that are shown as texts show in it; empty = UTC
};

struct Message {
  std::string level;
  std::string text;
};

/// How far an answer may be cut where it is asked for in chunks: observed, what InfluxDB computes it cuts,
/// what it looks up it sends as it is.
enum class Pieces { kRows, kSeries, kOne };

/// The answer to one statement; `error` set means the others are what came before it.
struct StatementResult {
  int statement_id = 0;
  std::vector<Row> rows;
  Pieces pieces = Pieces::kRows;
  std::vector<Message> messages;
  std::optional<std::string> error;
  Errc error_code = Errc::kInvalidArgument;  ///< the kind of `error`
};

enum class ReadOnly { kNo, kYes };  ///< kYes (GET): statements that change state still run but add a warning

struct QueryLimits {
  std::size_t max_buckets = 1'000'000;  ///< GROUP BY time rows of one series of one statement; 0 = none
  std::size_t max_points = 0;           ///< samples read by one statement; 0 = none
  std::size_t max_series = 0;
  std::chrono::milliseconds timeout{30'000};
  /// Values that one statement holds in memory at once: samples of median(), percentile() and raw queries,
  /// rows of the answer. About 50 bytes each; 0 = none.
  std::size_t max_values = 20'000'000;
  std::size_t max_concurrent = 256;  ///< statements that run at once; 0 = any number
  /// As InfluxDB does where max-select-buckets is set: a statement without a lower bound of time looks at no
  /// more than the last max_buckets intervals, instead of failing.
  bool begin_by_buckets = false;
};

struct QueryContext {
  std::string database;  ///< default for unqualified measurements
  std::string policy;
  Params params;
  WallTime now;
  ReadOnly read_only = ReadOnly::kNo;
  QueryLimits limits;
  bool create_default_policy = true;  ///< CREATE DATABASE makes `autogen` where it names no policy
  /// Asked now and then during a long query; true stops it with an error.
  std::function<bool()> cancelled;
  /// Whether the caller may run a statement that needs admin / write / read rights on a database; empty =
  /// all.
  std::function<Result<void>(std::string_view privilege, std::string_view database,
                             std::string_view statement)>
      authorize;
  /// Whether SHOW DATABASES names this one to the caller; empty = all.
  std::function<bool(std::string_view database)> shows_database;
};

/// Whether `text` can be run as far as that is known without a store, and holds only statements that change
/// nothing. Errors: kInvalidArgument.
Result<void> check_reads_only(std::string_view text, WallTime now);

class AnswerCache;
class RunningQueries;
class Users;
struct Statement;

class Engine {
 public:
  /// @param users of the statements about users; null: those are refused. Both outlive the engine.
  explicit Engine(tsdb::Store& store, Users* users = nullptr);
  ~Engine();

  /// Runs every statement of `text` in order and stops at the first that fails: its result carries the true
  /// error, the ones after it "not executed". Errors (the whole text is refused, nothing has run):
  /// kInvalidArgument with InfluxDB's words and position, "error parsing query: found SELEKT, expected
  /// SELECT, ... at line 1, char 1".
  Result<std::vector<StatementResult>> execute(std::string_view text, const QueryContext& context) const;

  /// Why statements that ran well found nothing: the name that they read and that was never written, and what
  /// mends it; "" where every name is known. See missing_names.h.
  std::string missing_names(std::string_view text, const QueryContext& context) const;

 private:
  Result<std::vector<Row>> run_one(const Statement& statement, const QueryContext& context,
                                   std::vector<Message>& messages) const;

  tsdb::Store& store_;
  Users* users_;
  std::unique_ptr<AnswerCache> answers_;
  std::unique_ptr<RunningQueries> running_;
};

}  // namespace gpuscale::influxql

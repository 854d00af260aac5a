// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/remote.h"
#include "cli/table.h"
#include "http/message.h"

namespace gpuscale::cli {
namespace {

using Json = nlohmann::json;

void print_series(const Json& series) {
  std::string title = series.value("name", "");
  if (series.contains("tags")) {
    for (const auto& [key, value] : series["tags"].items())
      title += "  " + key + "=" + value.get<std::string>();
  }
  if (!title.empty()) std::printf("%s\n", title.c_str());
  Table table;
  for (const Json& column : series["columns"]) table.heads.push_back(column.get<std::string>());
  if (series.contains("values")) {
    for (const Json& values : series["values"]) {
      std::vector<std::string> row;
      for (const Json& value : values) row.push_back(cell_of(value));
      table.rows.push_back(std::move(row));
    }
  }
  std::printf("%s\n", table.to_text().c_str());
}

int print_answer(const Json& answer) {
  int code = kExitDone;
  for (const Json& result : answer.value("results", Json::array())) {
    for (const Json& series : result.value("series", Json::array())) print_series(series);
    if (result.contains("error")) {
      std::fprintf(stderr, "gpuscale: %s\n", result["error"].get<std::string>().c_str());
      code = kExitFailed;
    }
  }
  return code;
}

}  // namespace

void add_query_command(CLI::App& app, Action& action) {
  struct QueryFlags {
    RemoteOptions remote;
    std::string text;
    std::string database = "gpuscale";
  };
  auto* command = app.add_subcommand("query", "Run InfluxQL on the server's store");
  auto flags = std::make_shared<QueryFlags>();
  flags->remote.add_to(*command);
  command->add_option("QUERY", flags->text, "one or more statements, separated by ;")->required();
  command->add_option("--database", flags->database)->capture_default_str();
  command->callback([&action, flags] {
    action = [flags](const Context&) {
      Remote remote(flags->remote);
      const std::string form =
          "db=" + http::url_encode(flags->database) + "&q=" + http::url_encode(flags->text);
      const auto answer = remote.query(form);
      if (!answer) return report(answer.error());
      if (!flags->remote.json()) return print_answer(*answer);
      std::printf("%s\n", answer->dump(2).c_str());
      return kExitDone;
    };
  });
}

}  // namespace gpuscale::cli

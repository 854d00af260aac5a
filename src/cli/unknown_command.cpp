// SPDX-License-Identifier: Apache-2.0
#include "cli/unknown_command.h"

#include <algorithm>
#include <vector>

#include "base/name_list.h"
#include "base/nearest_name.h"

namespace gpuscale::cli {

std::string unknown_command(const CLI::App& app) {
  const CLI::App* at = &app;
  std::string path = app.get_name();
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    path += " " + at->get_name();
  }
  if (at->get_require_subcommand_min() == 0) return "";
  const std::vector<std::string> words = at->remaining();
  const auto word = std::find_if(words.begin(), words.end(), [](const std::string& each) {
    return !each.empty() && each.front() != '-';
  });
  std::vector<std::string> known;
  for (const CLI::App* each : at->get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(each->get_name());
  const std::string there_are = path + " has " + base::joined(known);
  if (word == words.end()) return "which command? " + there_are;
  return "no command \"" + path + " " + *word + "\"" + base::did_you_mean(*word, known) + "\n" + there_are;
}

}  // namespace gpuscale::cli

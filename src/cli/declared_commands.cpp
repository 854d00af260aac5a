// SPDX-License-Identifier: Apache-2.0
/// `gpuscale rule|channel|trigger|schedule|pool|policy get, apply, delete`: what is declared, as the
/// configuration file would hold it.
#include "cli/declared_commands.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "cli/command.h"
#include "cli/remote.h"
#include "config/config.h"
#include "http/message.h"

namespace gpuscale::cli {
namespace {

using Json = nlohmann::json;
using config::Kind;

struct DeclaredOptions {
  RemoteOptions remote;
  Kind kind = Kind::kRules;
  std::string name;
  std::string file;
  bool dry_run = false;
};

std::string path_of(Kind kind, const std::string& name) {
  return "/api/v1/" + std::string(to_string(kind)) + "/" + http::url_encode(name);
}

/// "-" = standard input.
Result<std::string> text_of_file(const std::string& file) {
  if (file != "-") return config::read_text(file);
  std::stringstream text;
  text << std::cin.rdbuf();
  return text.str();
}

int get_declared(const DeclaredOptions& options) {
  const auto answer = Remote(options.remote).get(path_of(options.kind, options.name) + "/definition");
  if (!answer) return report(answer.error());
  if (options.remote.json()) {
    std::printf("%s\n", answer->dump(2).c_str());
    return kExitDone;
  }
  Json definition = answer->value("definition", Json::object());
  definition["name"] = options.name;
  const Json document{{std::string(to_string(options.kind)), Json::array({std::move(definition)})}};
  std::fputs(config::yaml_of(document).c_str(), stdout);
  return kExitDone;
}

/// Makes or changes one, from the version that stands now. @return what came of it: "created", "changed",
/// "unchanged", "good".
Result<Json> apply_one(Remote& remote, const DeclaredOptions& options, const std::string& name,
                       Json definition) {
  const std::string path = path_of(options.kind, name);
  definition["name"] = name;
  const auto present = remote.get(path + "/definition");
  if (!present && present.error().code() != Errc::kNotFound) return present.error();
  if (present) {
    Json before = present->value("definition", Json::object());
    before["name"] = name;
    if (before == definition && !options.dry_run) return Json{{"did", "unchanged"}};
  }
  const Json version = present ? present->value("version", Json(0)) : Json(0);
  GS_TRY(Json answer, remote.call(http::Method::kPut, path + (options.dry_run ? "?dry_run=true" : ""),
                                  {{"definition", std::move(definition)}, {"version", version}}));
  answer["did"] = options.dry_run ? "good" : present ? "changed" : "created";
  return answer;
}

int apply_declared(const DeclaredOptions& options) {
  const auto text = text_of_file(options.file);
  if (!text) return report(text.error());
  auto found = entries_to_apply(options.kind, *text);
  if (!found) return report(found.error().with_context(options.file));
  Remote remote(options.remote);
  Json all = Json::array();
  for (auto& [name, definition] : *found) {
    const auto answer = apply_one(remote, options, name, std::move(definition));
    if (!answer) return report(answer.error().with_context(std::string(word_of(options.kind)) + " " + name));
    if (options.remote.json()) {
      all.push_back(*answer);
      continue;
    }
    std::printf("%s %s: %s\n", std::string(word_of(options.kind)).c_str(), name.c_str(),
                answer->at("did").get<std::string>().c_str());
    if (answer->contains("url") && answer->at("url").is_string())
      std::printf("its URL, with the secret that is shown this once: %s\n",
                  answer->at("url").get<std::string>().c_str());
  }
  if (options.remote.json()) std::printf("%s\n", all.dump(2).c_str());
  return kExitDone;
}

int delete_declared(const DeclaredOptions& options) {
  Remote remote(options.remote);
  const std::string path = path_of(options.kind, options.name);
  const auto present = remote.get(path + "/definition");
  if (!present) return report(present.error());
  const auto answer = remote.call(http::Method::kDelete,
                                  path + "?version=" + present->value("version", Json(0)).dump(), nullptr);
  if (!answer) return report(answer.error());
  std::printf("%s %s: deleted\n", std::string(word_of(options.kind)).c_str(), options.name.c_str());
  return kExitDone;
}

}  // namespace

Result<std::vector<std::pair<std::string, Json>>> entries_to_apply(Kind kind, const std::string& yaml) {
  GS_TRY(auto all, config::definitions_in(yaml));
  std::vector<std::pair<std::string, Json>> out;
  for (auto& [key, definition] : all)
    if (key.first == kind) out.emplace_back(key.second, std::move(definition));
  if (!out.empty()) return out;
  const std::string list(to_string(kind));
  return fail(Errc::kInvalidArgument, "holds no " + list + "; write them as the configuration file does: \"" +
                                          list + ":\", then a list of entries with \"name\"");
}

void add_declared_verbs(CLI::App& parent, Action& action, Kind kind) {
  const std::string word(word_of(kind));
  const auto add = [&](const std::string& verb, const std::string& help, int (*run)(const DeclaredOptions&)) {
    auto* command = parent.add_subcommand(verb, help);
    auto options = std::make_shared<DeclaredOptions>();
    options->kind = kind;
    options->remote.add_to(*command);
    command->callback(
        [&action, options, run] { action = [options, run](const Context&) { return run(*options); }; });
    return std::pair(command, options);
  };
  const auto [get, get_options] =
      add("get", "Show a " + word + " as the file would hold it, without secrets; can be applied again",
          get_declared);
  get->add_option("NAME", get_options->name)->required();
  const auto [apply, apply_options] =
      add("apply", "Make or change each " + word + " of a YAML file", apply_declared);
  apply
      ->add_option("FILE", apply_options->file,
                   "with the list " + std::string(to_string(kind)) + "; - = standard input")
      ->required();
  apply->add_flag("--dry-run", apply_options->dry_run, "check everything and change nothing");
  const auto [remove, remove_options] = add(
      "delete", "Delete a " + word + " that the file does not declare and nothing names", delete_declared);
  remove->add_option("NAME", remove_options->name)->required();
}

}  // namespace gpuscale::cli

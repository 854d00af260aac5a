// SPDX-License-Identifier: Apache-2.0
/// Providers that speak the verbs: a real script, a real service, and what they may say wrong.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/digest.h"
#include "base/run_program.h"
#include "http/server.h"
#include "pool/providers/exec/exec_provider.h"
#include "pool/providers/http/http_provider.h"
#include "pool/testing/provider_conformance.h"

namespace gpuscale::pool {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// A cloud of files: $DIR/<node> holds its state. What a user would write, in 30 lines of shell.
constexpr const char* kScript = R"sh(#!/bin/sh
dir=$(dirname "$0")/nodes
mkdir -p "$dir"
request=$(cat)
node=$(printf '%s' "$request" | sed -n 's/.*"node":"\([^"]*\)".*/\1/p')
missing() { printf '{"error":{"kind":"not_found","message":"no %s"}}' "$node"; exit 3; }
case "$1" in
  launch) [ -e "$dir/$node" ] || echo no > "$dir/$node"; echo '{}' ;;
  list)
    printf '{"instances":['
    sep=
    for file in "$dir"/*; do
      [ -e "$file" ] || continue
      name=$(basename "$file")
      printf '%s{"id":"%s","state":"running","endpoint":"http://%s.test"}' "$sep" "$name" "$name"
      sep=,
    done
    printf ']}' ;;
  drain) [ -e "$dir/$node" ] || missing; echo yes > "$dir/$node"; echo '{}' ;;
  undrain) [ -e "$dir/$node" ] || missing; echo no > "$dir/$node"; echo '{}' ;;
  workload)
    [ -e "$dir/$node" ] || missing
    [ "$(cat "$dir/$node")" = yes ] && draining=true || draining=false
    printf '{"node":"%s","in_flight":0,"draining":%s}' "$node" "$draining" ;;
  terminate) rm -f "$dir/$node"; echo '{}' ;;
esac
)sh";

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("gpuscale-verbs-" + base::random_hex(6))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string script(const std::string& text) const {
    const std::string file = path_ / "nodes.sh";
    std::ofstream(file) << text;
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }
  std::filesystem::path path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::unique_ptr<NodeProvider> exec_of(const std::string& script, std::chrono::milliseconds timeout = 20s) {
  exec::ExecOptions options;
  options.context = {"gpu", "test", "http://127.0.0.1:1"};
  options.command = {script};
  options.timeout = timeout;
  auto provider = exec::open_exec(std::move(options), log::Log::silent());
  EXPECT_TRUE(provider) << provider.error().message();
  return *std::move(provider);
}

class ExecHarness {
 public:
  ExecHarness() : script_(folder_.script(kScript)) { reopen(); }
  NodeProvider& provider() { return *provider_; }
  void reopen() { provider_ = exec_of(script_); }
  void await_running(const NodeId& id) { EXPECT_EQ(testing::count_instances(*provider_, id), 1U); }
  void await_absent(const NodeId& id) { EXPECT_EQ(testing::count_instances(*provider_, id), 0U); }
  void kill(const NodeId& id) { std::filesystem::remove(folder_.path() / "nodes" / id.value()); }

 private:
  Folder folder_;
  std::string script_;
  std::unique_ptr<NodeProvider> provider_;
};

/// The same world behind HTTP: the service hands each request to the script.
class HttpHarness {
 public:
  HttpHarness() : script_(folder_.script(kScript)) {
    auto server = http::Server::start(
        {.address = "127.0.0.1", .port = 0},
        [this](const http::Request& request) {
          if (request.headers.get("Authorization") != "Bearer t0ken") return http::Response::json(401, "{}");
          base::ProgramRun run;
          run.arguments = {script_, request.path.substr(1)};
          run.input = request.body;
          const auto end = base::run_program(run);
          if (!end) return http::Response::json(500, "{}");
          return http::Response::json(end->status == 0 ? 200 : 404, end->output);
        },
        log::Log::silent());
    EXPECT_TRUE(server) << server.error().message();
    server_ = *std::move(server);
    reopen();
  }
  NodeProvider& provider() { return *provider_; }
  void reopen() {
    http_service::HttpOptions options;
    options.context = {"gpu", "test", "http://127.0.0.1:1"};
    options.url = "http://127.0.0.1:" + std::to_string(server_->port());
    options.bearer = Secret("t0ken");
    provider_ = http_service::make_http(std::move(options));
  }
  void await_running(const NodeId& id) { EXPECT_EQ(testing::count_instances(*provider_, id), 1U); }
  void await_absent(const NodeId& id) { EXPECT_EQ(testing::count_instances(*provider_, id), 0U); }
  void kill(const NodeId& id) { std::filesystem::remove(folder_.path() / "nodes" / id.value()); }

 private:
  Folder folder_;
  std::string script_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<NodeProvider> provider_;
};

}  // namespace
}  // namespace gpuscale::pool

namespace gpuscale::pool::testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Exec, ProviderConformance, ExecHarness);
INSTANTIATE_TYPED_TEST_SUITE_P(Http, ProviderConformance, HttpHarness);
}  // namespace gpuscale::pool::testing

namespace gpuscale::pool {
namespace {

struct BadScript {
  const char* what;
  const char* text;
  Errc code;
  const char* said;
};
class BadScripts : public ::testing::TestWithParam<BadScript> {};

TEST_P(BadScripts, FailTheCallAndNothingElse) {
  const Folder folder;
  const auto provider =
      exec_of(folder.script(GetParam().text), GetParam().code == Errc::kTimeout ? 300ms : 20s);
  const auto list = provider->list();
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code(), GetParam().code) << list.error().message();
  EXPECT_THAT(list.error().message(), HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(
    Exec, BadScripts,
    ::testing::Values(
        BadScript{"no JSON", "#!/bin/sh\necho hello\n", Errc::kUnavailable, "no JSON object: \"hello"},
        BadScript{"nothing", "#!/bin/sh\n", Errc::kUnavailable, "no JSON object"},
        BadScript{"half", "#!/bin/sh\nprintf '{\"instances\":['\n", Errc::kUnavailable, "no JSON object"},
        BadScript{"no list", "#!/bin/sh\necho '{}'\n", Errc::kUnavailable, "no list \"instances\""},
        BadScript{"bad state", "#!/bin/sh\necho '{\"instances\":[{\"id\":\"a\",\"state\":\"odd\"}]}'\n",
                  Errc::kUnavailable, "instances[0]: state \"odd\""},
        BadScript{"bad id", "#!/bin/sh\necho '{\"instances\":[{\"id\":\"../a\",\"state\":\"running\"}]}'\n",
                  Errc::kUnavailable, "instances[0]: id"},
        BadScript{
            "twice",
            "#!/bin/sh\necho '{\"instances\":[{\"id\":\"a\",\"state\":\"running\"},{\"id\":\"a\",\"state\":"
            "\"running\"}]}'\n",
            Errc::kUnavailable, "lists a twice"},
        BadScript{"fails", "#!/bin/sh\necho oops >&2\nexit 7\n", Errc::kUnavailable, "status 7: oops"},
        BadScript{"fails after an answer", "#!/bin/sh\necho '{\"instances\":[]}'\nexit 7\n",
                  Errc::kUnavailable, "status 7"},
        BadScript{"says why",
                  "#!/bin/sh\necho '{\"error\":{\"kind\":\"quota\",\"message\":\"8 of 8\"}}'\nexit 1\n",
                  Errc::kExhausted, "quota: 8 of 8"},
        BadScript{"hangs", "#!/bin/sh\nsleep 60\n", Errc::kTimeout, "has been killed"},
        BadScript{"hangs with a child", "#!/bin/sh\nsleep 60 &\nwait\n", Errc::kTimeout, "has been killed"},
        BadScript{"leaves a child behind", "#!/bin/sh\nsleep 60 &\necho hello\n", Errc::kUnavailable,
                  "hello"},
        BadScript{"floods", "#!/bin/sh\nyes\n", Errc::kExhausted, "printed more than"}),
    [](const auto& tested) {
      std::string name = tested.param.what;
      for (char& c : name) {
        if (c == ' ') c = '_';
      }
      return name;
    });

TEST(ExecProvider, ANodeThatAnswersForAnotherIsNotBelieved) {
  const Folder folder;
  const auto provider =
      exec_of(folder.script("#!/bin/sh\necho '{\"node\":\"b\",\"in_flight\":0,\"draining\":true}'\n"));
  const auto workload = provider->workload(NodeId("a"));
  ASSERT_FALSE(workload);
  EXPECT_THAT(workload.error().message(), HasSubstr("asked for a, \"b\" answers"));
}

TEST(ExecProvider, SaysWhichOptionIsWrong) {
  exec::ExecOptions options;
  EXPECT_THAT(exec::apply_options({{"comand", "x"}}, options).error().message(), HasSubstr("known: command"));
  EXPECT_THAT(exec::apply_options({{"command", "nodes.sh"}}, options).error().message(),
              HasSubstr("absolute path"));
  EXPECT_TRUE(exec::apply_options({{"command", "/x/y.sh --zone b"}, {"timeout", "3s"}}, options));
  EXPECT_EQ(options.command.size(), 3U);
}

TEST(HttpProvider, StatusesBecomeKindsWhereTheBodySaysNothing) {
  int status = 0;
  const auto server = *http::Server::start(
      {.address = "127.0.0.1", .port = 0},
      [&](const http::Request&) { return http::Response::json(status, "<html>a proxy's page</html>"); },
      log::Log::silent());
  http_service::HttpOptions options;
  options.url = "http://127.0.0.1:" + std::to_string(server->port());
  const auto provider = http_service::make_http(options);
  for (const auto& [code, kind] : {std::pair(401, Errc::kForbidden), std::pair(404, Errc::kNotFound),
                                   std::pair(409, Errc::kConflict), std::pair(429, Errc::kExhausted),
                                   std::pair(501, Errc::kUnsupported), std::pair(503, Errc::kUnavailable)}) {
    status = code;
    EXPECT_EQ(provider->launch(NodeId("a")).error().code(), kind) << code;
  }
}

}  // namespace
}  // namespace gpuscale::pool

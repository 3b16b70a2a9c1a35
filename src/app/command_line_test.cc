// SPDX-License-Identifier: Apache-2.0
//
// The command line as a user meets it, as far as no server is needed: what is printed where, and what is exited with.
#include "app/command_line.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "net/http_server.h"

namespace clew::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Outcome {
  int exit_code;
  std::string out;
  std::string err;
};

Outcome run(std::vector<const char*> words) {
  words.insert(words.begin(), "clew");
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int exit_code = run_command_line(static_cast<int>(words.size()), words.data());
  std::fflush(stdout);
  return {exit_code, ::testing::internal::GetCapturedStdout(), ::testing::internal::GetCapturedStderr()};
}

TEST(CommandLine, ExplainsItself) {
  const Outcome help = run({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : {"serve", "search", "trace", "traceql", "config", "load"})
    EXPECT_THAT(help.out, HasSubstr(command));
  EXPECT_THAT(run({"--version"}).out, StartsWith("clew "));
  EXPECT_THAT(run({"load", "--help"}).out, AllOf(HasSubstr("--target"), HasSubstr("--compression")));
}

// The commands that --help of `words` lists.
std::vector<std::string> commands_below(const std::vector<const char*>& words) {
  std::vector<const char*> help = words;
  help.push_back("--help");
  const std::string out = run(help).out;
  std::vector<std::string> found;
  size_t at = out.find("Subcommands:\n");
  if (at == std::string::npos) return found;
  std::istringstream lines(out.substr(at + sizeof "Subcommands:"));
  for (std::string line; std::getline(lines, line) && line.starts_with("  ");)
    if (line[2] != ' ') found.push_back(line.substr(2, line.find(' ', 2) - 2));
  return found;
}

TEST(CommandLine, ShowsAnExampleOfEveryCommand) {
  const std::vector<std::string> commands = commands_below({});
  EXPECT_GE(commands.size(), 13u);
  for (const std::string& command : commands) {
    const std::vector<std::string> below = commands_below({command.c_str()});
    if (below.empty()) EXPECT_THAT(run({command.c_str(), "--help"}).out, HasSubstr("Examples:\n  ")) << command;
    for (const std::string& each : below)
      EXPECT_THAT(run({command.c_str(), each.c_str(), "--help"}).out, HasSubstr("Examples:\n  clew " + command));
  }
}

TEST(CommandLine, TheManualPageIsCurrent) {
  std::ifstream file(CLEW_SOURCE_DIR "/docs/reference/clew.1");
  std::ostringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), run({"man"}).out) << "run: clew man > docs/reference/clew.1";
}

TEST(CommandLine, EveryShellIsToldOfEveryCommand) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = run({"completion", shell}).out;
    for (const std::string& command : commands_below({}))
      EXPECT_THAT(script, HasSubstr("'clew " + command + "'")) << shell;
    EXPECT_THAT(script, HasSubstr("otlp-json-lines")) << shell;
  }
  EXPECT_EQ(run({"completion", "ksh"}).exit_code, 2);
}

TEST(CommandLine, ExitsWith2ForWhatIsNoCommandLine) {
  EXPECT_EQ(run({}).exit_code, 2);
  EXPECT_EQ(run({"sing"}).exit_code, 2);
  EXPECT_EQ(run({"search"}).exit_code, 2);
  EXPECT_EQ(run({"trace", "1", "--format", "yaml"}).exit_code, 2);
  EXPECT_EQ(run({"search", "{}", "--since", "1h", "--from", "2h"}).exit_code, 2);
}

TEST(CommandLine, ChecksTraceQl) {
  const Outcome good = run({"traceql", "check", "{ .a=1 }"});
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_EQ(good.out, "{ .a = 1 }\n");
  const Outcome bad = run({"traceql", "check", "{ .a = }"});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.err, StartsWith("1:8: "));
  EXPECT_EQ(bad.out, "");
}

TEST(CommandLine, ChecksAndShowsSettings) {
  const std::string path = (std::filesystem::temp_directory_path() / "clew-command-line-test.yaml").string();
  std::ofstream(path) << "listen:\n  htp: :1\n";
  const Outcome bad = run({"config", "check", path.c_str()});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_EQ(bad.err, path + ":2: listen.htp: there is no such setting; did you mean listen.http?\n");
  EXPECT_EQ(run({"serve", "--config", path.c_str()}).exit_code, 2);
  std::ofstream(path) << "log:\n  level: debug\n";
  EXPECT_EQ(run({"config", "check", path.c_str()}).out, path + ": ok\n");
  const Outcome shown = run({"config", "show", "--config", path.c_str(), "--set", "query.threads=7", "--data", "x"});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("level: \"debug\"  # default: \"info\""),
                               HasSubstr("threads: 7  # default: 2"), HasSubstr("folder: \"x\"")));
  std::filesystem::remove(path);
  EXPECT_EQ(run({"config", "check", path.c_str()}).exit_code, 1);
}

TEST(CommandLine, SaysWhatIsWrongWithoutAServer) {
  // Port 1 is never listened on.
  const Outcome search = run({"search", "{}", "--server", "http://127.0.0.1:1"});
  EXPECT_EQ(search.exit_code, 1);
  EXPECT_THAT(search.err, StartsWith("clew: http://127.0.0.1:1: "));
  EXPECT_EQ(run({"trace", "abc", "--server", "nonsense"}).exit_code, 2);
  EXPECT_EQ(run({"load", "--target", "ftp://x"}).exit_code, 2);
  EXPECT_EQ(run({"load", "--target", "grpc://127.0.0.1:1", "--file", "/nowhere"}).exit_code, 3);
}

TEST(CommandLine, RefusesAPortThatIsTaken) {
  net::HttpServer::Options options;
  options.address = {"127.0.0.1", 0};
  net::HttpServer other(std::move(options));
  ASSERT_TRUE(other.start().ok());
  const std::string setting = "listen.http=" + other.address().text();
  const Outcome outcome =
      run({"serve", "--set", "listen.otlp_grpc=off", "--set", "listen.otlp_http=off", "--set", setting.c_str()});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(other.address().text()), HasSubstr("listen.http")));
}

}  // namespace
}  // namespace clew::app

// SPDX-License-Identifier: Apache-2.0
//
// For every setting of the table: its default prints and reads back, from the command line and from YAML. Mistakes are
// named with line and key, all of them, and near misses with what was meant. The reference page is the one in docs.
#include "app/configuration.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "app/settings.h"

namespace clew::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> problems_of(std::string_view yaml) {
  Configuration configuration;
  std::vector<std::string> texts;
  for (const Problem& problem : read_yaml(yaml, "f", configuration)) texts.push_back(text_of(problem));
  return texts;
}

std::vector<std::string> override_problems(std::string_view assignment) {
  Configuration configuration;
  std::vector<std::string> texts;
  for (const Problem& problem : apply_override(assignment, configuration)) texts.push_back(text_of(problem));
  return texts;
}

// A value that differs from the default.
std::string other_value(const Setting& setting) {
  switch (setting.type) {
    case SettingType::Text:
      return "other: \"text\" # no comment";
    case SettingType::Address:
      return "[::1]:9999";
    case SettingType::Choice:
      return std::string(setting.choices.substr(setting.choices.rfind('|') + 1));
    case SettingType::Flag:
      return "true";
    case SettingType::Count:
      return "77";
    case SettingType::Size:
      return "123MiB";
    case SettingType::Duration:
      return "1500ms";
    case SettingType::TextList:
      return "[\"https://a.example\", \"*\"]";
  }
  return "";
}

TEST(Settings, EveryDefaultAndAnotherValueReadBack) {
  for (const Setting& setting : settings()) {
    SCOPED_TRACE(setting.path);
    for (const std::string& text : {value_text(setting, Configuration()), other_value(setting)}) {
      Configuration configuration;
      EXPECT_EQ(assign(setting, text, configuration), std::nullopt);
      EXPECT_EQ(value_text(setting, configuration), text);
    }
  }
}

TEST(Settings, WhatShowPrintsReadsBack) {
  Configuration configuration;
  for (const Setting& setting : settings())
    ASSERT_EQ(assign(setting, other_value(setting), configuration), std::nullopt);
  Configuration again;
  EXPECT_THAT(read_yaml(show(configuration), "f", again), IsEmpty());
  for (const Setting& setting : settings()) EXPECT_EQ(value_text(setting, again), other_value(setting)) << setting.path;
}

TEST(Settings, AreUniqueAndExplained) {
  for (const Setting& setting : settings()) {
    EXPECT_EQ(find_setting(setting.path), &setting);
    EXPECT_TRUE(setting.help.ends_with('.')) << setting.path;
  }
}

TEST(ReadYaml, TakesSectionsListsAndDottedKeys) {
  Configuration configuration;
  EXPECT_THAT(read_yaml("listen:\n  otlp_grpc: off\nhttp:\n  cors_origins:\n    - https://a.example\nlog.level: debug\n"
                        "memory: {budget: 1GiB}\n",
                        "f", configuration),
              IsEmpty());
  EXPECT_EQ(configuration.listen_otlp_grpc, "off");
  EXPECT_THAT(configuration.http_cors_origins, ElementsAre("https://a.example"));
  EXPECT_EQ(configuration.log_level, "debug");
  EXPECT_EQ(configuration.memory_budget, 1u << 30);
  EXPECT_THAT(problems_of(""), IsEmpty());
  EXPECT_THAT(problems_of("# nothing\n"), IsEmpty());
}

TEST(ReadYaml, NamesEveryMistakeWithItsLine) {
  EXPECT_THAT(problems_of("listen:\n  otlp_grcp: :1\n  zipkin: :9411\nmemory:\n  budget: lots\nquery:\n  threads: 0\n"),
              ElementsAre("f:2: listen.otlp_grcp: there is no such setting; did you mean listen.otlp_grpc?",
                          "f:3: listen.zipkin: this version has no such door",
                          "f:5: memory.budget: 'lots' is not a size such as 512MiB",
                          "f:7: query.threads: 0 is below the least, 1"));
}

TEST(ReadYaml, RefusesWhatIsNoConfiguration) {
  EXPECT_THAT(problems_of("- a\n"), ElementsAre("f:1: a configuration is a map of sections"));
  EXPECT_THAT(problems_of("a: [1\n"), ElementsAre(HasSubstr("f:")));
  EXPECT_THAT(problems_of("listen:\n  host: a\n  host: b\n"), ElementsAre("f:3: listen.host: is set twice"));
  EXPECT_THAT(problems_of("listen:\n  host:\n"), ElementsAre("f:2: listen.host: has no value"));
  EXPECT_THAT(problems_of("listen:\n  host: {a: b}\n"), ElementsAre("f:2: listen.host: takes a value, not a section"));
  EXPECT_THAT(problems_of("listen:\n  host: [a]\n"), ElementsAre("f:2: listen.host: takes one value, not a list"));
  EXPECT_THAT(problems_of("zzz: 1\n"), ElementsAre("f:1: zzz: there is no such setting"));
  EXPECT_THAT(problems_of(std::string(2 << 20, ' ')), ElementsAre("f: is larger than 1MiB"));
}

TEST(ApplyOverride, SetsOneSetting) {
  Configuration configuration;
  EXPECT_THAT(apply_override("query.timeout=1m30s", configuration), IsEmpty());
  EXPECT_EQ(configuration.query_timeout, 90'000'000'000u);
  EXPECT_THAT(apply_override("http.cors_origins=https://a.example,https://b.example", configuration), IsEmpty());
  EXPECT_THAT(configuration.http_cors_origins, ElementsAre("https://a.example", "https://b.example"));
  EXPECT_THAT(override_problems("query.timeout"), ElementsAre("--set: 'query.timeout' is not path.to.key=value"));
  EXPECT_THAT(override_problems("log.level=loud"),
              ElementsAre("--set: log.level: 'loud' is not one of debug, info, warning, error"));
  EXPECT_THAT(override_problems("timeout=1s"),
              ElementsAre("--set: timeout: there is no such setting; did you mean query.timeout?"));
  EXPECT_THAT(override_problems("listen.http=1:2:3"), ElementsAre(HasSubstr("write host:port, :port or off")));
}

TEST(ParseSize, TakesUnitsAndRefusesTheRest) {
  EXPECT_EQ(parse_size("512MiB"), 512u << 20);
  EXPECT_EQ(parse_size("100MB"), 100'000'000u);
  EXPECT_EQ(parse_size("7"), 7u);
  EXPECT_EQ(size_text(1536), "1536B");
  EXPECT_EQ(size_text(2048), "2KiB");
  for (const char* text : {"", "MiB", "-1", "1.5GiB", "1 MiB", "99999999999TiB", "1mib"})
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
}

TEST(ReferencePage, IsTheOneInDocs) {
  std::ifstream file(CLEW_SOURCE_DIR "/docs/reference/configuration.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), reference_page()) << "run: clew config reference > docs/reference/configuration.md";
}

}  // namespace
}  // namespace clew::app

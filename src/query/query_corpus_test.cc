// SPDX-License-Identifier: Apache-2.0
//
// Proves what the language is by examples: every line of testdata/accepted.txt parses to the canonical text beside it,
// and that text parses to the same tree and prints as itself; every line of testdata/rejected.txt is refused at the
// place and with the words beside it; and every example of docs/reference/traceql.md is a query.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "query/parse.h"

namespace clew::query {
namespace {

const std::string kSources = CLEW_SOURCE_DIR;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> read_lines(const std::string& path) {
  std::vector<std::string> lines;
  std::stringstream text(read_file(path));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// `text` cut at every `separator`.
std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (true) {
    const size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + separator.size();
  }
}

std::string with_line_breaks(const std::string& line) {
  const auto parts = split(line, "⏎");
  std::string text = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) text += "\n" + parts[i];
  return text;
}

std::vector<std::string> corpus(const std::string& name) {
  std::vector<std::string> lines;
  for (const std::string& line : read_lines(kSources + "/src/query/testdata/" + name)) {
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  }
  return lines;
}

void expect_stable(const std::string& text, const std::string& canonical) {
  const ParseResult parsed = parse(text);
  ASSERT_TRUE(parsed.ok()) << text << "\n" << explain(parsed.error(), text);
  EXPECT_EQ(to_string(parsed.query()), canonical) << text;
  const ParseResult again = parse(canonical);
  ASSERT_TRUE(again.ok()) << canonical << "\n" << explain(again.error(), canonical);
  EXPECT_EQ(parsed.query(), again.query()) << text;
  EXPECT_EQ(to_string(again.query()), canonical);
}

TEST(QueryCorpus, AcceptedHaveTheirCanonicalText) {
  const auto lines = corpus("accepted.txt");
  EXPECT_GE(lines.size(), 150U);
  for (const std::string& line : lines) {
    const auto parts = split(line, " ==> ");
    expect_stable(with_line_breaks(parts.front()), with_line_breaks(parts.back()));
  }
}

TEST(QueryCorpus, RejectedSayWhereAndWhatWasExpected) {
  const auto lines = corpus("rejected.txt");
  EXPECT_GE(lines.size(), 150U);
  for (const std::string& line : lines) {
    const auto sides = split(line, " ==> ");
    ASSERT_EQ(sides.size(), 2U) << line;
    const auto parts = split(sides[1], " ; ");
    ASSERT_GE(parts.size(), 2U) << line;
    const std::string text = with_line_breaks(sides[0]);
    const ParseResult parsed = parse(text);
    ASSERT_FALSE(parsed.ok()) << text << " was taken for " << to_string(parsed.query());
    const ParseError& error = parsed.error();
    EXPECT_EQ(std::to_string(error.line) + ":" + std::to_string(error.column), parts[0]) << text;
    const std::string what = error.message + (error.expected.empty() ? "" : "; expected " + error.expected);
    EXPECT_NE(what.find(parts[1]), std::string::npos) << text << "\nsays: " << what;
    if (parts.size() > 2) {
      EXPECT_NE(error.hint.find(parts[2]), std::string::npos) << text << "\nhints: " << error.hint;
    } else {
      EXPECT_EQ(error.hint, "") << text;
    }
    EXPECT_LE(error.offset, text.size());
  }
}

// Blocks fenced as ```traceql: one query each, or several that are separated by an empty line.
TEST(QueryCorpus, ExamplesOfTheReferenceParse) {
  int examples = 0;
  bool inside = false;
  std::string query;
  const auto finish = [&] {
    if (query.empty()) return;
    const ParseResult parsed = parse(query);
    EXPECT_TRUE(parsed.ok()) << query << (parsed.ok() ? "" : explain(parsed.error(), query));
    ++examples;
    query.clear();
  };
  for (const std::string& line : read_lines(kSources + "/docs/reference/traceql.md")) {
    if (line.starts_with("```")) {
      finish();
      inside = line == "```traceql";
    } else if (inside && line.empty()) {
      finish();
    } else if (inside) {
      query += line + "\n";
    }
  }
  EXPECT_GE(examples, 20);
}

}  // namespace
}  // namespace clew::query

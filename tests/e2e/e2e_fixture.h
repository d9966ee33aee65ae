// What the end-to-end tests share: a folder with rules and logs, and the answers of the command line, parsed.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/binary.h"
#include "tests/support/temporary_folder.h"

namespace redthread {

using Strings = std::vector<std::string>;

// A rule that looks at one field, and one that searches all text.
inline constexpr char kRules[] = R"(title: Encoded command
id: 11111111-1111-4111-8111-111111111111
level: high
logsource: {product: windows}
detection: {selection: {CommandLine|contains: ' -enc '}, condition: selection}
---
title: Known tool
id: 22222222-2222-4222-8222-222222222222
level: medium
logsource: {product: windows}
detection: {keywords: [mimikatz], condition: keywords}
)";
// The same, and one of several events: so many processes of a computer within the timespan.
inline std::string WithManyProcesses(int count, const std::string& timespan) {
  return std::string(kRules) + R"(---
title: Process
name: process
id: 33333333-3333-4333-8333-333333333333
logsource: {product: windows}
detection: {selection: {EventID: 4688}, condition: selection}
---
title: Many processes
id: 44444444-4444-4444-8444-444444444444
level: high
correlation: {type: event_count, rules: [process], group-by: [Computer], timespan: )" +
         timespan + ", condition: {gte: " + std::to_string(count) + "}}\n";
}
inline constexpr char kEncodedCommand[] = "11111111-1111-4111-8111-111111111111";
inline constexpr char kKnownTool[] = "22222222-2222-4222-8222-222222222222";

// A record of a Windows host that says so itself. `time`: "2026-01-02 03:04:05".
inline std::string ProcessCreation(const std::string& time, const std::string& host,
                                   const std::string& command_line) {
  return R"({"UtcTime":")" + time + R"(","Channel":"Security","EventID":4688,"Computer":")" + host +
         R"(","CommandLine":")" + command_line + "\"}";
}

inline std::string JoinLines(const Strings& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

inline Strings SplitLines(const std::string& text) {
  Strings lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// The number of lines that hold `text`.
inline size_t CountLines(const std::string& lines, const std::string& text) {
  size_t n = 0;
  for (const std::string& line : SplitLines(lines)) n += line.find(text) != std::string::npos;
  return n;
}

class E2eTest : public testing::Test {
 protected:
  E2eTest() { rules_ = folder_.Write("rules.yml", kRules); }

  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string Write(const std::string& name, const std::string& text) const {
    return folder_.Write(name, text);
  }
  // Runs a program over files of the test; it must succeed.
  void Shell(const std::string& command) const {
    const BinaryRun run =
        RunProgram({"sh", "-c", "cd '" + folder_.path() + "' && " + command}, BinaryEnvironment(), "");
    ASSERT_EQ(run.exit_code, 0) << command << "\n" << run.err;
  }

  // redthread scan ARGUMENTS -r the rules of the test.
  BinaryRun Scan(Strings arguments) const {
    arguments.insert(arguments.begin(), "scan");
    arguments.insert(arguments.end(), {"-r", rules_});
    return RunBinary(arguments);
  }

  TemporaryFolder folder_;
  std::string rules_;
};

}  // namespace redthread

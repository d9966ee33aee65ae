// Complaints about places in files, with the caret that a terminal gets.
#include "app/placed_problem.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace redthread {
namespace {

TEST(CaretTest, StandsUnderTheCharacterWhateverComesBeforeIt) {
  const struct {
    const char* line;
    int column;
    int width;
    const char* caret;
  } cases[] = {
      {"  Image|contians: x", 9, 80, "    Image|contians: x\n          ^"},
      {"a", 1, 80, "  a\n  ^"},
      {"\tx: 1", 2, 80, "  \\tx: 1\n    ^"},
      {"日本: x", 5, 80, "  日本: x\n        ^"},
      {"\x1b[31m: x", 6, 80, "  \\x1b[31m: x\n          ^"},
      {"abc", 4, 80, ""},  // past the end
      {"", 1, 80, ""},
      {"abc", 0, 80, ""},
      {"0123456789012345678901234567890123456789x: 01234567890123456789", 41, 40,
       "  …1234567890123456789x: 01234567890123…\n                      ^"},
  };
  for (const auto& c : cases) EXPECT_EQ(CaretLines(c.line, c.column, c.width), c.caret) << c.line;
}

TEST(PlacedProblemTest, TheLineIsShownOnATerminalOnly) {
  const std::string path = testing::TempDir() + "redthread_caret.yml";
  std::ofstream(path) << "version: 1\nalrts: {}\n";
  for (const bool interactive : {true, false}) {
    Terminal terminal;
    terminal.interactive = interactive;
    terminal.width = 80;
    char* text = nullptr;
    size_t size = 0;
    std::FILE* file = open_memstream(&text, &size);
    Messages messages(file, terminal, LogFormat::kText, Verbosity::kNormal);
    TellWarning({path, 2, 1, "unknown key"}, &messages);
    TellProblem({"REDTHREAD_X", 0, 0, "is wrong"}, &messages);
    std::fclose(file);
    const std::string caret = interactive ? "\n  alrts: {}\n  ^" : "";
    EXPECT_EQ(std::string(text, size),
              path + ":2:1: warning: unknown key" + caret + "\nREDTHREAD_X: is wrong\n");
    std::free(text);
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace redthread

// Standard error: messages and the progress bar.
#include "app/messages.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "app/progress_bar.h"

namespace redthread {
namespace {

// A file in memory.
class Captured {
 public:
  Captured() : file_(open_memstream(&text_, &size_)) {}
  ~Captured() {
    std::fclose(file_);
    std::free(text_);
  }
  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return {text_, size_};
  }

 private:
  char* text_ = nullptr;
  size_t size_ = 0;
  std::FILE* file_;
};

TEST(MessagesTest, HostileTextCannotForgeAMessageOrMoveTheCursor) {
  Captured out;
  Messages messages(out.file(), Terminal{}, LogFormat::kText, Verbosity::kNormal);
  messages.Error("cannot read '\x1b[2Kfine.log\r'");
  messages.Problem("rule.yml:3:5: unknown modifier\n  x|contians: a\n    ^");
  EXPECT_EQ(out.text(),
            "redthread: cannot read '\\x1b[2Kfine.log\\r'\n"
            "rule.yml:3:5: unknown modifier\n  x|contians: a\n    ^\n");
}

TEST(MessagesTest, AsJsonEachMessageIsOneLine) {
  Captured out;
  Messages messages(out.file(), Terminal{}, LogFormat::kJson, Verbosity::kNormal);
  messages.Warning("a \"b\"\nc");
  EXPECT_EQ(out.text(), "{\"level\":\"warning\",\"message\":\"a \\\"b\\\"\\nc\"}\n");
}

TEST(MessagesTest, QuietKeepsComplaintsAndNoticesAndDropsCounts) {
  Captured out;
  Messages messages(out.file(), Terminal{}, LogFormat::kText, Verbosity::kQuiet);
  messages.Count("3 rules");
  messages.Detail("0.2 s");
  messages.Warning("old");
  messages.Notice("showing 100 of 18,204 (use --limit 0)");
  EXPECT_EQ(out.text(), "redthread: warning: old\nshowing 100 of 18,204 (use --limit 0)\n");
}

TEST(ProgressTest, TheLineFollowsBytesAndFitsItsWidth) {
  using std::chrono::seconds;
  const struct {
    Progress progress;
    int seconds_spent;
    int width;
    const char* line;
  } cases[] = {
      {{420'000'000, 1'000'000'000, 1'234'567},
       4,
       80,
       " 42% [########............]  1,234,567 lines  105.0 MB/s  0:05 left"},
      {{420'000'000, 1'000'000'000, 1'234'567}, 4, 60, " 42%  1,234,567 lines  105.0 MB/s  0:05 left"},
      {{420'000'000, 1'000'000'000, 1'234'567}, 4, 20, " 42%  1,234,567 lin…"},
      {{1'000'000, 0, 10}, 1, 80, "10 lines  1.0 MB/s"},
      {{0, 1000, 0}, 1, 80, "  0% [....................]  0 lines  0.0 MB/s"},
      {{2000, 1000, 5}, 1, 80, "100% [####################]  5 lines  0.0 MB/s  0:00 left"},
      {{1'000'000, 20'000'000'000, 9}, 1, 80, "  0% [....................]  9 lines  1.0 MB/s  5:33:19 left"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(RenderProgress(c.progress, seconds(c.seconds_spent), c.width), c.line);
  }
}

TEST(ProgressTest, TheBarIsDrawnOnATerminalOnlyAndClearedForMessages) {
  ReplayClock clock(Timestamp{0});
  Terminal terminal;
  terminal.interactive = true;
  terminal.width = 80;
  Captured out;
  Messages messages(out.file(), terminal, LogFormat::kText, Verbosity::kNormal);
  {
    ProgressBar bar(out.file(), &messages, &clock);
    bar.Update({1, 10, 1});  // too early to be worth drawing
    clock.Advance(std::chrono::seconds(1));
    bar.Update({5, 10, 1});
    messages.Error("x");
  }
  EXPECT_EQ(out.text(),
            "\r\x1b[K 50% [##########..........]  1 line  0.0 MB/s  0:01 left\r\x1b[Kredthread: x\n");

  Captured pipe;
  Messages piped(pipe.file(), Terminal{}, LogFormat::kText, Verbosity::kNormal);
  {
    ProgressBar bar(pipe.file(), &piped, &clock);
    clock.Advance(std::chrono::seconds(1));
    bar.Update({5, 10, 1});
  }
  EXPECT_EQ(pipe.text(), "");
}

}  // namespace
}  // namespace redthread

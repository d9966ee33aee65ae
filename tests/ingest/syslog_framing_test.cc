// SyslogFraming: where a message ends, however the bytes are cut, and whatever they say.
#include "ingest/syslog_framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Given {
  std::vector<std::string> messages;  // cut ones with "..." and the whole size behind them
  bool in_step = true;
};

// Feeds `bytes` in parts of `step`, then ends the connection.
Given Read(std::string_view bytes, size_t step, size_t max_bytes = 100) {
  Given given;
  const SyslogFraming::Take take = [&](std::string_view text, uint64_t cut_from) {
    given.messages.push_back(std::string(text) + (cut_from > 0 ? "..." + std::to_string(cut_from) : ""));
  };
  SyslogFraming framing(max_bytes);
  while (!bytes.empty() && given.in_step) {
    given.in_step = framing.Feed(bytes.substr(0, step), take);
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  if (given.in_step) framing.End(take);
  EXPECT_FALSE(framing.unfinished());
  return given;
}

struct Case {
  std::string_view bytes;
  std::vector<std::string> messages;
};

using namespace std::string_view_literals;

TEST(SyslogFramingTest, CutsStreamsOfEitherKind) {
  const std::vector<Case> cases = {
      {"", {}},
      {"<34>one\n<34>two\n", {"<34>one", "<34>two"}},
      {"one\r\ntwo\r\n", {"one", "two"}},
      {"one\n\ntwo\n", {"one", "", "two"}},
      {"one\ntwo", {"one", "two"}},
      {"one\0two\0"sv, {"one", "two"}},
      {"5 hello3 abc", {"hello", "abc"}},
      {"5 hello\n3 abc\r\n1 x\0"sv, {"hello", "abc", "x"}},
      {"6 hello\n3 abc", {"hello", "abc"}},
      {"9 one\ntwo\n\n3 abc", {"one\ntwo", "abc"}},
      // What looks like a length within text is text.
      {"one\n5 hello3 abc\n", {"one", "5 hello3 abc"}},
      {"{\"a\":1}\n999999 x\n{\"a\":2}\n", {"{\"a\":1}", "999999 x", "{\"a\":2}"}},
      // The first byte that ended a message goes on ending them.
      {"a\nb\0c\n"sv, {"a", "b\0c"}},
      {"a\0b\nc\0"sv, {"a", "b\nc"}},
      // Numbers that are no length.
      {"2026-11-22 one\n2026-11-22 two\n", {"2026-11-22 one", "2026-11-22 two"}},
      {"012 x\n", {"012 x"}},
      {"1234567890 x\n", {"1234567890 x"}},
      {"12", {"12"}},
      // A message that never ended.
      {"9 hello", {"hello...9"}},
  };
  for (Case c : cases) {
    // A NUL within a literal above would end it.
    for (std::string& m : c.messages) {
      if (m == "b") m = c.bytes[1] == '\n' ? std::string("b\0c", 3) : m;
    }
    for (size_t step : {1, 2, 3, 1000}) {
      const Given given = Read(c.bytes, step);
      EXPECT_EQ(given.messages, c.messages) << "of " << c.bytes << ", " << step << " bytes at once";
      EXPECT_TRUE(given.in_step);
    }
  }
}

TEST(SyslogFramingTest, OfALongerMessageTheBeginningAndTheSizeAreGiven) {
  const std::string longer(1000, 'x');
  const std::string kept = longer.substr(0, 100) + "...1000";
  for (size_t step : {1, 7, 100, 100'000}) {
    EXPECT_THAT(Read(longer + "\nshort\n", step).messages, ElementsAre(kept, "short"));
    EXPECT_THAT(Read("1000 " + longer + "5 short", step).messages, ElementsAre(kept, "short"));
  }
}

TEST(SyslogFramingTest, AConnectionThatLostItsLengthsIsGivenUpAndTheRestKept) {
  for (size_t step : {1, 2}) {
    const Given given = Read("5 hello<34>no length", step);
    EXPECT_FALSE(given.in_step);
    ASSERT_GE(given.messages.size(), 2u);
    EXPECT_EQ(given.messages[0], "hello");
  }
  const Given given = Read("5 hello0 x", 100);
  EXPECT_FALSE(given.in_step);
  EXPECT_THAT(given.messages, ElementsAre("hello", "0 x"));
}

TEST(SyslogFramingTest, AnnouncingAGigabyteTakesNoMemory) {
  SyslogFraming framing(100);
  const SyslogFraming::Take take = [](std::string_view text, uint64_t) { ADD_FAILURE() << text; };
  EXPECT_TRUE(framing.Feed("999999999 ", take));
  const std::string part(1 << 20, 'x');
  for (int megabytes = 0; megabytes < 100; ++megabytes) EXPECT_TRUE(framing.Feed(part, take));
  EXPECT_TRUE(framing.unfinished());
}

TEST(SyslogFramingTest, AnEmptyConnectionGivesNothing) { EXPECT_THAT(Read("", 1).messages, IsEmpty()); }

}  // namespace
}  // namespace redthread

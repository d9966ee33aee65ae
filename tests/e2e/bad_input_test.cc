// Input that is broken, on purpose or not: it is told, it is counted, and it changes no other event's result.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/e2e/e2e_fixture.h"

namespace redthread {
namespace {

using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// What a detection says, but for where its record stood.
std::string WithoutPosition(const std::string& line) {
  json detection = json::parse(line);
  detection.erase("position");
  detection.erase("source");
  return detection.dump();
}

Strings WithoutPositions(const std::string& lines) {
  Strings out;
  for (const std::string& line : SplitLines(lines)) out.push_back(WithoutPosition(line));
  return out;
}

// Good records around which the bad ones stand.
Strings GoodLines() {
  Strings lines;
  for (int i = 0; i < 10; ++i) {
    lines.push_back(ProcessCreation("2026-01-01 10:0" + std::to_string(i) + ":00",
                                    "pc" + std::to_string(i % 3), "sh -enc QQ" + std::to_string(i)));
  }
  return lines;
}

class BadInputTest : public E2eTest {
 protected:
  // Detections of a file with the bad line among the good ones, product=windows declared.
  BinaryRun ScanAround(const std::string& bad) {
    Strings lines = GoodLines();
    lines.insert(lines.begin() + 5, bad);
    return ScanFile(Write("log.ndjson", JoinLines(lines)));
  }
  BinaryRun ScanFile(const std::string& path) {
    return Scan({path, "--detections", "--logsource", "product=windows"});
  }
};

struct BadLine {
  const char* what;
  std::string line;
  int exit_code;
  std::string complaint;  // on standard error, behind the path; empty: none
  std::string count;      // in the last but one line of standard error
  bool has_time = true;
};

std::vector<BadLine> BadLines() {
  const std::string head = R"({"UtcTime":"2026-01-01 11:00:00","Computer":"bad","CommandLine":"sh -enc BAD")";
  const std::string deep(200, '[');
  const std::string closed(200, ']');
  return {
      {"truncated", head + R"(,"tail":"cut)", 5,
       ": record 5, byte 89: string without an end; what could be read of it was used", "1 read in part"},
      {"truncated in the matching field",
       R"({"UtcTime":"2026-01-01 11:00:00","Computer":"bad","CommandLine":"sh -enc BAD)", 5,
       ": record 5, byte 76: string without an end; what could be read of it was used", "1 read in part"},
      {"invalid UTF-8", head + ",\"o\":\"\xff\xfe\"}", 0, "", "1 read with broken characters replaced"},
      {"invalid UTF-8 in the matching field",
       "{\"UtcTime\":\"2026-01-01 11:00:00\",\"Computer\":\"bad\",\"CommandLine\":\"\xc3( -enc \xf8\"}", 0,
       "", "1 read with broken characters replaced"},
      {"lone surrogate", head + R"(,"o":"\ud800"})", 0, "", ""},
      {"number beyond all doubles", head + R"(,"o":1e999999})", 0, "", ""},
      {"200 levels deep",
       R"({"UtcTime":"2026-01-01 11:00:00","o":)" + deep + closed +
           R"(,"Computer":"bad","CommandLine":"sh -enc BAD"})",
       5, ": nested too deep; what could be read of it was used", "1 read in part"},
      {"200 levels deep and never closed", head + ",\"o\":" + deep, 5, "; what could be read of it was used",
       "1 read in part"},
      {"raw control characters", head + ",\"o\":\"\x01\t\x1b[2J\"}", 0, "",
       "1 read with broken characters replaced"},
      {"no object", "Jan  1 host: mimikatz \xff was here", 5,
       ": record 5, byte 0: no known format; searched as text only", "1 unreadable", false},
      {"two records on one line", head + "}" + head + "}", 5,
       ": text after the object; what could be read of it was used", "1 read in part"},
  };
}

TEST_F(BadInputTest, ABadLineIsToldWithItsPlaceIsSearchedAndChangesNoOtherResult) {
  const Strings expected = WithoutPositions(ScanFile(Write("good.ndjson", JoinLines(GoodLines()))).out);
  ASSERT_EQ(expected.size(), 10u);
  for (const BadLine& bad : BadLines()) {
    SCOPED_TRACE(bad.what);
    const BinaryRun run = ScanAround(bad.line);
    EXPECT_EQ(run.exit_code, bad.exit_code) << run.err;
    Strings good, of_bad_line;
    for (const std::string& line : SplitLines(run.out)) {
      (json::parse(line)["position"] == 5 ? of_bad_line : good).push_back(line);
    }
    EXPECT_EQ(WithoutPositions(JoinLines(good)), expected);
    ASSERT_EQ(of_bad_line.size(), 1u) << run.out;
    const json detection = json::parse(of_bad_line[0]);
    EXPECT_EQ(detection["rule"]["id"], bad.has_time ? kEncodedCommand : kKnownTool);
    EXPECT_EQ(detection["time"].is_null(), !bad.has_time);
    const Strings messages = SplitLines(run.err);
    ASSERT_GE(messages.size(), 2u);
    EXPECT_EQ(messages.size(), bad.complaint.empty() ? 2u : 3u) << run.err;
    EXPECT_THAT(messages[0], StartsWith(bad.complaint.empty() ? "11 lines of 1 input" : Path("log.ndjson")));
    EXPECT_THAT(messages[0], HasSubstr(bad.complaint));
    EXPECT_THAT(messages[messages.size() - 2], StartsWith("11 lines of 1 input"));
    EXPECT_THAT(messages[messages.size() - 2], HasSubstr(bad.count));
    EXPECT_EQ(messages.back(), "11 detections");
    EXPECT_THAT(run.err, Not(HasSubstr("\x1b")));
  }
}

TEST_F(BadInputTest, OfALineOfAHundredMegabytesTheBeginningIsRead) {
  const Strings good = GoodLines();
  {
    std::ofstream file(Path("log.ndjson"), std::ios::binary);
    for (int i = 0; i < 5; ++i) file << good[i] << '\n';
    file << R"({"UtcTime":"2026-01-01 11:00:00","Computer":"bad","CommandLine":"sh -enc BAD","o":")";
    const std::string block(1 << 20, 'a');
    for (int i = 0; i < 100; ++i) file << block;
    file << "\"}\n";
    for (int i = 5; i < 10; ++i) file << good[i] << '\n';
  }
  const BinaryRun run = Scan({Path("log.ndjson"), "--summary", "--jobs", "1"});
  EXPECT_EQ(run.exit_code, 5);
  EXPECT_THAT(run.err, StartsWith(Path("log.ndjson") +
                                  ": record 5: line of 104857685 bytes; only the first 16777216 were read\n"
                                  "11 lines of 1 input: 0 unreadable, 0 read in part, 1 too long\n"));
  EXPECT_EQ(json::parse(run.out)["count"], 10) << "the long line does not say that it is of Windows";
  const BinaryRun declared =
      Scan({Path("log.ndjson"), "--summary", "--jobs", "1", "--logsource", "product=windows"});
  EXPECT_EQ(json::parse(declared.out)["count"], 11);
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_LT(run.max_rss_bytes, 300 << 20);
#endif
}

TEST_F(BadInputTest, AnEmptyFileIsNoProblem) {
  const BinaryRun run = ScanFile(Write("empty.ndjson", ""));
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err, "0 lines of 1 input\n0 detections\n");
  const BinaryRun blank = ScanFile(Write("blank.ndjson", "\n\r\n \n"));
  EXPECT_EQ(blank.exit_code, 0);
  EXPECT_EQ(blank.err, "3 lines of 1 input\n0 detections\n");
}

TEST_F(BadInputTest, OfDamagedCompressedFilesAllIsReadThatCanBe) {
  Strings lines;
  for (int i = 0; i < 20'000; ++i) {
    lines.push_back(ProcessCreation("2026-01-01 10:00:00", "pc", "sh -enc " + std::to_string(i * 7919)));
  }
  Write("a.ndjson", JoinLines(lines));
  Shell(
      "gzip -k a.ndjson && zstd -q a.ndjson && head -c 50000 a.ndjson.gz > cut.gz && "
      "head -c 50000 a.ndjson.zst > cut.zst && "
      "(head -c 50000 a.ndjson.gz; head -c 1000 /dev/zero; tail -c +51001 a.ndjson.gz) > broken.gz && "
      "head -c 2 a.ndjson.gz > head.gz");
  struct Case {
    const char* name;
    const char* complaint;
    int least;
  };
  for (const Case& c : {Case{"cut.gz", "gzip data end before their end at byte 50000", 1000},
                        Case{"cut.zst", "zstd data end before their end at byte 50000", 1000},
                        Case{"broken.gz", "damaged gzip data at byte ", 1000},
                        Case{"head.gz", "gzip data end before their end at byte 2", 0}}) {
    SCOPED_TRACE(c.name);
    const std::string good = Write("good.ndjson", JoinLines(GoodLines()));
    const BinaryRun run = Scan({Path(c.name), good, "--detections"});
    EXPECT_EQ(run.exit_code, 5);
    EXPECT_THAT(run.err, HasSubstr(Path(c.name) + ": " + c.complaint));
    size_t of_damaged = 0;
    size_t of_good = 0;
    for (const std::string& line : SplitLines(run.out)) {
      const json detection = json::parse(line);
      (detection["source"] == good ? of_good : of_damaged) += 1;
      if (detection["source"] == good) continue;
      const std::string text = detection["event"].value("CommandLine", "");
      const std::string whole = "sh -enc " + std::to_string(detection["position"].get<int>() * 7919);
      // The last record may be cut short. What gzip makes of damaged bytes shows only when it stumbles.
      const bool before_damage = c.name != std::string("broken.gz") || detection["position"] < 5000;
      if (before_damage) {
        EXPECT_TRUE(whole.starts_with(text)) << line;
      }
    }
    EXPECT_EQ(of_good, 10u);
    EXPECT_GE(of_damaged, static_cast<size_t>(c.least));
    EXPECT_LT(of_damaged, 20'000u);
  }
}

TEST_F(BadInputTest, WhatCannotBeOpenedIsNamedAndTheRestGoesOn) {
  const std::string good = Write("good.ndjson", JoinLines(GoodLines()));
  ASSERT_EQ(symlink("nowhere", Path("dangling.ndjson").c_str()), 0);
  for (const std::string& bad :
       {Path("missing.ndjson"), Path("dangling.ndjson"), Path("no*.ndjson"), good + "/below-a-file"}) {
    const BinaryRun run = Scan({bad, good, "--summary"});
    EXPECT_EQ(run.exit_code, 5) << bad;
    EXPECT_THAT(run.err, StartsWith(bad + ": ")) << bad;
    EXPECT_THAT(run.err, EndsWith("\n10 lines of 1 input\n10 detections\n")) << bad;
    EXPECT_EQ(json::parse(run.out)["count"], 10) << bad;
  }
}

TEST_F(BadInputTest, FoldersAndFilesWithoutRightsAreNamedAndTheRestGoesOn) {
  Write("logs/good.ndjson", JoinLines(GoodLines()));
  Write("logs/locked/log.ndjson", JoinLines(GoodLines()));
  Write("logs/private.ndjson", JoinLines(GoodLines()));
  ASSERT_EQ(chmod(Path("logs/locked").c_str(), 0), 0);
  ASSERT_EQ(chmod(Path("logs/private.ndjson").c_str(), 0), 0);
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
  Strings command = BinaryCommand({"scan", Path("logs"), "-r", rules_, "--summary"});
  // Rights do not bind root.
  if (geteuid() == 0) {
    const Strings as_nobody = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
    command.insert(command.begin(), as_nobody.begin(), as_nobody.end());
  }
  const BinaryRun run = RunProgram(command, BinaryEnvironment(), "");
  ASSERT_EQ(chmod(Path("logs/locked").c_str(), 0755), 0);
  if (run.exit_code == 127 || run.exit_code == 126) GTEST_SKIP() << "nobody may not run the binary here";
  EXPECT_EQ(run.exit_code, 5) << run.err;
  EXPECT_EQ(run.err, Path("logs/locked") + ": Permission denied\n" + Path("logs/private.ndjson") +
                         ": Permission denied\n10 lines of 1 input\n10 detections\n");
  EXPECT_EQ(json::parse(run.out)["count"], 10);
}

TEST_F(BadInputTest, AFolderIsReadWithoutWaitingForItsPipes) {
  Write("logs/good.ndjson", JoinLines(GoodLines()));
  ASSERT_EQ(mkfifo(Path("logs/pipe").c_str(), 0600), 0);
  const BinaryRun run = RunProgram(
      {"timeout", "20", REDTHREAD_BINARY_DIR "/redthread", "scan", Path("logs"), "-r", rules_, "--summary"},
      BinaryEnvironment(), "");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(json::parse(run.out)["count"], 10);
}

TEST_F(BadInputTest, AFloodOfBadLinesIsCountedAndItsMessagesAreCut) {
  const BinaryRun run = ScanFile(Write("log.ndjson", JoinLines(Strings(5000, "no object, mimikatz"))));
  EXPECT_EQ(run.exit_code, 5);
  EXPECT_EQ(SplitLines(run.out).size(), 5000u);
  const Strings messages = SplitLines(run.err);
  ASSERT_EQ(messages.size(), 13u);
  EXPECT_THAT(messages[0], HasSubstr(": record 0, byte 0: "));
  EXPECT_THAT(messages[9], HasSubstr(": record 9, byte 0: "));
  EXPECT_EQ(messages[10], "showing 10 of 5,000 problems with the input (-v names more)");
  EXPECT_THAT(messages[11], StartsWith("5,000 lines of 1 input: 5,000 unreadable"));
  const Strings more =
      SplitLines(Scan({Path("log.ndjson"), Write("good.ndjson", JoinLines(GoodLines())), "-v"}).err);
  ASSERT_EQ(more.size(), 1003u);
  EXPECT_THAT(more[999], HasSubstr(": record 999, byte 0: "));
  EXPECT_EQ(more[1000], "showing 1,000 of 5,000 problems with the input");
}

}  // namespace
}  // namespace redthread

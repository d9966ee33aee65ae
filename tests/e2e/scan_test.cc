// `scan`: the same bytes for the same input, in the order that is promised, however it is read.
#include <gmock/gmock.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <random>

#include "app/display_width.h"
#include "tests/e2e/e2e_fixture.h"

namespace redthread {
namespace {

using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class ScanTest : public E2eTest {
 protected:
  // Three files of lines in no order of time, with equal times and equal lines within and across them.
  void WriteLogs(const std::string& folder, int lines) {
    std::mt19937 random(7);
    for (const char* name : {"a", "b", "sub/c"}) {
      std::string text;
      for (int i = 0; i < lines; ++i) {
        char time[32];
        std::snprintf(time, sizeof time, "2026-01-01 %02d:%02d:00", int(random() % 24), int(random() % 4));
        text += ProcessCreation(time, "pc" + std::to_string(random() % 2),
                                random() % 2 == 0 ? "sh -enc mimikatz" : "ls") +
                "\n";
      }
      Write(folder + "/" + name + ".ndjson", text);
    }
  }
  std::string Good(const Strings& arguments) const {
    const BinaryRun run = Scan(arguments);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.out;
  }
};

const Strings kForms = {"--detections", "--summary", "--canonical", "-q"};  // the last: alerts

TEST_F(ScanTest, TheAnswerDoesNotDependOnWorkersOrOnTheOrderOfTheFiles) {
  WriteLogs("logs", 3000);
  const std::string a = Path("logs/a.ndjson"), b = Path("logs/b.ndjson"), c = Path("logs/sub/c.ndjson");
  for (const std::string& form : kForms) {
    SCOPED_TRACE(form);
    const std::string expected = Good({a, b, c, "--jobs", "1", form});
    ASSERT_NE(expected, "");
    for (const char* jobs : {"1", "2", "5"}) {
      EXPECT_EQ(Good({Path("logs"), "--jobs", jobs, form}), expected) << jobs;
      EXPECT_EQ(Good({c, a, b, "--jobs", jobs, form}), expected) << jobs;
      EXPECT_EQ(Good({Path("logs/s*"), Path("logs/[ab].ndjson"), "--jobs", jobs, form}), expected) << jobs;
    }
  }
}

TEST_F(ScanTest, CompressionChangesNothing) {
  WriteLogs("plain", 1000);
  Shell(
      "cp -r plain gz && gzip -r gz && cp -r plain zst && find zst -type f -exec zstd -q --rm {} + && "
      "cp -r plain raw && for f in $(find raw -type f); do gzip -c < $f > x && mv x $f; done");
  for (const std::string& form : kForms) {
    SCOPED_TRACE(form);
    std::string expected = Good({Path("plain"), form});
    for (const auto& [folder, end] :
         {std::pair("gz", ".gz"), std::pair("zst", ".zst"), std::pair("raw", "")}) {
      std::string actual = Good({Path(folder), form});
      for (const char* name : {"a", "b", "sub/c"}) {
        const std::string from = Path(std::string(folder) + "/" + name + ".ndjson" + end);
        const std::string to = Path(std::string("plain/") + name + ".ndjson");
        for (size_t at = 0; (at = actual.find(from, at)) != std::string::npos;)
          actual.replace(at, from.size(), to);
      }
      EXPECT_EQ(actual, expected) << folder;
    }
  }
}

TEST_F(ScanTest, StandardInputIsReadLikeAFile) {
  WriteLogs("logs", 500);
  std::string text;
  for (const char* name : {"logs/a.ndjson", "logs/b.ndjson"}) {
    std::ifstream file(Path(name), std::ios::binary);
    text += std::string(std::istreambuf_iterator<char>(file), {});
  }
  const std::string all = Write("all.ndjson", text);
  const BinaryRun run =
      RunProgram(BinaryCommand({"scan", "-", "-r", rules_, "--canonical"}), BinaryEnvironment(), text);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, Good({all, "--canonical"}));
  Shell("gzip -k all.ndjson && " + std::string(REDTHREAD_BINARY_DIR) + "/redthread scan - -r " + rules_ +
        " --detections -q < all.ndjson.gz > out");
  std::ifstream out(Path("out"));
  const std::string first(std::istreambuf_iterator<char>(out), {});
  EXPECT_EQ(json::parse(first.substr(0, first.find('\n')))["source"], "-");
  EXPECT_EQ(SplitLines(first).size(), SplitLines(Good({all, "--detections"})).size());
}

TEST_F(ScanTest, DetectionsAreInTheOrderOfTimeSourcePositionAndRule) {
  WriteLogs("logs", 1000);
  Write("logs/timeless.ndjson", R"({"Channel":"Security","EventID":1,"CommandLine":"mimikatz"})"
                                "\n");
  std::vector<std::tuple<std::string, std::string, uint64_t, std::string>> rows;
  for (const std::string& line : SplitLines(Good({Path("logs"), "--detections"}))) {
    const json d = json::parse(line);
    rows.emplace_back(d["time"].is_null() ? "" : d["time"], d["source"], d["position"], d["rule"]["id"]);
  }
  ASSERT_GT(rows.size(), 2000u);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end())) << "a record without a time stands first";
  EXPECT_EQ(std::get<1>(rows[0]), Path("logs/timeless.ndjson"));
  EXPECT_EQ(std::adjacent_find(rows.begin(), rows.end()), rows.end());
}

TEST_F(ScanTest, MoreResultsThanFitInMemoryAreSortedThroughFiles) {
  {
    std::ofstream file(Path("log.ndjson"), std::ios::binary);
    std::mt19937 random(3);
    const std::string padding(400, 'x');
    for (int i = 0; i < 200'000; ++i) {
      char time[32];
      std::snprintf(time, sizeof time, "2026-01-%02d %02d:%02d:%02d", 1 + int(random() % 28),
                    int(random() % 24), int(random() % 60), int(random() % 60));
      file << ProcessCreation(time, "pc" + std::to_string(random() % 100), "sh -enc " + padding) << '\n';
    }
  }
  // A child begins with the memory of the test: the answer that is kept comes last.
  const int64_t alerts_rss = Scan({Path("log.ndjson"), "--canonical", "-q"}).max_rss_bytes;
  const BinaryRun run = Scan({Path("log.ndjson"), "--detections", "-q"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  size_t lines = 0;
  std::pair<std::string, int> last;
  std::vector<bool> seen(200'000);
  for (size_t begin = 0; begin < run.out.size();) {
    const size_t end = run.out.find('\n', begin);
    const std::string_view line = std::string_view(run.out).substr(begin, end - begin);
    const size_t time = line.find("\"time\":\"") + 8;
    const size_t position = line.find("\"position\":") + 11;
    std::pair<std::string, int> key(line.substr(time, 30), -1);
    std::from_chars(line.data() + position, line.data() + line.size(), key.second);
    ASSERT_LT(last, key) << line;
    ASSERT_FALSE(seen[static_cast<size_t>(key.second)]) << line;
    seen[static_cast<size_t>(key.second)] = true;
    last = std::move(key);
    begin = end + 1;
    ++lines;
  }
  EXPECT_EQ(lines, 200'000u);
  ASSERT_GT(run.out.size(), size_t{140} << 20) << "too little to spill";
#if !defined(__SANITIZE_ADDRESS__)
  // 64 MB of rows are kept in memory, and what stands around them; all results would be 150 MB.
  EXPECT_LT(run.max_rss_bytes, 160 << 20);
  EXPECT_LT(alerts_rss, 160 << 20);
#endif
}

TEST_F(ScanTest, NoRoomForResultsIsAnError) {
  WriteLogs("logs", 1000);
  const BinaryRun run = RunProgram({"sh", "-c",
                                    std::string(REDTHREAD_BINARY_DIR) + "/redthread scan " + Path("logs") +
                                        " -r " + rules_ + " --detections > /dev/full"},
                                   BinaryEnvironment(), "");
  EXPECT_EQ(run.exit_code, 5);
  EXPECT_THAT(run.err, HasSubstr("No space left on device"));
}

TEST_F(ScanTest, ALimitOnTheSizeOfFilesIsAnError) {
  WriteLogs("logs", 1000);
  const BinaryRun run = RunProgram({"sh", "-c",
                                    "ulimit -f 1; " + std::string(REDTHREAD_BINARY_DIR) + "/redthread scan " +
                                        Path("logs") + " -r " + rules_ + " --detections > " + Path("out")},
                                   BinaryEnvironment(), "");
  EXPECT_EQ(run.exit_code, 5);
  EXPECT_THAT(run.err, HasSubstr("File too large"));
}

// ---- what the input is

constexpr char kSourceRules[] = R"(title: Windows security
id: ws
logsource: {product: windows, service: security}
detection: {selection: {a: 1}, condition: selection}
---
title: Windows sysmon
id: wy
logsource: {product: windows, service: sysmon}
detection: {selection: {a: 1}, condition: selection}
---
title: Windows
id: w
logsource: {product: windows}
detection: {selection: {a: 1}, condition: selection}
---
title: Linux
id: l
logsource: {product: linux}
detection: {selection: {a: 1}, condition: selection}
---
title: Linux sshd
id: ls
logsource: {product: linux, service: sshd}
detection: {selection: {a: 1}, condition: selection}
---
title: Web
id: web
logsource: {category: webserver}
detection: {selection: {a: 1}, condition: selection}
)";

TEST_F(ScanTest, DeclaredLogSourcesWinOverContent) {
  Write("rules.yml", kSourceRules);
  Write("in/unmarked.json", R"({"a":1})");
  Write("in/security.json", R"({"a":1,"Channel":"Security","EventID":1})");
  const std::string unmarked = Path("in/unmarked.json"), security = Path("in/security.json");
  const struct {
    Strings arguments;
    Strings of_unmarked;
    Strings of_security;
  } cases[] = {
      {{}, {}, {"w", "ws"}},
      {{"product=windows"}, {"w"}, {"w", "ws"}},
      {{"product=WINDOWS", "service=sysmon"}, {"w", "wy"}, {"w", "ws", "wy"}},
      // A given product replaces the content's; what content says of another product is not added.
      {{"product=linux"}, {"l"}, {"l"}},
      {{"product=linux", "service=sshd"}, {"l", "ls"}, {"l", "ls"}},
      // The same key twice means either.
      {{"product=linux", "product=windows"}, {"l", "w"}, {"l", "w", "ws"}},
      {{"category=webserver"}, {"web"}, {"w", "web", "ws"}},
      // For some inputs only: by path or by glob.
      {{"product=linux@" + unmarked}, {"l"}, {"w", "ws"}},
      {{"product=linux@*/unmarked*"}, {"l"}, {"w", "ws"}},
      {{"product=linux@*/none*"}, {}, {"w", "ws"}},
      {{"product=linux@*sec*", "product=windows@*unmarked*"}, {"w"}, {"l"}},
  };
  for (const auto& c : cases) {
    Strings arguments = {Path("in"), "--detections"};
    for (const std::string& flag : c.arguments) arguments.insert(arguments.end(), {"--logsource", flag});
    SCOPED_TRACE(testing::PrintToString(c.arguments));
    Strings unmarked_rules, security_rules;
    for (const std::string& line : SplitLines(Good(arguments))) {
      const json d = json::parse(line);
      (d["source"] == security ? security_rules : unmarked_rules).push_back(d["rule"]["id"]);
    }
    EXPECT_EQ(unmarked_rules, c.of_unmarked);
    EXPECT_EQ(security_rules, c.of_security);
  }
}

TEST_F(ScanTest, ALogSourceThatIsNoneIsRefused) {
  Write("log.ndjson", "{}\n");
  for (const char* bad : {"windows", "produkt=windows", "product=", "product=x@", "=x"}) {
    const BinaryRun run = Scan({Path("log.ndjson"), "--logsource", bad});
    EXPECT_EQ(run.exit_code, 2) << bad;
    EXPECT_THAT(run.err, HasSubstr(std::string("--logsource ") + bad + ": ")) << bad;
  }
}

// ---- which results, and how the program ends

TEST_F(ScanTest, MinLevelLeavesOutWhatIsBelowAndFailOnLooksAtWhatIsLeft) {
  Write("log.ndjson", ProcessCreation("2026-01-01 10:00:00", "pc", "sh -enc mimikatz") + "\n");
  const struct {
    Strings arguments;
    size_t results;
    int exit_code;
  } cases[] = {
      {{}, 2, 0},
      {{"--min-level", "medium"}, 2, 0},
      {{"--min-level", "high"}, 1, 0},
      {{"--min-level", "critical"}, 0, 0},
      {{"--fail-on", "critical"}, 2, 0},
      {{"--fail-on", "high"}, 2, 1},
      {{"--fail-on", "low"}, 2, 1},
      {{"--fail-on", "low", "--min-level", "critical"}, 0, 0},
  };
  for (const auto& c : cases) {
    for (const std::string& form : kForms) {
      Strings arguments = {Path("log.ndjson"), form};
      arguments.insert(arguments.end(), c.arguments.begin(), c.arguments.end());
      const BinaryRun run = Scan(arguments);
      EXPECT_EQ(SplitLines(run.out).size(), c.results) << testing::PrintToString(arguments);
      EXPECT_EQ(run.exit_code, c.exit_code) << testing::PrintToString(arguments);
    }
  }
}

TEST_F(ScanTest, TheSummaryCountsDetectionsMostFrequentFirst) {
  Write("log.ndjson", ProcessCreation("2026-01-01 10:00:00", "pc", "sh -enc mimikatz") + "\n" +
                          ProcessCreation("2026-01-01 10:00:00", "pc", "mimikatz") + "\n");
  const Strings lines = SplitLines(Good({Path("log.ndjson"), "--summary"}));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(json::parse(lines[0])["rule"]["id"], kKnownTool);
  EXPECT_EQ(json::parse(lines[0])["count"], 2);
  EXPECT_EQ(json::parse(lines[1])["rule"]["id"], kEncodedCommand);
  EXPECT_EQ(json::parse(lines[1])["count"], 1);
}

TEST_F(ScanTest, FormsExcludeEachOther) {
  Write("log.ndjson", "{}\n");
  for (const Strings& forms : {Strings{"--detections", "--summary"}, Strings{"--summary", "--canonical"}}) {
    EXPECT_EQ(Scan({Path("log.ndjson"), forms[0], forms[1]}).exit_code, 2);
  }
}

TEST_F(ScanTest, BadRulesAreReportedWithTheirPlacesAndTheOthersRun) {
  Write("log.ndjson", ProcessCreation("2026-01-01 10:00:00", "pc", "sh -enc QQ") + "\n");
  const std::string bad = Write("bad.yml",
                                "title: x\nlogsource: {product: windows}\n"
                                "detection: {s: {a|foo: 1}, condition: s and t}\n---\n- no rule\n");
  const BinaryRun run = Scan({Path("log.ndjson"), "-r", bad, "-r", Path("missing.yml"), "--summary"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(CountLines(run.err, "bad.yml:3:19: `foo` is no modifier"), 1u) << run.err;
  EXPECT_EQ(CountLines(run.err, "bad.yml:3:45: `t` is no search of this rule"), 1u) << run.err;
  EXPECT_EQ(CountLines(run.err, "bad.yml:5:1: "), 1u) << run.err;
  EXPECT_EQ(CountLines(run.err, "missing.yml: no such file or folder"), 1u) << run.err;
  EXPECT_EQ(json::parse(run.out)["count"], 1);
}

TEST_F(ScanTest, RulesThatNeedSiteVariablesAreCountedAndRunWithThem) {
  Write("log.ndjson", ProcessCreation("2026-01-01 10:00:00", "pc", "run by alice") + "\n");
  Write("rules.yml",
        "title: x\nid: x\nlogsource: {product: windows}\n"
        "detection: {s: {CommandLine|contains|expand: '%admins%'}, condition: s}\n");
  const BinaryRun without = Scan({Path("log.ndjson"), "--summary"});
  EXPECT_EQ(without.exit_code, 0);
  EXPECT_EQ(without.out, "");
  EXPECT_THAT(without.err, StartsWith("1 rule skipped: "));
  Write("site.yml", "admins: [root, alice]\n");
  const BinaryRun with = Scan({Path("log.ndjson"), "--summary", "--variables", Path("site.yml")});
  EXPECT_EQ(with.exit_code, 0);
  EXPECT_EQ(json::parse(with.out)["count"], 1);
  EXPECT_EQ(with.err, "1 line of 1 input\n1 detection\n");
  EXPECT_EQ(Scan({Path("log.ndjson"), "--variables", Path("missing.yml")}).exit_code, 2);
}

// ---- for people

TEST_F(ScanTest, TablesStayCleanWhateverTheLogHolds) {
  const std::string hostile = R"(\u001b]0;owned\u0007\u001b[2J\u202e\u2028\u0000\n\r\t)";
  const std::string path = Path("log\x1b[31m\n.ndjson");
  std::ofstream(path, std::ios::binary)
      << ProcessCreation("2026-01-01 10:00:00", "pc" + hostile, "sh -enc " + hostile) << "\n"
      << ProcessCreation("2026-01-01 10:00:00", std::string(500, 'x') + "\xe2\x80\xae\x1b[2J", "mimikatz")
      << "\n"
      << "mimikatz \x1b[2J\xc2\x9b" << "2J\n";
  Write("rules.yml",
        "title: \"Bad \\e[2J title\"\nid: x\nlogsource: {product: windows}\n"
        "detection: {keywords: [mimikatz, enc], condition: keywords}\n");
  for (const Strings& form : {Strings{"--detections"}, Strings{"--summary"}, Strings{}}) {
    Strings arguments = {path, "-o", "table", "--logsource", "product=windows", "--color", "never"};
    arguments.insert(arguments.end(), form.begin(), form.end());
    arguments.insert(arguments.begin(), "scan");
    arguments.insert(arguments.end(), {"-r", rules_});
    const BinaryRun run = RunBinary(arguments, {"COLUMNS=80"});
    const Strings lines = SplitLines(run.out);
    EXPECT_EQ(lines.size(), form == Strings{"--summary"} ? 2u : 4u) << run.out;
    for (const std::string& text : {run.out, run.err}) {
      for (const char c : text) ASSERT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << text;
      for (const char* bad : {"\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\xa8"})
        EXPECT_EQ(text.find(bad), std::string::npos) << text;
    }
    for (const std::string& line : lines) EXPECT_LE(DisplayWidth(line), 80) << line;
  }
}

}  // namespace
}  // namespace redthread

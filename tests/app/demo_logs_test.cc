// The sample logs: the same for the same seed, in order, whole, and with the story in them.
#include "app/demo_logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/timestamp.h"

namespace redthread {
namespace {

using Json = nlohmann::json;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The month is written once for all tests.
class DemoLogsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern = testing::TempDir() + "demo_logs_XXXXXX";
    folder_ = new std::string(mkdtemp(pattern.data()));
    summary_ = new DemoSummary;
    const Status status = WriteDemoLogs(*folder_, 1, summary_);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  static void TearDownTestSuite() {
    std::filesystem::remove_all(*folder_);
    delete folder_;
    delete summary_;
  }

  // Calls visit(const Json&) for every line of one file.
  template <typename Visit>
  static void ForEachLine(const std::string& name, Visit&& visit) {
    std::ifstream in(*folder_ + "/" + name);
    for (std::string line; std::getline(in, line);) visit(Json::parse(line));
  }

  static std::string* folder_;
  static DemoSummary* summary_;
};
std::string* DemoLogsTest::folder_ = nullptr;
DemoSummary* DemoLogsTest::summary_ = nullptr;

TEST_F(DemoLogsTest, SameSeedGivesTheSameBytesAndAnotherSeedOthers) {
  const std::string again = *folder_ + "/again", other = *folder_ + "/other";
  DemoSummary summary;
  ASSERT_TRUE(WriteDemoLogs(again, 1, &summary).ok());
  ASSERT_TRUE(WriteDemoLogs(other, 2, &summary).ok());
  for (const DemoSummary::File& file : summary_->files) {
    const std::string name = std::filesystem::path(file.path).filename();
    const std::string bytes = ReadAll(file.path);
    EXPECT_EQ(bytes.size(), file.bytes) << name;
    EXPECT_TRUE(bytes == ReadAll(again + "/" + name)) << name;
    EXPECT_FALSE(bytes == ReadAll(other + "/" + name)) << name;
  }
}

// Holds the bytes across compilers and libraries: FNV-1a over all files in order. A change of the sample logs
// on purpose changes this number.
TEST_F(DemoLogsTest, BytesAreTheSameOnEveryPlatform) {
  uint64_t hash = 14695981039346656037u;
  for (const DemoSummary::File& file : summary_->files) {
    for (const char c : ReadAll(file.path)) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  EXPECT_EQ(hash, 2154964538691700008u);
}

TEST_F(DemoLogsTest, LineCountsFitAFirmOfTwentyPeople) {
  struct Range {
    const char* file;
    uint64_t low, high;
  };
  static constexpr Range kRanges[] = {
      {"fw01-fortigate.ndjson", 80'000, 120'000}, {"web01-access.ndjson", 110'000, 170'000},
      {"web01-syslog.ndjson", 12'000, 25'000},    {"dc01-windows.ndjson", 20'000, 40'000},
      {"fs01-windows.ndjson", 10'000, 30'000},    {"workstations-windows.ndjson", 10'000, 30'000},
      {"m365-audit.ndjson", 9'000, 25'000},       {"m365-signins.ndjson", 3'000, 12'000}};
  std::map<std::string, uint64_t> lines;
  for (const DemoSummary::File& file : summary_->files) {
    lines[std::filesystem::path(file.path).filename()] = file.lines;
  }
  ASSERT_EQ(lines.size(), std::size(kRanges));
  for (const Range& range : kRanges) {
    EXPECT_GE(lines[range.file], range.low) << range.file;
    EXPECT_LE(lines[range.file], range.high) << range.file;
  }
  EXPECT_GE(summary_->lines, 300'000u);
  EXPECT_LE(summary_->lines, 500'000u);
}

TEST_F(DemoLogsTest, EveryLineIsJsonWithATimeOfTheMonthAndEveryFileIsInOrder) {
  for (const DemoSummary::File& file : summary_->files) {
    const std::string name = std::filesystem::path(file.path).filename();
    uint64_t lines = 0;
    Timestamp last = Timestamp::Min();
    ForEachLine(name, [&](const Json& line) {
      ++lines;
      std::optional<Timestamp> time;
      for (const char* field : {"@timestamp", "timestamp", "CreationTime", "TimeGenerated"}) {
        if (line.contains(field)) time = ParseTimestamp(line[field].get<std::string>());
      }
      ASSERT_TRUE(time.has_value()) << name << ": " << line;
      ASSERT_GE(*time, last) << name << ": " << line;
      ASSERT_GE(*time, summary_->first) << name << ": " << line;
      ASSERT_LT(*time, summary_->last) << name << ": " << line;
      last = *time;
    });
    EXPECT_EQ(lines, file.lines) << name;
  }
}

TEST_F(DemoLogsTest, IntrusionIsThere) {
  constexpr const char* kIntruder = "203.0.113.147";
  std::set<std::string> tried;
  int entered = 0;
  ForEachLine("m365-signins.ndjson", [&](const Json& line) {
    if (line["IPAddress"] != kIntruder) return;
    if (line["ResultType"] == "50126") tried.insert(line["UserPrincipalName"]);
    if (line["ResultType"] == "0") {
      EXPECT_EQ(line["UserPrincipalName"], "j.keller@example.com");
      ++entered;
    }
  });
  EXPECT_EQ(tried.size(), 20u);
  EXPECT_EQ(entered, 3);

  bool forwarded = false;
  ForEachLine("m365-audit.ndjson", [&](const Json& line) {
    if (line["Operation"] != "New-InboxRule" || line["ClientIP"] != kIntruder) return;
    for (const Json& parameter : line["Parameters"]) forwarded |= parameter["Name"] == "ForwardTo";
  });
  EXPECT_TRUE(forwarded);

  int tunnels = 0;
  ForEachLine("fw01-fortigate.ndjson", [&](const Json& line) {
    if (line.value("action", "") == "tunnel-up" && line["remip"] == kIntruder) ++tunnels;
  });
  EXPECT_EQ(tunnels, 1);

  // On the file server, one after the other.
  std::vector<std::string> steps;
  ForEachLine("fs01-windows.ndjson", [&](const Json& line) {
    const int id = line["EventID"];
    const std::string command = line.value("CommandLine", "");
    if (id == 4624 && line["LogonType"] == "10")
      steps.push_back("remote desktop " + line["TargetUserName"].get<std::string>());
    if (id == 4732 && line["TargetSid"] == "S-1-5-32-544") steps.push_back("administrator");
    if (id == 5001) steps.push_back("protection off");
    if (command.find("delete shadows") != std::string::npos) steps.push_back("shadow copies");
    if (id == 1102) steps.push_back("log cleared");
  });
  EXPECT_THAT(steps, testing::ElementsAre("remote desktop j.keller", "remote desktop m.vogt.adm",
                                          "administrator", "protection off", "shadow copies", "log cleared"));
}

TEST_F(DemoLogsTest, ShopIsDownForFortyTwoMinutesBecauseTheDiskIsFull) {
  std::optional<Timestamp> first, last;
  int answered_meanwhile = 0;
  ForEachLine("web01-access.ndjson", [&](const Json& line) {
    const Timestamp time = *ParseTimestamp(line["timestamp"].get<std::string>());
    if (line["sc-status"] == 503) {
      if (!first) first = time;
      last = time;
    } else if (first && line["sc-status"] == 200 && line["cs-uri-stem"] == "/checkout") {
      answered_meanwhile += time < *last;
    }
  });
  ASSERT_TRUE(first.has_value());
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(*last - *first).count();
  EXPECT_GE(minutes, 40);
  EXPECT_LE(minutes, 42);
  EXPECT_EQ(answered_meanwhile, 0);

  std::optional<Timestamp> full;
  ForEachLine("web01-syslog.ndjson", [&](const Json& line) {
    if (full || line["message"].get<std::string>().find("No space left on device") == std::string::npos)
      return;
    full = ParseTimestamp(line["timestamp"].get<std::string>());
  });
  ASSERT_TRUE(full.has_value());
  EXPECT_LT(*full, *first);
}

TEST(DemoLogs, FolderThatCannotBeWrittenIsAnErrorThatNamesIt) {
  DemoSummary summary;
  const Status status = WriteDemoLogs("/proc/no-such-folder", 1, &summary);
  EXPECT_EQ(status.code(), StatusCode::kIo);
  EXPECT_THAT(status.message(), testing::HasSubstr("/proc/no-such-folder"));
}

}  // namespace
}  // namespace redthread

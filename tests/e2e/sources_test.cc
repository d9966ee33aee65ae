// `redthread sources`: what came in, from whom, and what of it could not be read.
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/clock.h"
#include "core/timestamp.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/support/sockets.h"

namespace redthread {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class SourcesTest : public E2eTest {
 protected:
  void Configure(const std::string& sources) {
    config_ = Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") + "\nsources: {" + sources +
                                         "}\nrules: {paths: [" + rules_ + "]}\n");
  }
  BinaryRun Sources(Strings arguments) const {
    arguments.insert(arguments.begin(), "sources");
    arguments.insert(arguments.end(), {"-c", config_});
    return RunBinary(arguments);
  }
  // By source.
  std::map<std::string, json> List() const {
    std::map<std::string, json> sources;
    for (const std::string& line : SplitLines(Sources({"list", "-q", "-o", "jsonl"}).out)) {
      const json record = json::parse(line);
      sources[record["source"]] = record;
    }
    return sources;
  }
  std::string config_;
};

TEST_F(SourcesTest, EachSaysWhatItSendsAndWhatCouldNotBeRead) {
  const std::string mixed = Write("mixed.log",
                                  "{\"EventID\":4688,\"@timestamp\":\"2026-11-22T10:00:00Z\"}\n"
                                  "{\"EventID\":4689,\"@timestamp\":\"2026-11-22T10:00:01Z\"}\n"
                                  "\n"
                                  "<34>1 2026-11-22T10:00:02Z host su 7 ID47 - hello\n"
                                  "no format at all \x1b[31m\n"
                                  "{\"cut\":\"sho\n");
  const std::string web = Write(
      "access.log", "192.0.2.1 - - [22/Nov/2026:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl\"\n");
  Configure("a: {type: file, path: " + mixed + "}, b: {type: file, path: " + web + "}");
  EXPECT_EQ(RunBinary({"run", "-q", "--until-idle", "-c", config_}).exit_code, 5);
  const auto sources = List();
  ASSERT_EQ(sources.size(), 2U);
  const json& record = sources.at(mixed);
  EXPECT_EQ(record["state"], "heard");
  EXPECT_EQ(record["records"], 5);
  EXPECT_EQ(record["last_day"], 5);
  EXPECT_EQ(record["formats"], json({{"json", 3}, {"syslog", 1}, {"none", 1}}));
  EXPECT_EQ(record["newest_event"], "2026-11-22T10:00:02.000000000Z");
  EXPECT_EQ(record["dead_letters"], 2);
  EXPECT_THAT(record["fields"], Contains("EventID"));
  EXPECT_EQ(record["more_fields"], false);
  EXPECT_EQ(record["first_dead_letter"]["raw"], "no format at all \x1b[31m");
  EXPECT_EQ(sources.at(web)["formats"], json({{"access", 1}}));
  EXPECT_EQ(sources.at(web)["dead_letters"], 0);

  const BinaryRun letters = Sources({"dead-letters", "-o", "jsonl"});
  EXPECT_EQ(letters.exit_code, 0) << letters.err;
  std::vector<uint64_t> records;
  for (const std::string& line : SplitLines(letters.out)) records.push_back(json::parse(line)["record"]);
  EXPECT_THAT(records, ElementsAre(4, 5));
  EXPECT_EQ(Sources({"dead-letters", "--source", "access", "-o", "jsonl"}).out, "");
  EXPECT_THAT(Sources({"dead-letters", "--limit", "1"}).err, HasSubstr("1 record left out"));

  const BinaryRun raw = Sources({"dead-letters", "--raw"});
  EXPECT_EQ(raw.out, "no format at all \x1b[31m\n{\"cut\":\"sho\n") << "as they came, to be read again";

  for (const char* command : {"list", "dead-letters"}) {
    const BinaryRun table = Sources({command});
    EXPECT_EQ(table.exit_code, 0);
    EXPECT_EQ((table.out + table.err).find('\x1b'), std::string::npos) << "what the log says is made visible";
  }
}

TEST_F(SourcesTest, FieldsAreThoseOfAllItsRecordsAcrossRuns) {
  const std::string log =
      Write("a.log",
            "{\"EventID\":4688,\"who\":{\"name\":\"x\",\"tags\":[{\"k\":1},{\"k\":2,\"\u001b[2J\":3}]}}\n");
  Configure("a: {type: file, path: " + log + "}");
  EXPECT_EQ(RunBinary({"run", "-q", "--until-idle", "-c", config_}).exit_code, 0);
  EXPECT_EQ(List().at(log)["fields"], json({"EventID", "who.name", "who.tags.\x1b[2J", "who.tags.k"}));
  std::ofstream(log, std::ios::app) << "{\"another\":null,\"who\":{}}\n";
  EXPECT_EQ(RunBinary({"run", "-q", "--until-idle", "-c", config_}).exit_code, 0);
  EXPECT_EQ(List().at(log)["fields"],
            json({"EventID", "another", "who", "who.name", "who.tags.\x1b[2J", "who.tags.k"}));
}

TEST_F(SourcesTest, AFileThatIsGoneIsCalledSo) {
  const std::string log = Write("a.log", "{\"EventID\":4688}\n");
  Configure("a: {type: file, path: " + log + "}");
  EXPECT_EQ(RunBinary({"run", "-q", "--until-idle", "-c", config_}).exit_code, 0);
  std::filesystem::remove(log);
  EXPECT_EQ(List().at(log)["state"], "gone");
}

TEST_F(SourcesTest, WhatAFileHeldBeforeItWasTruncatedIsNoSourceUnlessThereIsACopy) {
  const std::string log = Write("a.log", "{\"EventID\":4688}\n{\"EventID\":4688}\n");
  Configure("a: {type: file, path: " + log + "}");
  Process run(BinaryCommand({"run", "-q", "-c", config_}), BinaryEnvironment());
  const auto records = [&] {
    const auto sources = List();
    return sources.empty() ? 0 : sources.at(log)["records"].get<int>();
  };
  const auto until = [&](int wanted) {
    for (int tries = 0; tries < 600 && records() != wanted; ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return records() == wanted;
  };
  EXPECT_TRUE(until(2));
  std::filesystem::resize_file(log, 0);
  std::ofstream(log) << "{\"EventID\":1}\n";
  EXPECT_TRUE(until(3));
  EXPECT_EQ(List().size(), 1U);
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait().exit_code, 0);
}

TEST_F(SourcesTest, LocalTimeWithoutAZoneIsFoundOut) {
  const uint16_t port = FreePort();
  Configure("net: {type: syslog, listen: \"127.0.0.1:" + std::to_string(port) + "\", time_zone: UTC}");
  Process run(BinaryCommand({"run", "-q", "-c", config_}), BinaryEnvironment());
  // A router that writes the time of a zone two hours ahead.
  const std::string time = FormatTimestamp(SystemClock().Now() + std::chrono::hours(2)).substr(0, 19);
  TestSender sender(TestSender::Kind::kUdp, port);
  bool found = false;
  for (int tries = 0; tries < 600 && !found; ++tries) {
    sender.Send("<34>" + time + " router fw: dropped");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (tries < 20) continue;
    const auto sources = List();
    found = !sources.empty() && sources.begin()->second.contains("zone_off_seconds");
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(List().begin()->second["zone_off_seconds"], 7200);
  EXPECT_THAT(Sources({"list"}).err, HasSubstr("name the zone with `time_zone`"));
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait().exit_code, 0);
}

TEST_F(SourcesTest, WithoutDataTheFolderIsNamed) {
  Configure("");
  const BinaryRun list = Sources({"list"});
  EXPECT_EQ(list.exit_code, 5);
  EXPECT_THAT(list.err, HasSubstr("there is nothing in " + Path("data")));
}

}  // namespace
}  // namespace redthread

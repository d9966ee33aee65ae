// Windows event logs as they are, .evtx and XML: `scan` and `run` find in them what they find in the same
// events as JSON.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <tuple>

#include "tests/e2e/e2e_fixture.h"
#include "tests/oracle/reference_data.h"
#include "tests/support/evtx_builder.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class EventLogTest : public E2eTest {
 protected:
  static EvtxChunkBuilder Chunk(uint64_t first, uint64_t count) {
    EvtxChunkBuilder chunk;
    for (uint64_t id = first; id < first + count; ++id) {
      chunk.AddRecord(
          id, ProcessTemplate(),
          ProcessValues(id, id % 3 == 0 ? "powershell -enc QQ==" : "mimikatz " + std::to_string(id)));
    }
    return chunk;
  }
  static std::string Log() { return EvtxFile({Chunk(1, 40).Finish(), Chunk(41, 40).Finish()}); }

  std::string Configure(const std::string& paths) const {
    return Write("redthread.yml",
                 "version: 1\ndata_dir: " + Path("data") +
                     "\nsources: {log: {type: file, path: " + Path(paths) + "}}\nrules: {paths: [" + rules_ +
                     "]}\nalerts: {min_level: informational}\n" + "correlate: {late_horizon: 90000d}\n");
  }
};

// (file, record, rule), as scan's detections tell them; the file by its name alone.
std::vector<std::tuple<std::string, uint64_t, std::string>> Found(const std::string& detections) {
  std::vector<std::tuple<std::string, uint64_t, std::string>> found;
  for (const std::string& line : SplitLines(detections)) {
    const json detection = json::parse(line);
    found.emplace_back(fs::path(detection["source"].get<std::string>()).stem(), detection["position"],
                       detection["rule"]["id"]);
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST_F(EventLogTest, AnEventLogIsScannedAsItIsAndCompressed) {
  Write("a.evtx", Log());
  Shell("gzip -k a.evtx && zstd -q a.evtx -o b.bin");
  const BinaryRun plain = Scan({Path("a.evtx"), "--detections"});
  EXPECT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_EQ(CountLines(plain.out, kEncodedCommand), 26u);
  EXPECT_EQ(CountLines(plain.out, kKnownTool), 54u);
  const json first = json::parse(SplitLines(plain.out)[0]);
  EXPECT_EQ(first["time"], "2024-12-01T00:00:01.000000000Z");
  EXPECT_EQ(first["event"]["NewProcessName"], "C:\\Windows\\System32\\cmd.exe");
  for (const char* name : {"a.evtx.gz", "b.bin"}) {
    EXPECT_EQ(CountLines(Scan({Path(name), "--detections"}).out, "\"kind\""), 80u) << name;
  }
  EXPECT_EQ(Scan({Path("a.evtx"), "--detections", "--jobs", "4"}).out, plain.out);
}

TEST_F(EventLogTest, DamageIsToldWithItsPlaceAndItsTextIsSearched) {
  const EvtxChunkBuilder chunk = Chunk(1, 5);
  std::string bytes = chunk.Finish();
  EvtxChunkBuilder::Put("X", chunk.records()[3], &bytes);
  EvtxChunkBuilder::Checksum(&bytes);
  Write("a.evtx", EvtxFile({bytes}));
  const BinaryRun run = Scan({Path("a.evtx"), "--detections", "--logsource", "product=windows"});
  EXPECT_EQ(run.exit_code, 5);
  EXPECT_THAT(run.err, HasSubstr("a.evtx: record 3: unreadable event log: byte " +
                                 std::to_string(4096 + chunk.records()[3]) +
                                 ", chunk 1: no record that holds together; searched as text only"));
  EXPECT_EQ(CountLines(run.out, kEncodedCommand), 1u);
  EXPECT_EQ(CountLines(run.out, kKnownTool), 4u) << "one of them in the record that cannot be read";
}

TEST_F(EventLogTest, RunReadsAnEventLogOnceAndFindsWhatScanFinds) {
  Write("a.evtx", Log());
  const std::string config = Configure("*.evtx");
  for (int round = 0; round < 2; ++round) {
    const BinaryRun run = RunBinary({"run", "-q", "--until-idle", "-c", config});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(RunBinary({"alerts", "list", "--canonical", "-c", config}).out,
              Scan({Path("a.evtx"), "--canonical"}).out);
  }
  // A later export of the same log: the old events are not read again.
  Write("a.evtx", EvtxFile({Chunk(1, 40).Finish(), Chunk(41, 60).Finish()}));
  EXPECT_EQ(RunBinary({"run", "-q", "--until-idle", "-c", config}).exit_code, 0);
  EXPECT_EQ(RunBinary({"alerts", "list", "--canonical", "-c", config}).out,
            Scan({Path("a.evtx"), "--canonical"}).out);
}

TEST_F(EventLogTest, AnXmlExportHasTheSameDetections) {
  std::string document = "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\r\n<Events>";
  std::string lines;
  for (const char* command : {"powershell -enc &quot;QQ==&quot;", "a &amp; mimikatz", "whoami"}) {
    const std::string event =
        std::string(
            "<Event "
            "xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>4688</EventID>") +
        "<TimeCreated "
        "SystemTime='2024-12-01T00:00:07.1234567Z'/><Channel>Security</Channel><Computer>dc1</Computer></"
        "System>" +
        "<EventData><Data Name='CommandLine'>" + command + "</Data></EventData></Event>";
    document += event;
    lines += event + "\n";
  }
  Write("export.xml", document + "</Events>");
  Write("lines.log", lines);
  for (const char* name : {"export.xml", "lines.log"}) {
    const BinaryRun run = Scan({Path(name), "--detections"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    ASSERT_EQ(SplitLines(run.out).size(), 2u) << run.err;
    const json first = json::parse(SplitLines(run.out)[0]);
    EXPECT_EQ(first["rule"]["id"], kEncodedCommand);
    EXPECT_EQ(first["time"], "2024-12-01T00:00:07.123456700Z");
    EXPECT_EQ(first["event"]["CommandLine"], "powershell -enc \"QQ==\"");
  }
  EXPECT_EQ(Scan({Path("lines.log"), "--format", "xml", "--detections"}).exit_code, 0);
}

// Every rule on every event of the regression data, in the original and as others decoded it.
TEST_F(EventLogTest, TheReferenceLogsHaveTheDetectionsOfTheirNdjson) {
  const std::optional<std::string> regression = ReferencePath("data/regression");
  if (!regression) GTEST_SKIP() << "no reference data";
  fs::create_directories(Path("evtx"));
  Shell("tar --zstd -xf '" + *regression + "/evtx.tar.zst' -C evtx");
  Strings flags = {"--detections"};
  for (const std::string& folder : SigmaRuleFolders()) flags.insert(flags.end(), {"-r", folder});
  const auto scan = [&](const std::string& path) {
    Strings arguments = {"scan", path};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return RunBinary(arguments).out;
  };
  const auto originals = Found(scan(Path("evtx")));
  EXPECT_GE(originals.size(), 173u);
  EXPECT_EQ(originals, Found(scan(*regression + "/events")));
}

}  // namespace
}  // namespace redthread

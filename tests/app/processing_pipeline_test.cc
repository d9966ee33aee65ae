// Processing pipelines on the command line: events with other names, and the example of docs/rules.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/binary.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

using ::testing::HasSubstr;

// The fenced blocks of one section of a document, in order.
std::vector<std::string> BlocksOf(const std::string& path, const std::string& heading) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t begin = text.find("\n## " + heading + "\n");
  const std::string section = text.substr(begin, text.find("\n## ", begin + 1) - begin);
  std::vector<std::string> blocks;
  for (size_t at = 0; (at = section.find("\n```", at)) != std::string::npos;) {
    const size_t first = section.find('\n', at + 1) + 1;
    const size_t end = section.find("\n```", first);
    blocks.push_back(section.substr(first, end + 1 - first));
    at = end + 4;
  }
  return blocks;
}

TEST(ProcessingPipelineTest, TheExampleOfTheDocumentFires) {
  const std::vector<std::string> blocks =
      BlocksOf(REDTHREAD_SOURCE_DIR "/docs/rules.md", "Processing pipelines");
  ASSERT_EQ(blocks.size(), 3U) << "pipeline, rule, event";
  const TemporaryFolder folder;
  const std::string pipeline = folder.Write("pipeline.yml", blocks[0]);
  const std::string rule = folder.Write("rule.yml", blocks[1]);
  const std::string event = folder.Write("event.ndjson", blocks[2]);
  const std::vector<std::string> scan = {
      "scan", event, "-r", rule, "--detections", "--logsource", "product=windows", "-o", "jsonl"};
  std::vector<std::string> with = scan;
  with.insert(with.end(), {"--pipeline", pipeline});
  const BinaryRun run = RunBinary(with);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const nlohmann::json found = nlohmann::json::parse(run.out);
  EXPECT_EQ(found["rule"]["title"], "Somebody asks who they are");
  EXPECT_THAT(found["matched"]["selection"].dump(), HasSubstr("process.executable"));
  EXPECT_EQ(RunBinary(scan).out, "") << "without the pipeline the rule asks for other fields";
}

TEST(ProcessingPipelineTest, ACorrelationGroupsByMappedFields) {
  const TemporaryFolder folder;
  const std::string rules = folder.Write(
      "r.yml",
      "title: A\nname: a\nlogsource: {product: windows}\ndetection: {s: {EventID: 4625}, condition: s}\n---\n"
      "title: Many\nid: many\ncorrelation: {type: event_count, rules: [a], group-by: [User], timespan: 10m, "
      "condition: {gte: 3}}\n");
  const std::string pipeline = folder.Write(
      "p.yml",
      "transformations: [{type: field_name_mapping, mapping: {EventID: event.code, User: user.name}}]\n");
  std::string events;
  for (const char* minute : {"00", "01", "02"}) {
    events += std::string(R"({"@timestamp":"2026-01-01T00:)") + minute +
              R"(:00Z","event":{"code":"4625"},"user":{"name":"bob"}})" + "\n";
  }
  const BinaryRun run = RunBinary({"scan", folder.Write("e.ndjson", events), "-r", rules, "--pipeline",
                                   pipeline, "--logsource", "product=windows", "-o", "jsonl"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const nlohmann::json alert = nlohmann::json::parse(run.out);
  EXPECT_EQ(alert["rule"]["id"], "many");
  EXPECT_EQ(alert["group"], nlohmann::json({{"user.name", "bob"}}));
}

TEST(ProcessingPipelineTest, RunTakesThemFromTheConfiguration) {
  const TemporaryFolder folder;
  folder.Write("r.yml",
               "title: A\nid: a\nlogsource: {product: windows}\nlevel: high\n"
               "detection: {s: {Image|endswith: '\\a.exe'}, condition: s}\n");
  folder.Write("p.yml",
               "transformations: [{type: field_name_mapping, mapping: {Image: process.executable}}]\n");
  const std::string events =
      folder.Write("e.ndjson", R"({"@timestamp":"2026-01-01T00:00:00Z","process":{"executable":"C:\\a.exe"}})"
                               "\n");
  const std::string config = folder.Write(
      "c.yml",
      "version: 1\ndata_dir: data\nsources: {e: {type: file, path: e.ndjson, logsource: {product: "
      "windows}}}\nrules: {paths: [r.yml], pipelines: [p.yml]}\n");
  const BinaryRun run = RunBinary({"run", "-c", config, "--until-idle"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const BinaryRun alerts = RunBinary({"alerts", "list", "-c", config, "-o", "jsonl"});
  EXPECT_THAT(alerts.out, HasSubstr("\"id\":\"a\"")) << alerts.err;
}

}  // namespace
}  // namespace redthread

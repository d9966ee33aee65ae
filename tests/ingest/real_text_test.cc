// Header parses of real logs against a parse made by others, line by line.
#include <cstdio>
#include <map>

#include "tests/ingest/text_fixture.h"

namespace redthread {
namespace {

std::vector<std::string> LinesOf(const std::string& path) {
  std::vector<std::string> lines;
  auto reader = RecordReader::Open(path, path, {});
  if (!reader.ok()) return lines;
  RecordBatch batch;
  for (Result<bool> more = (*reader)->Next(&batch); more.ok() && *more; more = (*reader)->Next(&batch)) {
    for (const RecordBatch::Record& record : batch.records) lines.emplace_back(record.text());
  }
  return lines;
}

std::string Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string_view::npos
             ? ""
             : std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

struct RealLog {
  const char* name;
  // Theirs -> ours.
  std::vector<std::pair<const char*, const char*>> fields;
  // The column, or columns, of the time, and what it reads like together.
  std::vector<const char*> time;
};

class RealTextTest : public TextFormatTest {};

TEST_F(RealTextTest, HeadersAreReadAsOthersReadThem) {
  const RealLog logs[] = {
      {"OpenSSH",
       {{"Component", "hostname"}, {"Pid", "procid"}, {"Content", "message"}},
       {"Date", "Day", "Time"}},
      {"Linux",
       {{"Level", "hostname"}, {"Component", "appname"}, {"PID", "procid"}, {"Content", "message"}},
       {"Month", "Date", "Time"}},
      {"Apache", {{"Level", "level"}, {"Content", "message"}}, {"Time"}},
      {"Windows", {{"Level", "level"}, {"Component", "component"}, {"Content", "message"}}, {"Date", "Time"}},
  };
  origin_.year = 2016;
  for (const RealLog& log : logs) {
    SCOPED_TRACE(log.name);
    const std::string base = ReferenceDir() + "/data/raw/loghub/" + log.name;
    const std::vector<std::string> lines = LinesOf(base + ".log.zst");
    const std::vector<std::string> parsed = LinesOf(base + ".structured.ndjson.zst");
    if (lines.empty()) GTEST_SKIP() << "no reference data";
    ASSERT_EQ(lines.size(), parsed.size());
    std::map<std::string, size_t> equal;
    for (size_t i = 0; i < lines.size(); ++i) {
      const json theirs = json::parse(parsed[i]);
      Decode(lines[i]);
      const json ours = Fields();
      for (const auto& [their_name, our_name] : log.fields) {
        const std::string want = theirs.contains(their_name) && theirs[their_name].is_string()
                                     ? Trim(theirs[their_name].get<std::string>())
                                     : "";
        std::string have;
        if (ours.contains(our_name)) {
          have = ours[our_name].is_string() ? Trim(ours[our_name].get<std::string>()) : ours[our_name].dump();
        }
        EXPECT_EQ(have, want) << i << ": " << lines[i];
        equal[our_name] += have == want;
      }
      // Their time, written as the line has it, must be ours.
      std::string time;
      for (const char* column : log.time)
        time += (time.empty() ? "" : " ") + theirs[column].get<std::string>();
      std::string_view text = time;
      WallTime wall;
      const bool read = log.time.size() == 3   ? TakeBsdTime(&text, &wall)
                        : log.time.size() == 2 ? TakeIsoTime(&text, &wall)
                                               : TakeCtime(&text, &wall);
      ASSERT_TRUE(read) << time;
      TextClock clock;
      clock.Begin(origin_);
      EXPECT_EQ(event_.time, clock.Resolve(wall)) << lines[i];
      equal["time"] += event_.time == clock.Resolve(wall);
    }
    for (const auto& [name, count] : equal)
      std::printf("%s: %s %.2f %% of %zu lines\n", log.name, name.c_str(),
                  100.0 * static_cast<double>(count) / static_cast<double>(lines.size()), lines.size());
  }
}

TEST_F(RealTextTest, AccessLogsGiveTheEventsOfTheirParsedTwin) {
  const std::vector<std::string> lines = LinesOf(ReferenceDir() + "/data/raw/apache_access.log.zst");
  const std::vector<std::string> parsed =
      LinesOf(ReferenceDir() + "/data/events/web/apache_access.ndjson.zst");
  if (lines.empty()) GTEST_SKIP() << "no reference data";
  ASSERT_EQ(lines.size(), parsed.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(Decode(lines[i]).outcome, DecodeOutcome::kClean);
    ASSERT_EQ(Fields(), json::parse(parsed[i])) << i;
  }
}

}  // namespace
}  // namespace redthread

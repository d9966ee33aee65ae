// The four output formats, as a script and a person receive them.
#include "app/result_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace redthread {
namespace {

// What the writer writes for `count` results in `format`.
std::string Written(OutputFormat format, int count) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* file = open_memstream(&text, &size);
  ResultWriter writer(format, Terminal{}, file, {{"ID"}, {"TITLE"}});
  for (int i = 0; i < count; ++i) {
    const std::string id = std::to_string(i);
    if (writer.wants_rows()) {
      writer.AddRow({{id}, {"t" + id}});
    } else {
      writer.AddRecord("{\"id\":" + id + "}");
    }
  }
  EXPECT_TRUE(writer.Finish().ok());
  std::fclose(file);
  std::string written(text, size);
  std::free(text);
  return written;
}

TEST(ResultWriterTest, EachFormatWritesResultsInItsOwnForm) {
  EXPECT_EQ(Written(OutputFormat::kTable, 2), "ID  TITLE\n0   t0\n1   t1\n");
  EXPECT_EQ(Written(OutputFormat::kCsv, 2), "ID,TITLE\r\n0,t0\r\n1,t1\r\n");
  EXPECT_EQ(Written(OutputFormat::kJsonl, 2), "{\"id\":0}\n{\"id\":1}\n");
  EXPECT_EQ(Written(OutputFormat::kJson, 2), "[\n{\"id\":0},\n{\"id\":1}\n]\n");
}

TEST(ResultWriterTest, NoResultsAreAnEmptyArrayInJsonAndNothingElsewhere) {
  EXPECT_EQ(Written(OutputFormat::kTable, 0), "");
  EXPECT_EQ(Written(OutputFormat::kCsv, 0), "");
  EXPECT_EQ(Written(OutputFormat::kJsonl, 0), "");
  EXPECT_EQ(Written(OutputFormat::kJson, 0), "[]\n");
}

TEST(ResultWriterTest, ALongTableStreamsAndLosesNoRow) {
  const std::string table = Written(OutputFormat::kTable, 2500);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 2501);
  EXPECT_NE(table.find("\n2499  t2499\n"), std::string::npos);
}

TEST(ResultWriterTest, AFullDiskIsAnError) {
  std::FILE* full = std::fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  ResultWriter writer(OutputFormat::kJsonl, Terminal{}, full, {});
  writer.AddRecord("{}");
  const Status status = writer.Finish();
  EXPECT_EQ(status.code(), StatusCode::kIo);
  EXPECT_NE(status.message().find("No space left"), std::string::npos) << status.message();
  std::fclose(full);
}

}  // namespace
}  // namespace redthread

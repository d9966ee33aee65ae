#include "ingest/journal_stream.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "ingest/line_stream.h"
#include "tests/ingest/ingest_fixture.h"

namespace redthread {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kJournal = REDTHREAD_SOURCE_DIR "/tests/ingest/journal/three_entries.journal.zst";

std::string ReadAll(ByteStream* stream, size_t piece = 1 << 16) {
  std::string text, buffer(piece, '\0');
  for (;;) {
    const Result<size_t> n = stream->Read(buffer.data(), buffer.size());
    if (!n.ok()) return text + n.status().message();
    if (*n == 0) return text;
    text.append(buffer, 0, *n);
  }
}

class JournalStreamTest : public ::testing::Test {
 protected:
  JournalStreamTest() : path_(folder_ / "system.journal") {
    bytes_ = ReadAll(ByteStream::Open(kJournal).value().get(), 1 << 20);
  }
  void Write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  TemporaryFolder folder_;
  const std::string path_;
  std::string bytes_;
};

TEST_F(JournalStreamTest, EachEntryIsALineOfItsFields) {
  Write(bytes_);
  Result<LineStream> lines = OpenLines(path_);
  ASSERT_TRUE(lines.ok()) << lines.status().message();
  EXPECT_TRUE(lines->converted);
  EXPECT_TRUE(IsConverted(bytes_.substr(0, 512)));
  const std::string text = ReadAll(lines->bytes.get());
  const size_t first = text.find('\n'), second = text.find('\n', first + 1);
  EXPECT_EQ(
      json::parse(text.substr(0, first)),
      json::parse(R"({"__REALTIME_TIMESTAMP":"1604996385000000","_HOSTNAME":"web1","_PID":"7","PRIORITY":"6",
                            "_TRANSPORT":"syslog","SYSLOG_FACILITY":"10","SYSLOG_IDENTIFIER":"sshd",
                            "_BOOT_ID":"0123456789abcdef0123456789abcdef",
                            "MESSAGE":"Failed password for root from 192.0.2.1 port 22 ssh2"})"));
  const std::string third = text.substr(second + 1);
  EXPECT_EQ(json::parse(third)["MESSAGE"], R"({"a":1})");
  EXPECT_THAT(third, HasSubstr(R"("EXTRA":"a")"));
  EXPECT_THAT(third, HasSubstr(R"("EXTRA":"b")"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_EQ(ReadAll(OpenLines(path_)->bytes.get(), 1), text);
}

TEST_F(JournalStreamTest, AFileThatIsNoWholeJournalIsSaidToBeNone) {
  for (const size_t size : {size_t{8}, size_t{100}, size_t{256}}) {
    Write(bytes_.substr(0, size));
    const Result<LineStream> lines = OpenLines(path_);
    ASSERT_FALSE(lines.ok()) << size;
    EXPECT_THAT(lines.status().message(), HasSubstr(path_ + ": is a journal that cannot be read"));
  }
}

TEST_F(JournalStreamTest, DamageEndsItWithoutHarm) {
  Write(bytes_);
  const std::string whole = ReadAll(OpenLines(path_)->bytes.get());
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](size_t at, char byte) {
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte).flush();
  };
  for (size_t at = 8; at < 8000; at += 13) {
    put(at, static_cast<char>(~bytes_[at]));
    if (Result<LineStream> lines = OpenLines(path_); lines.ok()) ReadAll(lines->bytes.get());
    put(at, bytes_[at]);
  }
  EXPECT_EQ(ReadAll(OpenLines(path_)->bytes.get()), whole);
}

TEST_F(JournalStreamTest, ACompressedJournalIsNotTakenForText) {
  const Result<LineStream> lines = OpenLines(kJournal);
  ASSERT_TRUE(lines.ok());
  EXPECT_FALSE(lines->converted);
}

}  // namespace
}  // namespace redthread

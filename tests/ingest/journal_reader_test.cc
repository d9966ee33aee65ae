// Files of the journal, read while systemd's own code writes them.
#include "ingest/journal_reader.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "ingest/line_stream.h"
#include "tests/ingest/ingest_fixture.h"
#include "tests/support/journal.h"

namespace redthread {
namespace {

using testing::HasSubstr;

class JournalReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HasJournalWriter()) GTEST_SKIP() << "no systemd-journal-remote";
  }

  // `n` entries more in a file.
  void Append(int n, const std::string& path = "") {
    std::string exported;
    for (; n > 0; --n) {
      const std::string number = std::to_string(written_++);
      exported += ExportedEntry(start_ + std::chrono::seconds(written_),
                                "Failed password for root from 192.0.2.1 port " + number + " ssh2");
    }
    ASSERT_TRUE(AppendToJournal(path.empty() ? path_ : path, exported));
  }

  std::unique_ptr<JournalReader> Open(uint64_t next = 0) const {
    const Result<JournalFile> file = JournalFile::Read(path_);
    EXPECT_TRUE(file.ok()) << file.status().message();
    if (!file.ok()) return nullptr;
    Result<std::unique_ptr<JournalReader>> reader = JournalReader::Open(*file, next);
    EXPECT_TRUE(reader.ok()) << reader.status().message();
    return reader.ok() ? std::move(*reader) : nullptr;
  }

  // All that there is now, a line an entry.
  static std::string Read(JournalReader* reader, std::vector<uint64_t>* numbers = nullptr,
                          size_t bytes = 1 << 16) {
    std::string text;
    JournalEntries entries;
    for (bool more = true; more;) {
      more = reader->Next(bytes, &entries);
      for (const JournalEntries::Entry& entry : entries.all) {
        text.append(entries.TextOf(entry)).append("\n");
        if (numbers != nullptr) numbers->push_back(entry.number);
      }
    }
    return text;
  }

  // What a scan reads.
  static std::string Scanned(const std::string& path) {
    std::string text, buffer(1 << 16, '\0');
    const Result<LineStream> lines = OpenLines(path);
    EXPECT_TRUE(lines.ok() && lines->converted);
    for (;;) {
      const Result<size_t> n = lines->bytes->Read(buffer.data(), buffer.size());
      EXPECT_TRUE(n.ok());
      if (!n.ok() || *n == 0) return text;
      text.append(buffer, 0, *n);
    }
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path() + "/system.journal";
  const Timestamp start_ = *ParseTimestamp("2026-11-22T10:00:00Z");
  int written_ = 0;
};

TEST_F(JournalReaderTest, ItGivesWhatAScanReadsAsSoonAsItIsWritten) {
  Append(1);
  const std::unique_ptr<JournalReader> reader = Open();
  ASSERT_NE(reader, nullptr);
  std::string text = Read(reader.get());
  EXPECT_THAT(text, HasSubstr("port 0 ssh2"));
  for (const int n : {0, 1, 3, 200, 1}) {
    if (n > 0) Append(n);
    text += Read(reader.get(), nullptr, 100);
    EXPECT_EQ(text, Scanned(path_));
  }
}

TEST_F(JournalReaderTest, WhatIsReadWhileItIsWrittenLacksNothing) {
  Append(1);
  const std::unique_ptr<JournalReader> reader = Open();
  ASSERT_NE(reader, nullptr);
  std::string text;
  std::thread writer([this] { Append(3000); });
  JournalEntries entries;
  while (reader->next() <= 3001) {
    reader->Next(1 << 16, &entries);
    for (const JournalEntries::Entry& entry : entries.all) text.append(entries.TextOf(entry)).append("\n");
    if (entries.all.empty()) std::this_thread::yield();
  }
  writer.join();
  EXPECT_TRUE(text == Scanned(path_));
}

TEST_F(JournalReaderTest, ItGoesOnBehindAnyEntryUnderTheSameNumbers) {
  Append(20);
  std::vector<uint64_t> numbers;
  const std::string whole = Read(Open().get(), &numbers);
  ASSERT_EQ(numbers.size(), 20u);
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  size_t begin = 0;
  for (size_t n = 0; n < numbers.size(); ++n) {
    std::vector<uint64_t> rest;
    EXPECT_EQ(Read(Open(numbers[n]).get(), &rest), whole.substr(begin));
    EXPECT_EQ(rest, std::vector<uint64_t>(numbers.begin() + static_cast<std::ptrdiff_t>(n), numbers.end()));
    begin = whole.find('\n', begin) + 1;
  }
  // Behind the last one, it waits for more.
  const std::unique_ptr<JournalReader> reader = Open(numbers.back() + 1);
  EXPECT_EQ(Read(reader.get()), "");
  Append(2);
  EXPECT_EQ(Read(reader.get()), Scanned(path_).substr(whole.size()));
}

TEST_F(JournalReaderTest, AFileThatIsRenamedOrRemovedIsReadToItsEnd) {
  Append(3);
  const JournalFile before = *JournalFile::Read(path_);
  const std::unique_ptr<JournalReader> reader = Open();
  const std::string archived = folder_.path() + "/system@000-1-2.journal";
  std::filesystem::rename(path_, archived);
  const JournalFile after = *JournalFile::Read(archived);
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.Home(), path_);
  EXPECT_EQ(before.Home(), path_);
  EXPECT_FALSE(before.archived);
  EXPECT_TRUE(after.archived);
  EXPECT_EQ(before.entries, 3u);
  EXPECT_EQ(before.last, before.first + 2);
  const std::string text = Scanned(archived);
  // A new one has taken its name.
  Append(1);
  EXPECT_EQ(JournalReader::Open(before, 0).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(reader->Last(), before.last);
  std::filesystem::remove(archived);
  EXPECT_EQ(Read(reader.get()), text);
}

TEST_F(JournalReaderTest, ACopyInAnotherFileHasTheSameMarks) {
  Append(5);
  JournalEntries entries;
  Open()->Next(1 << 20, &entries);
  // `journalctl --flush` copies entries into a file that has others already; they get new numbers there.
  const std::string other = folder_.path() + "/other.journal";
  Append(2, other);
  written_ = 0;
  Append(8, other);
  Result<std::unique_ptr<JournalReader>> copy = JournalReader::Open(*JournalFile::Read(other), 0);
  ASSERT_TRUE(copy.ok());
  std::set<uint64_t> marks = {entries.mark, 12345};
  const uint64_t behind = (*copy)->FindBehind(&marks);
  EXPECT_EQ(behind, 8u);
  EXPECT_EQ(marks, std::set<uint64_t>{12345});
}

TEST_F(JournalReaderTest, OnlyTheFirstFolderThatHasAJournalCounts) {
  const std::string first = folder_.path() + "/first", second = folder_.path() + "/second";
  std::filesystem::create_directory(first);
  std::filesystem::create_directory(second);
  Append(1, second + "/system.journal");
  std::ofstream(second + "/notes.txt") << "no journal";
  JournalFolder found = FindJournalFiles({first, second});
  EXPECT_EQ(found.chosen, 1u);
  ASSERT_EQ(found.files.size(), 1u);
  Append(1, first + "/user-1000.journal");
  std::filesystem::rename(first + "/user-1000.journal", first + "/user-1000@000.journal~");
  std::ofstream(first + "/broken.journal") << "no journal";
  found = FindJournalFiles({first + "/missing", first, second});
  EXPECT_EQ(found.chosen, 1u);
  ASSERT_EQ(found.files.size(), 1u);
  EXPECT_EQ(found.files[0].Home(), first + "/user-1000.journal");
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_THAT(found.problems[0].message(), HasSubstr("broken.journal: is a journal that cannot be read"));
}

TEST(JournalIdentityTest, IsReadAsItWasWritten) {
  const JournalIdentity identity{"0123456789abcdef0123456789abcdef"};
  EXPECT_EQ(identity.Encode(), "journal:0123456789abcdef0123456789abcdef");
  EXPECT_EQ(JournalIdentity::Decode(identity.Encode())->file, identity.file);
  for (const char* text : {"", "journal:", "journal:12", "file:0123456789abcdef0123456789abcdef",
                           "journal:0123456789abcdef0123456789abcdeX"})
    EXPECT_FALSE(JournalIdentity::Decode(text).has_value()) << text;
}

}  // namespace
}  // namespace redthread

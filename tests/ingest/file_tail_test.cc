#include "ingest/file_tail.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "tests/ingest/ingest_fixture.h"
#include "tests/support/evtx_builder.h"

namespace redthread {
namespace {

using std::chrono::seconds;

// A file long enough to be known by a whole prefix.
const std::string kHead = std::string(FileIdentity::kMaxPrefix, 'h') + "\n";

class FileTailTest : public ::testing::Test {
 protected:
  void Append(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::app | std::ios::binary) << text;
  }
  void Rename(const std::string& from, const std::string& to) {
    std::filesystem::rename(folder_ / from, folder_ / to);
  }
  void Compress(const std::string& name) {
    const std::string command = "gzip -n '" + (folder_ / name) + "'";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  void CopyTruncate(const std::string& name, const std::string& copy) {
    std::filesystem::copy_file(folder_ / name, folder_ / copy);
    std::filesystem::resize_file(folder_ / name, 0);
  }

  void Start(const std::string& pattern) {
    FileTail::Options options;
    options.patterns = {folder_ / pattern};
    options.reader.batch_bytes = 256;
    tail_ = std::make_unique<FileTail>(options, stored_, &clock_);
  }
  // Ends the tail and begins one that knows what was stored.
  void Restart(const std::string& pattern) {
    tail_.reset();
    Start(pattern);
  }

  // Reads all that is new; returns the lines, and stores the progress as the daemon does.
  std::vector<std::string> Read() {
    std::vector<std::string> lines;
    RecordBatch batch;
    FileTail::Source source;
    while (tail_->Poll(&batch, &source)) {
      uint64_t index = 0;
      if (source.number < stored_.size() && stored_[source.number].epoch == source.progress.epoch) {
        index = stored_[source.number].next_index;
      }
      for (const RecordBatch::Record& r : batch.records) {
        EXPECT_GE(r.index, index) << "of a record given before";
        index = r.index + 1;
        lines.push_back(r.text() == std::string_view(kHead).substr(0, r.size) ? "head"
                                                                              : std::string(r.text()));
      }
      Store(source);
    }
    for (const FileTail::Source& s : tail_->TakeProgress()) Store(s);
    clock_.Advance(seconds(1));
    return lines;
  }
  void Store(const FileTail::Source& source) {
    if (source.number >= stored_.size()) stored_.resize(source.number + 1);
    stored_[source.number] = source.progress;
  }
  std::vector<std::string> ReadAfter(seconds wait) {
    std::vector<std::string> lines = Read();
    clock_.Advance(wait);
    for (std::string& line : Read()) lines.push_back(std::move(line));
    return lines;
  }
  using Lines = std::vector<std::string>;

  TemporaryFolder folder_;
  ReplayClock clock_{Timestamp{0}};
  std::vector<FileTail::Progress> stored_;
  std::unique_ptr<FileTail> tail_;
};

TEST_F(FileTailTest, GivesWholeLinesAsTheyAreWritten) {
  Start("log");
  EXPECT_EQ(Read(), Lines{});
  Append("log", "a\nb\nhalf");
  EXPECT_EQ(Read(), (Lines{"a", "b"}));
  EXPECT_EQ(ReadAfter(seconds(100)), Lines{}) << "an unfinished line of a living file waits";
  Append("log", " whole\n\nc\n");
  EXPECT_EQ(Read(), (Lines{"half whole", "c"}));
  EXPECT_EQ(stored_[0].next_index, 5u);
  EXPECT_EQ(stored_[0].cursor, 18u);
}

TEST_F(FileTailTest, TellsWhatThereIsToReadAtTheStartAndWhatHasBeenReadToItsEnd) {
  const auto numbers = [](const std::vector<FileTail::Source>& sources) {
    std::vector<size_t> n;
    for (const FileTail::Source& s : sources) n.push_back(s.number);
    return n;
  };
  using Numbers = std::vector<size_t>;
  Append("log1", "a\n");
  Append("log2", std::string(200, 'b') + "\n" + std::string(200, 'c') + "\n");
  Start("log*");
  EXPECT_EQ(numbers(tail_->Find()), (Numbers{0, 1}));
  RecordBatch batch;
  FileTail::Source source;
  std::vector<std::pair<size_t, Numbers>> told;  // what each batch is of, and which files had ended then
  while (tail_->Poll(&batch, &source)) told.emplace_back(source.number, numbers(tail_->TakeEnded()));
  told.emplace_back(9, numbers(tail_->TakeEnded()));
  EXPECT_EQ(told, (std::vector<std::pair<size_t, Numbers>>{{1, {}}, {0, {}}, {1, {}}, {9, {0, 1}}}));
  // Told once, until there is more.
  EXPECT_EQ(Read(), Lines{});
  EXPECT_EQ(numbers(tail_->TakeEnded()), Numbers{});
  Append("log1", "d\n");
  EXPECT_EQ(Read(), Lines{"d"});
  EXPECT_EQ(numbers(tail_->TakeEnded()), Numbers{0});
  // The end of an epoch is none while the next one is to be read.
  std::filesystem::resize_file(folder_ / "log1", 0);
  Append("log1", "e\n");
  ASSERT_TRUE(tail_->Poll(&batch, &source));
  EXPECT_EQ(numbers(tail_->TakeEnded()), Numbers{});
  EXPECT_FALSE(tail_->Poll(&batch, &source));
  EXPECT_EQ(numbers(tail_->TakeEnded()), Numbers{0});
}

TEST_F(FileTailTest, CompressedFilesAreReadOneAfterTheOtherAndHoldUpNoLivingOne) {
  for (const char* name : {"old1", "old2"}) {
    for (int line = 0; line < 6; ++line)
      Append(name, std::string(name) + std::string(250, static_cast<char>('a' + line)) + "\n");
    Compress(name);
  }
  Append("now", "a\nb\n");
  Start("*");
  std::string order;  // by file: o(ne), t(wo), n(ow)
  RecordBatch batch;
  FileTail::Source source;
  while (tail_->Poll(&batch, &source)) {
    const std::string& path = source.progress.path;
    order += path.find("old1") != std::string::npos   ? 'o'
             : path.find("old2") != std::string::npos ? 't'
                                                      : 'n';
    if (order.size() == 4) Append("now", "c\n");
  }
  EXPECT_EQ(std::count(order.begin(), order.end(), 'o'), std::count(order.begin(), order.end(), 't'))
      << order;
  EXPECT_LT(order.rfind('o'), order.find('t')) << order;
  EXPECT_LT(order.find('n'), 3u) << order;
  EXPECT_LT(order.rfind('n'), order.find('t')) << order;
}

TEST_F(FileTailTest, GoesOnAfterARestartWhereItWas) {
  Append("log", "a\nb\nhalf");
  Start("log");
  EXPECT_EQ(Read(), (Lines{"a", "b"}));
  Append("log", " whole\nc\n");
  Restart("log");
  EXPECT_EQ(Read(), (Lines{"half whole", "c"}));
  Restart("log");
  EXPECT_EQ(Read(), Lines{});
  EXPECT_EQ(stored_.size(), 1u);
}

TEST_F(FileTailTest, ARenamedFileIsReadToItsEnd) {
  for (const char* pattern : {"log", "log*"}) {
    SCOPED_TRACE(pattern);
    stored_.clear();
    std::filesystem::remove(folder_ / "log");
    std::filesystem::remove(folder_ / "log.1");
    Append("log", "a\n");
    Start(pattern);
    EXPECT_EQ(Read(), Lines{"a"});
    Append("log", "b\n");
    Rename("log", "log.1");
    Append("log.1", "c\nd without end");
    Append("log", "new\n");
    Lines lines = Read();
    std::sort(lines.begin(), lines.end());
    EXPECT_EQ(lines, (Lines{"b", "c", "new"}));
    EXPECT_EQ(ReadAfter(seconds(20)), Lines{"d without end"});
    EXPECT_EQ(ReadAfter(seconds(20)), Lines{});
  }
}

TEST_F(FileTailTest, ALinkToAFileIsNoRotation) {
  Append("log", "a\nb with");
  std::filesystem::create_symlink("log", folder_ / "log.current");
  std::filesystem::create_symlink("log", folder_ / "current");
  for (const char* pattern : {"log*", "*"}) {
    SCOPED_TRACE(pattern);
    stored_.clear();
    Start(pattern);
    EXPECT_EQ(Read(), Lines{"a"});
    EXPECT_EQ(ReadAfter(seconds(20)), Lines{});
    EXPECT_EQ(ReadAfter(seconds(20)), Lines{}) << "the last line is not whole";
  }
  Append("log", "out end\n");
  EXPECT_EQ(ReadAfter(seconds(20)), Lines{"b without end"});
}

TEST_F(FileTailTest, ARotationDuringARestartLosesNothing) {
  Append("log", kHead + "a\n");
  Start("log*");
  EXPECT_EQ(Read(), (Lines{"head", "a"}));
  tail_.reset();
  Append("log", "b\n");
  Rename("log", "log.1");
  Append("log", "other\n");
  Start("log*");
  Lines lines = Read();
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, (Lines{"b", "other"}));
}

TEST_F(FileTailTest, ACompressedFileIsTheSameFile) {
  for (const bool restart : {false, true}) {
    SCOPED_TRACE(restart);
    stored_.clear();
    for (const char* name : {"log", "log.1.gz"}) std::filesystem::remove(folder_ / name);
    Append("log", "first line\na\n");
    Start("log*");
    EXPECT_EQ(Read(), (Lines{"first line", "a"}));
    if (restart) {
      tail_.reset();
      Append("log", "b\nunfinished");
    }
    Rename("log", "log.1");
    Compress("log.1");
    Append("log", "new\n");
    if (restart) Start("log*");
    Lines lines = ReadAfter(seconds(20));
    for (std::string& line : ReadAfter(seconds(20))) lines.push_back(std::move(line));
    std::sort(lines.begin(), lines.end());
    EXPECT_EQ(lines, restart ? (Lines{"b", "new", "unfinished"}) : (Lines{"new"}));
    EXPECT_EQ(stored_.size(), 2u) << "no third source";
    Restart("log*");
    EXPECT_EQ(ReadAfter(seconds(20)), Lines{});
  }
}

TEST_F(FileTailTest, AFileThatGoesWhileItIsLookedAtIsStillKnownByItsCompressedCopy) {
  std::mt19937 random(1);
  const std::string text = kHead + "a\n";
  Append("log", text);
  Compress("log");
  Rename("log.gz", "copy");
  for (int round = 0; round < 500; ++round) {
    SCOPED_TRACE(round);
    stored_.clear();
    Append("log", text);
    Start("log*");
    EXPECT_EQ(Read(), (Lines{"head", "a"}));
    std::filesystem::copy_file(folder_ / "copy", folder_ / "log.gz");
    // At any moment of the first look.
    Restart("log*");
    std::atomic<bool> looking{false};
    const int spins = static_cast<int>(random() % 20'000);
    std::thread gzip([&] {
      while (!looking) {
      }
      for (std::atomic<int> n{0}; n < spins; ++n) {
      }
      std::filesystem::remove(folder_ / "log");
    });
    looking = true;
    EXPECT_EQ(Read(), Lines{});
    gzip.join();
    EXPECT_EQ(ReadAfter(seconds(100)), Lines{});
    std::filesystem::remove(folder_ / "log.gz");
    if (HasFailure()) return;
  }
}

TEST_F(FileTailTest, TruncationBeginsANewEpoch) {
  Append("log", "a\nb\n");
  Start("log");
  EXPECT_EQ(Read(), (Lines{"a", "b"}));
  std::filesystem::resize_file(folder_ / "log", 0);
  EXPECT_EQ(Read(), Lines{});
  Append("log", "c\n");
  EXPECT_EQ(Read(), Lines{"c"});
  EXPECT_EQ(stored_[0].epoch, 1u);
  EXPECT_EQ(stored_[0].next_index, 1u);
  // Written anew and already longer than before.
  std::filesystem::resize_file(folder_ / "log", 0);
  Append("log", "a whole new content\nand more\n");
  EXPECT_EQ(Read(), (Lines{"a whole new content", "and more"}));
  EXPECT_EQ(stored_[0].epoch, 2u);
  EXPECT_EQ(stored_.size(), 3u) << "how far the former contents were read, should copies of them turn up";
}

TEST_F(FileTailTest, TruncationDuringARestartBeginsANewEpoch) {
  Append("log", "a\nb\n");
  Start("log");
  Read();
  tail_.reset();
  std::filesystem::resize_file(folder_ / "log", 0);
  Append("log", "a\n");
  Start("log");
  // The shorter file does not begin with what was hashed: it is another file of the same inode.
  EXPECT_EQ(Read(), Lines{"a"});
}

TEST_F(FileTailTest, CopyAndTruncateReadsTheRestFromTheCopyAndNothingTwice) {
  Append("log", kHead + "a\n");
  Start("log*");
  EXPECT_EQ(Read(), (Lines{"head", "a"}));
  Append("log", "b\n");
  CopyTruncate("log", "log.1");
  Append("log", "c\n");
  Lines lines = ReadAfter(seconds(5));
  for (std::string& line : ReadAfter(seconds(20))) lines.push_back(std::move(line));
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, (Lines{"b", "c"}));
  Restart("log*");
  EXPECT_EQ(ReadAfter(seconds(20)), Lines{});
  Append("log", "d\n");
  EXPECT_EQ(Read(), Lines{"d"});
}

// The new content was read, and stored, before the copy was looked for: a kill between the two.
TEST_F(FileTailTest, ACopyThatIsFoundAfterARestartOnlyIsReadFromWhereItsOriginalWasLeft) {
  Append("log", kHead + "a\n");
  Start("log*");
  EXPECT_EQ(Read(), (Lines{"head", "a"}));
  Append("log", "b\n");
  CopyTruncate("log", "log.1");
  Append("log", "c\n");
  EXPECT_EQ(Read(), Lines{"c"});
  Restart("log*");
  EXPECT_EQ(ReadAfter(seconds(20)), Lines{"b"});
  Restart("log*");
  EXPECT_EQ(ReadAfter(seconds(20)), Lines{});
}

TEST_F(FileTailTest, FindsNewFilesOfAGlobAndReadsThemInTurn) {
  Append("a.log", "1\n");
  Start("*.log");
  EXPECT_EQ(Read(), Lines{"1"});
  Append("b.log", "2\n");
  Append("other", "no\n");
  EXPECT_EQ(Read(), Lines{"2"});
  for (int i = 0; i < 100; ++i) {
    Append("a.log", std::string(50, 'a') + "\n");
    Append("b.log", std::string(50, 'b') + "\n");
  }
  const Lines lines = Read();
  EXPECT_EQ(lines.size(), 200u);
  EXPECT_NE(lines.front()[0], lines[6][0]) << "one file after the other would starve the second";
}

TEST_F(FileTailTest, FinishGivesTheLastLineOfALivingFile) {
  Append("log", "a\nlast");
  Start("log");
  EXPECT_EQ(Read(), Lines{"a"});
  tail_->Finish();
  EXPECT_EQ(Read(), Lines{"last"});
  EXPECT_EQ(Read(), Lines{});
}

TEST_F(FileTailTest, ADamagedCompressedFileIsToldOnce) {
  Append("log.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03garbage", 17));
  Start("log*");
  EXPECT_EQ(Read(), Lines{});
  EXPECT_EQ(tail_->TakeProblems().size(), 1u);
  EXPECT_EQ(ReadAfter(seconds(30)), Lines{});
  EXPECT_TRUE(tail_->TakeProblems().empty());
}

// A writer that rotates in all the ways there are, against a reader that is restarted at random: each line
// comes once, none is lost.
TEST_F(FileTailTest, EveryLineComesOnceWhateverTheWriterDoes) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    stored_.clear();
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      std::filesystem::remove(entry);
    std::multiset<std::string> written, read;
    int rotations = 0, lines = 0;
    uint64_t seen = 0;  // bytes of the log that were there when it was last read
    Start("log*");
    for (int step = 0; step < 600; ++step) {
      switch (random() % 40) {
        case 0:
          if (std::filesystem::exists(folder_ / "log")) Rename("log", "log." + std::to_string(++rotations));
          seen = 0;
          break;
        case 1:
          if (rotations > 0 && std::filesystem::exists(folder_ / ("log." + std::to_string(rotations)))) {
            Compress("log." + std::to_string(rotations));
          }
          break;
        case 2:
          Restart("log*");
          break;
        case 5:
          // A copy is known by a whole prefix of what was read.
          if (seen < FileIdentity::kMaxPrefix) break;
          CopyTruncate("log", "log." + std::to_string(++rotations));
          seen = 0;
          break;
        case 3:
        case 4:
        case 6:
        case 7:
          for (std::string& line : Read()) read.insert(std::move(line));
          seen = std::filesystem::exists(folder_ / "log") ? std::filesystem::file_size(folder_ / "log") : 0;
          break;
        default: {
          const std::string line =
              std::to_string(seed) + "/" + std::to_string(++lines) + std::string(random() % 190, '.');
          Append("log", line + "\n");
          written.insert(line);
        }
      }
    }
    for (std::string& line : ReadAfter(seconds(30))) read.insert(std::move(line));
    for (std::string& line : ReadAfter(seconds(30))) read.insert(std::move(line));
    std::vector<std::string> twice, lost;
    std::set_difference(read.begin(), read.end(), written.begin(), written.end(), std::back_inserter(twice));
    std::set_difference(written.begin(), written.end(), read.begin(), read.end(), std::back_inserter(lost));
    EXPECT_TRUE(twice.empty()) << twice.size() << " twice, the first " << twice[0].substr(0, 10);
    EXPECT_TRUE(lost.empty()) << lost.size() << " lost, the first " << lost[0].substr(0, 10);
  }
}

TEST(FileIdentityTest, IsStoredAndReadBack) {
  const FileIdentity identity{0xfd01, 123456789, 1024, 0xfedcba9876543210};
  EXPECT_EQ(identity.Encode(), "file:fd01:75bcd15:400:fedcba9876543210");
  EXPECT_EQ(FileIdentity::Decode(identity.Encode()), identity);
  for (const char* bad : {"", "file", "file:1:2:3", "file:1:2:3:4:5", "file:1:2:3:x", "tcp:1:2:3:4",
                          "file:1:2:401:4", "file:1:2:3:10000000000000000"}) {
    EXPECT_FALSE(FileIdentity::Decode(bad).has_value()) << bad;
  }
}

// ---- event logs

// An event log with records of these ids.
std::string EventLog(uint64_t first, uint64_t count) {
  EvtxChunkBuilder chunk;
  for (uint64_t id = first; id < first + count; ++id) {
    chunk.AddRecord(id, ProcessTemplate(), ProcessValues(id, "whoami"));
  }
  return EvtxFile({chunk.Finish()});
}

TEST_F(FileTailTest, AnEventLogIsReadOnceItIsWholeAndOnlyOnce) {
  Append("a.evtx", EventLog(1, 10));
  Start("*.evtx");
  EXPECT_EQ(Read().size(), 10U) << "what is there at the start is whole";
  Append("b.evtx", EventLog(1, 5));
  EXPECT_EQ(Read().size(), 0U) << "this one may still be being written";
  EXPECT_EQ(ReadAfter(seconds(20)).size(), 5U) << "and is none the less a log of its own for beginning alike";
  Restart("*.evtx");
  EXPECT_EQ(ReadAfter(seconds(20)).size(), 0U);
}

TEST_F(FileTailTest, AnEventLogIsRecognisedThoughItWasOpenedWhenItWasEmpty) {
  Append("a.evtx", "");
  Start("*.evtx");
  EXPECT_EQ(Read().size(), 0U);
  const std::string log = EventLog(1, 10);
  Append("a.evtx", log.substr(0, 5000));
  EXPECT_EQ(ReadAfter(seconds(1)).size(), 0U);
  Append("a.evtx", log.substr(5000));
  EXPECT_EQ(ReadAfter(seconds(1)).size(), 0U);
  clock_.Advance(seconds(20));
  EXPECT_EQ(ReadAfter(seconds(20)).size(), 10U);
  Restart("*.evtx");
  EXPECT_EQ(ReadAfter(seconds(20)).size(), 0U);
}

TEST_F(FileTailTest, AnEventLogThatHasGrownIsReadOnFromWhereItWasLeft) {
  Append("a.evtx", EventLog(1, 10));
  Start("*.evtx");
  EXPECT_EQ(Read().size(), 10U);
  std::filesystem::resize_file(folder_ / "a.evtx", 0);
  Append("a.evtx", EventLog(1, 14));
  EXPECT_EQ(Read().size(), 0U);
  const std::vector<std::string> lines = ReadAfter(seconds(20));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_NE(lines[0].find("\"EventRecordID\":11,"), std::string::npos);
}

TEST_F(FileTailTest, AnEventLogThatIsReplacedIsANewOne) {
  Append("a.evtx", EventLog(1, 10));
  Start("*.evtx");
  EXPECT_EQ(Read().size(), 10U);
  std::filesystem::resize_file(folder_ / "a.evtx", 0);
  Append("a.evtx", EventLog(101, 3));
  EXPECT_EQ(Read().size(), 0U);
  EXPECT_EQ(ReadAfter(seconds(20)).size(), 3U);
  Restart("*.evtx");
  EXPECT_EQ(ReadAfter(seconds(20)).size(), 0U);
}

}  // namespace
}  // namespace redthread

// The journal in, alerts out, each entry once, whatever journald does with its files.
#include "runtime/journal_inputs.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <functional>
#include <map>
#include <numeric>
#include <thread>

#include "core/record.h"
#include "runtime/embedded.h"
#include "runtime/scan.h"
#include "storage/alert_store.h"
#include "tests/runtime/state_fixture.h"
#include "tests/support/journal.h"
#include "tests/support/shared_clock.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class JournalInputsTest : public StateTest {
 protected:
  JournalInputsTest() : clock_(*ParseTimestamp("2026-11-23T00:00:00Z")) {
    for (const char* folder : {"journal", "volatile"}) std::filesystem::create_directory(Path(folder));
    engine_ = LoadEngine(
        "title: High\nid: 00000000-0000-4000-8000-000000000002\nlevel: high\nlogsource: {service: sshd}\n"
        "detection:\n  s: {ssh_event: failed}\n  condition: s\n---\n"
        "title: One\nname: one\nid: 00000000-0000-4000-8000-000000000003\nlogsource: {service: sshd}\n"
        "detection:\n  s: {ssh_event: failed}\n  condition: s\n---\n"
        "title: Many\nid: 00000000-0000-4000-8000-000000000004\nlevel: high\ncorrelation: {type: "
        "event_count, "
        "rules: [one], group-by: [src_ip], timespan: 5m, condition: {gte: 5}}\n");
  }
  void SetUp() override {
    if (!HasJournalWriter()) GTEST_SKIP() << "no systemd-journal-remote";
  }

  // Entries `from` to `to`, half a minute apart, of three clients.
  static std::string Exported(int from, int to) {
    std::string text;
    for (int n = from; n < to; ++n) {
      text += ExportedEntry(*ParseTimestamp("2026-11-22T10:00:00Z") + std::chrono::seconds(30 * n),
                            "Failed password for root from 192.0.2." + std::to_string(n % 3) + " port " +
                                std::to_string(n + 1000) + " ssh2");
    }
    return text;
  }
  void Append(const std::string& name, int from, int to) const {
    ASSERT_TRUE(AppendToJournal(Path(name), Exported(from, to)));
  }

  Embedded::Options Options() {
    Embedded::Options options;
    options.data_dir = Path("data");
    options.journals = {{"host", {Path("journal"), Path("volatile")}, {}, {}, {}}};
    options.batch_bytes = 1000;  // a few entries
    options.until_idle = true;
    options.on_problem = [this](const std::string& text) { problems_.push_back(text); };
    return options;
  }
  Embedded::Report Run() {
    Result<std::unique_ptr<Embedded>> embedded = Embedded::Open(engine_, Options(), &clock_);
    EXPECT_TRUE(embedded.ok()) << embedded.status().message();
    if (!embedded.ok()) return {};
    const std::atomic<bool> stop{false};
    const Status status = (*embedded)->Run(stop);
    EXPECT_TRUE(status.ok()) << status.message();
    return (*embedded)->report();
  }
  // Runs live, in a thread of its own, while `live` writes, which may wait until so many entries are kept;
  // ends when there are `records`.
  Embedded::Report RunWhile(uint64_t records,
                            const std::function<void(const std::function<void(uint64_t)>&)>& live) {
    Embedded::Options options = Options();
    options.until_idle = false;
    Result<std::unique_ptr<Embedded>> embedded = Embedded::Open(engine_, std::move(options), &clock_);
    EXPECT_TRUE(embedded.ok()) << embedded.status().message();
    if (!embedded.ok()) return {};
    std::atomic<bool> stop{false};
    Status status;
    std::thread run([&] { status = (*embedded)->Run(stop); });
    const auto await = [&](uint64_t n) {
      for (int tries = 0; tries < 3000 && Kept().size() < n; ++tries) {
        clock_.Advance(std::chrono::milliseconds(200));  // for the looks at the folder
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      EXPECT_GE(Kept().size(), n);
    };
    live(await);
    await(records);
    stop = true;
    run.join();
    EXPECT_TRUE(status.ok()) << status.message();
    return (*embedded)->report();
  }

  // What is kept: "path number" to the raw texts there.
  std::multimap<std::string, std::string> Kept() const {
    std::multimap<std::string, std::string> kept;
    const std::unique_ptr<Database> database = OpenState();
    if (database == nullptr) return kept;
    const auto snapshot = database->Snapshot();
    EventStore store;
    Damage damage;
    const Status status = store.ForEach(
        *snapshot, {},
        [&](const StoredEvent& event) {
          const Result<SourceState> source = GetSource(*snapshot, event.source);
          EXPECT_TRUE(source.ok());
          kept.emplace(source->path + " " + std::to_string(event.record.index), event.record.raw);
          return true;
        },
        &damage);
    EXPECT_TRUE(status.ok()) << status.message();
    return kept;
  }
  // Files that have been read to their end for good.
  int Archived() const {
    const std::unique_ptr<Database> database = OpenState();
    int archived = 0;
    Damage damage;
    EXPECT_TRUE(ForEachSource(
                    *database->Snapshot(),
                    [&](const SourceState& source) {
                      archived += source.idle;
                      return true;
                    },
                    &damage)
                    .ok());
    return archived;
  }
  // Ports of the messages that are kept, in order of the entries' making: each entry has its own.
  std::vector<int> Ports() const {
    std::vector<int> ports;
    for (const auto& [place, raw] : Kept())
      ports.push_back(std::stoi(raw.substr(raw.find(" port ") + 6)) - 1000);
    std::sort(ports.begin(), ports.end());
    return ports;
  }
  static std::vector<int> Upto(int n) {
    std::vector<int> all(static_cast<size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }

  std::vector<std::string> Scanned(const std::string& folder) const {
    std::vector<std::string> lines;
    Scan scan(engine_, {.paths = {Path(folder)}});
    const Status status = scan.Alerts(
        [&lines](const Alert& alert) {
          AppendCanonicalAlert(alert, &lines.emplace_back());
          return Status::Ok();
        },
        nullptr);
    EXPECT_TRUE(status.ok()) << status.message();
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  SharedClock clock_;
  std::vector<std::string> problems_;
};

TEST_F(JournalInputsTest, EachEntryCountsOnceAndTheAlertsAreThoseOfAScan) {
  int written = 0;
  for (int round = 0; round < 6; ++round) {
    Append("journal/system.journal", written, written + 20);
    written += 20;
    if (round % 2 == 0) Append("journal/user-1000.journal", 1000 + round, 1001 + round);
    Run();
    if (round % 2 == 1) {
      // Rotated, with entries behind what was read.
      Append("journal/system.journal", written, written + 5);
      written += 5;
      std::filesystem::rename(Path("journal/system.journal"),
                              Path("journal/system@" + std::to_string(round) + ".journal"));
    }
  }
  const Embedded::Report report = Run();
  EXPECT_FALSE(report.input_lost);
  std::vector<int> expected = Upto(written);
  expected.insert(expected.end(), {1000, 1002, 1004});
  EXPECT_EQ(Ports(), expected);
  EXPECT_EQ(Standing(), Scanned("journal"));
  EXPECT_GT(Standing().size(), 3u);
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(JournalInputsTest, AnEntryHasTheSamePlaceWheneverItIsRead) {
  Append("journal/system.journal", 0, 10);
  Append("journal/user-1000.journal", 10, 20);
  Run();
  std::filesystem::rename(Path("journal/system.journal"), Path("journal/system@01.journal"));
  Append("journal/system.journal", 20, 30);
  Run();
  const auto step_by_step = Kept();
  std::filesystem::remove_all(Path("data"));
  Run();
  EXPECT_EQ(Kept(), step_by_step);
  EXPECT_EQ(step_by_step.size(), 30u);
  // Both files were system.journal, whose entries journal-remote numbers from 1.
  EXPECT_EQ(step_by_step.count(Path("journal/system.journal") + " 10"), 2u);
}

TEST_F(JournalInputsTest, WhatWasRemovedBeforeItWasReadIsToldAndTheRestIsRead) {
  Append("journal/system.journal", 0, 10);
  Run();
  Append("journal/system.journal", 10, 15);
  std::filesystem::remove(Path("journal/system.journal"));
  Append("journal/system.journal", 15, 20);
  Run();
  EXPECT_THAT(problems_,
              ElementsAre(HasSubstr("what stood in it behind entry 10 was removed before it was read")));
  std::vector<int> expected = Upto(20);
  expected.erase(expected.begin() + 10, expected.begin() + 15);
  EXPECT_EQ(Ports(), expected);
  // Once.
  problems_.clear();
  Run();
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(JournalInputsTest, WhatWasReadToItsEndAndIsRemovedLacksNothing) {
  Append("journal/system.journal", 0, 10);
  std::filesystem::rename(Path("journal/system.journal"), Path("journal/system@01.journal"));
  Append("journal/system.journal", 10, 12);
  Run();
  std::filesystem::remove(Path("journal/system@01.journal"));
  EXPECT_FALSE(Run().input_lost);
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_EQ(Ports(), Upto(12));
}

TEST_F(JournalInputsTest, AFileIsFollowedThroughRotationAndReadToItsEndThoughItIsRemoved) {
  Append("journal/system.journal", 0, 3);
  RunWhile(12, [&](const auto& await) {
    await(3);
    Append("journal/system.journal", 3, 6);
    await(6);
    Append("journal/system.journal", 6, 9);
    std::filesystem::rename(Path("journal/system.journal"), Path("journal/system@01.journal"));
    std::filesystem::remove(Path("journal/system@01.journal"));
    Append("journal/system.journal", 9, 12);
    await(12);
    // Until it is known that nothing of it is missing.
    for (int tries = 0; tries < 3000 && Archived() == 0; ++tries) {
      clock_.Advance(std::chrono::milliseconds(200));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  Run();
  EXPECT_EQ(Ports(), Upto(12));
  EXPECT_THAT(problems_, IsEmpty());
}

// journald has written to /run until the disk was there: then it copies all of that, and removes it.
TEST_F(JournalInputsTest, WhatIsFlushedToTheDiskIsNotReadTwice) {
  for (const bool live : {false, true}) {
    std::filesystem::remove_all(Path("data"));
    for (const char* folder : {"journal", "volatile"}) {
      std::filesystem::remove_all(Path(folder));
      std::filesystem::create_directory(Path(folder));
    }
    Append("volatile/system.journal", 0, 10);
    const auto flush = [&] {
      Append("volatile/system.journal", 10, 12);
      Append("journal/system.journal", 0, 12);
      std::filesystem::remove(Path("volatile/system.journal"));
      Append("journal/system.journal", 12, 15);
    };
    if (live) {
      RunWhile(15, [&](const auto& await) {
        await(10);
        flush();
      });
    } else {
      Run();
      flush();
    }
    Run();
    EXPECT_EQ(Ports(), Upto(15)) << live;
    Append("journal/system.journal", 15, 17);
    Run();
    EXPECT_EQ(Ports(), Upto(17)) << live;
    EXPECT_THAT(problems_, IsEmpty());
  }
}

TEST_F(JournalInputsTest, NoJournalAndNoRightToReadItAreSaidWithWhatToDo) {
  const auto failure = [&] { return Embedded::Open(engine_, Options(), &clock_).status(); };
  Status status = failure();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("source `host`: there is no journal: no file *.journal in " +
                                          Path("journal") + " or " + Path("volatile")));
  EXPECT_THAT(status.message(), HasSubstr("name the folder with `path`"));
  if (geteuid() == 0) return;  // who may read everything
  Append("journal/system.journal", 0, 1);
  chmod(Path("journal/system.journal").c_str(), 0);
  status = failure();
  EXPECT_EQ(status.code(), StatusCode::kDenied);
  EXPECT_THAT(status.message(), HasSubstr("usermod -aG systemd-journal"));
}

TEST_F(JournalInputsTest, EntriesOfADamagedFileThatCannotBeReadAreCounted) {
  Append("journal/system.journal", 0, 200);
  // The head of the entry that has the number 100. Source: systemd, "Journal File Format", Object: type,
  // flags, 6 bytes reserved, size; EntryObject: seqnum.
  std::fstream file(Path("journal/system.journal"), std::ios::binary | std::ios::in | std::ios::out);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::string head(24, '\0');
  head[0] = 3;
  head[16] = 100;
  int found = 0;
  for (size_t at = 272; at + 24 <= bytes.size(); at += 8) {
    head.replace(8, 8, bytes, at + 8, 8);
    if (bytes.compare(at, 24, head) != 0) continue;
    ++found;
    file.clear();
    file.seekp(static_cast<std::streamoff>(at)).put('\0').flush();
  }
  ASSERT_EQ(found, 1);
  std::filesystem::rename(Path("journal/system.journal"), Path("journal/system@01.journal"));
  const Embedded::Report report = Run();
  EXPECT_TRUE(report.input_lost);
  EXPECT_EQ(report.journals.unreadable + Kept().size(), 200u);
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("system@01.journal: is damaged")));
}

TEST_F(JournalInputsTest, TwoSourcesShareNoFile) {
  Append("journal/system.journal", 0, 5);
  Embedded::Options options = Options();
  options.journals.push_back(options.journals[0]);
  options.journals[1].name = "again";
  Result<std::unique_ptr<Embedded>> embedded = Embedded::Open(engine_, std::move(options), &clock_);
  ASSERT_TRUE(embedded.ok());
  const std::atomic<bool> stop{false};
  ASSERT_TRUE((*embedded)->Run(stop).ok());
  EXPECT_EQ(Ports(), Upto(5));
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("source `again`: leaves " + Path("journal/system.journal") +
                                               " to source `host`")));
}

}  // namespace
}  // namespace redthread

// What the tests of crashes share: `run` as a process that is killed, and what must hold when it was.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "storage/alert_store.h"
#include "storage/database.h"
#include "storage/event_store.h"
#include "storage/outbox.h"
#include "storage/source_census.h"
#include "storage/source_registry.h"
#include "storage/verify.h"

namespace redthread {

namespace fs = std::filesystem;

// A night's run is the same program with a bigger number.
inline int WantedKills(int usual) {
  const char* text = std::getenv("REDTHREAD_KILLS");
  return text == nullptr ? usual : std::max(1, std::atoi(text));
}

inline uint32_t Seed() {
  const char* text = std::getenv("REDTHREAD_SEED");
  return text == nullptr ? std::random_device{}() : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

class KillTest : public ::testing::Test {
 protected:
  KillTest() { fs::create_directory(folder_ / "in"); }
  ~KillTest() override {
    if (!HasFailure()) fs::remove_all(folder_);
  }

  // `crash_at`: a crash point of storage/crash_point.h at which it dies.
  pid_t Start(const std::vector<std::string>& arguments, const fs::path& output,
              const std::string& crash_at = "") {
    std::cout.flush();  // else the child would write it again
    const pid_t child = fork();
    if (child != 0) return child;
    std::vector<char*> argv;
    std::string binary = REDTHREAD_BINARY_DIR "/redthread";
    argv.push_back(binary.data());
    std::vector<std::string> copy = arguments;
    for (std::string& a : copy) argv.push_back(a.data());
    argv.push_back(nullptr);
    if (freopen(output.c_str(), "w", stdout) == nullptr ||
        freopen((output.string() + ".err").c_str(), "w", stderr) == nullptr)
      _exit(126);
    if (!crash_at.empty()) setenv("REDTHREAD_CRASH_AT", crash_at.c_str(), 1);
    execv(binary.c_str(), argv.data());
    _exit(127);
  }

  // Runs to the end; what went to standard output.
  std::string Run(const std::vector<std::string>& arguments) {
    const fs::path output = folder_ / "output";
    int status = 0;
    waitpid(Start(arguments, output), &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << arguments[0] << ": " << Read(output.string() + ".err");
    return Read(output);
  }
  static std::string Read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::unique_ptr<Database> OpenState() {
    Database::Options options;
    options.path = (folder_ / "data" / "state").string();
    options.create = false;
    options.read_only = true;
    Result<std::unique_ptr<Database>> opened = Database::Open(options);
    return opened.ok() ? std::move(*opened) : nullptr;
  }

  // Records of all files that have been read, as stored beside their positions.
  uint64_t Progress() {
    const std::unique_ptr<Database> database = OpenState();
    if (database == nullptr) return 0;
    const auto snapshot = database->Snapshot();
    uint64_t records = 0;
    Damage damage;
    EXPECT_TRUE(ForEachSource(
                    *snapshot,
                    [&](const SourceState& s) {
                      const Result<SourceCensus> census = GetCensus(*snapshot, s.id);
                      EXPECT_TRUE(census.ok());
                      records += census.ok() ? census->records : 0;
                      return true;
                    },
                    &damage)
                    .ok());
    EXPECT_EQ(damage.rows, 0u);
    return records;
  }

  // Each line is kept once, under one position.
  void ExpectEveryLineOnce(uint64_t lines) {
    const std::unique_ptr<Database> database = OpenState();
    ASSERT_NE(database, nullptr);
    using Place = std::tuple<SourceId, uint32_t, uint64_t>;
    std::set<Place> positions;
    std::map<std::string, Place> texts;
    const auto words = [](const Place& p) {
      return "source " + std::to_string(std::get<0>(p)) + ", epoch " + std::to_string(std::get<1>(p)) +
             ", record " + std::to_string(std::get<2>(p));
    };
    int twice = 0;
    EventStore store;
    Damage damage;
    ASSERT_TRUE(store
                    .ForEach(
                        *database->Snapshot(), {},
                        [&](const StoredEvent& e) {
                          const Place place{e.source, e.epoch, e.record.index};
                          EXPECT_TRUE(positions.insert(place).second) << words(place);
                          const auto [first, is_new] = texts.emplace(e.record.raw, place);
                          if (!is_new && ++twice <= 3)
                            ADD_FAILURE()
                                << words(place) << " is " << words(first->second) << ": " << e.record.raw;
                          return true;
                        },
                        &damage)
                    .ok());
    EXPECT_EQ(damage.rows, 0u);
    EXPECT_EQ(texts.size(), lines);
    EXPECT_EQ(twice, 0);
  }

  // The outbox tells every revision of every alert once, in order, up to the stored one.
  void ExpectEveryRevisionToldOnce() {
    const std::unique_ptr<Database> database = OpenState();
    ASSERT_NE(database, nullptr);
    const auto snapshot = database->Snapshot();
    std::map<std::string, uint32_t> told;
    Damage damage;
    ASSERT_TRUE(ForEachOutboxItem(
                    *snapshot, 0,
                    [&](const OutboxItem& item) {
                      EXPECT_EQ(item.revision, ++told[item.alert_id]);
                      return true;
                    },
                    &damage)
                    .ok());
    for (const auto& [id, revision] : told) {
      const Result<Alert> alert = GetAlert(*snapshot, id);
      ASSERT_TRUE(alert.ok());
      EXPECT_EQ(alert->revision, revision);
    }
    EXPECT_FALSE(told.empty());
  }

  // Starts `run` again and again and kills it, until it was killed `wanted` times while it was at work: the
  // stored position has moved since the kill before, and there was more to read. Every second one dies next
  // to a write: between two that belong together, if there were such. `grow` is called every few milliseconds
  // with the kills so far and the position at the last one; `lines` are those that there are, or will be.
  void KillAtWork(int wanted, std::mt19937* random, const std::function<void(int, uint64_t)>& grow,
                  const std::function<uint64_t()>& lines) {
    int kills = 0;
    int idle = 0;
    uint64_t before = 0;
    // How long a process is left alone at least: grows while kills come before it was at work (a sanitizer, a
    // busy machine), shrinks again when they do not.
    useconds_t patience = 30'000;
    for (int attempt = 0; kills < wanted; ++attempt) {
      ASSERT_LT(attempt, wanted * 20) << "only " << kills << " kills came while it was at work";
      const bool at_write = attempt % 2 == 1;
      const std::string point = (*random)() % 2 == 0 ? "before_commit:" : "after_commit:";
      const std::string crash_at = at_write ? point + std::to_string(2 + (*random)() % 3) : "";
      const pid_t child = Start({"run", "-q", "-c", config_}, folder_ / "run", crash_at);
      // It grows while it is read, and there is always something left.
      std::atomic<bool> stop{false};
      std::thread growth([&] {
        while (!stop) {
          grow(kills, before);
          std::this_thread::yield();
          usleep(4000);
        }
      });
      int status = 0;
      if (at_write) {
        // It dies by itself; should it have nothing to write, it is helped.
        for (int waited = 0; waitpid(child, &status, WNOHANG) == 0; ++waited) {
          usleep(1000);
          if (waited == 20'000) kill(child, SIGKILL);
        }
      } else {
        usleep(patience + (*random)() % 250'000);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
      }
      stop = true;
      growth.join();
      ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << Read(folder_ / "run.err");
      const uint64_t now = Progress();
      ASSERT_GE(now, before) << "a position went back";
      const bool counts = now > before && now < lines();
      counts ? ++kills : ++idle;
      if (!at_write)
        patience = counts ? std::max<useconds_t>(30'000, patience / 10 * 9)
                          : std::min<useconds_t>(3'000'000, patience / 2 * 3);
      before = now;
    }
    std::cout << kills << " kills at work, " << idle << " others, " << lines() << " lines\n";
  }

  // What stands in the end is what a scan finds, told once.
  void ExpectTheAnswer(const std::string& scanned) {
    Run({"run", "-q", "-c", config_, "--until-idle"});
    const std::string live = Run({"alerts", "list", "--canonical", "-c", config_});
    EXPECT_FALSE(scanned.empty());
    EXPECT_TRUE(live == scanned) << "the folder " << folder_ << " is kept";
    ExpectEveryRevisionToldOnce();
    const std::unique_ptr<Database> database = OpenState();
    VerifyReport report;
    const Status verified = VerifyDatabase(*database->Snapshot(), &report);
    EXPECT_TRUE(verified.ok()) << verified.message();
  }

  static fs::path NewFolder() {
    std::string path = (fs::temp_directory_path() / "redthread-kill-XXXXXX").string();
    return mkdtemp(path.data());
  }
  const fs::path folder_ = NewFolder();
  const std::string config_ = (folder_ / "redthread.yml").string();
};

}  // namespace redthread

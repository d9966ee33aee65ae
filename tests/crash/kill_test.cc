// `run` under SIGKILL, at any moment and just before and after it writes: on a file that grows and is rotated
// all the while, every line and every alert counts once, those of correlations too.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "core/timestamp.h"
#include "storage/alert_store.h"
#include "storage/database.h"
#include "storage/event_store.h"
#include "storage/outbox.h"
#include "storage/source_registry.h"
#include "storage/verify.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;

constexpr char kRules[] = R"(title: Failed sign-in of an administrator
id: 6f1f1c5e-0000-4000-8000-000000000001
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4625, TargetUserName|startswith: adm}
  condition: selection
level: medium
---
title: The record of events was emptied
id: 6f1f1c5e-0000-4000-8000-000000000002
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 1102}
  condition: selection
level: high
---
title: Sign-in
name: sign_in
id: 6f1f1c5e-0000-4000-8000-000000000003
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4624}
  condition: selection
---
title: Failed sign-in
name: failed_sign_in
id: 6f1f1c5e-0000-4000-8000-000000000004
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4625}
  condition: selection
---
title: Failed sign-ins on one computer
id: 6f1f1c5e-0000-4000-8000-000000000005
correlation:
  {type: event_count, rules: [failed_sign_in], group-by: [Computer], timespan: 5m, condition: {gte: 4}}
level: high
---
title: A failed sign-in that no sign-in of the user is near
id: 6f1f1c5e-0000-4000-8000-000000000006
correlation:
  type: temporal
  rules: [failed_sign_in, sign_in]
  group-by: [Computer, TargetUserName]
  timespan: 3s
  condition: failed_sign_in and not sign_in
level: low
---
title: Few sign-ins on one computer
id: 6f1f1c5e-0000-4000-8000-000000000007
correlation:
  {type: event_count, rules: [sign_in], group-by: [Computer], timespan: 20s, condition: {lt: 5}}
level: low
)";

// 50 by default; a night's run is the same program with a bigger number.
int WantedKills() {
  const char* text = std::getenv("REDTHREAD_KILLS");
  return text == nullptr ? 50 : std::max(1, std::atoi(text));
}

// Lines that the writer is ahead at most.
constexpr uint64_t kAhead = 40'000;

uint32_t Seed() {
  const char* text = std::getenv("REDTHREAD_SEED");
  return text == nullptr ? std::random_device{}() : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

// Writes log.ndjson as a program would, and rotates it by renaming: log.ndjson.1, log.ndjson.2, ...
class Writer {
 public:
  Writer(fs::path folder, uint32_t seed) : folder_(std::move(folder)), random_(seed) { Open(); }

  void Write(int lines) {
    std::string text;
    for (; lines > 0; --lines) {
      AppendLine(&text);
      if (++lines_ % kLinesAFile == 0) {
        Flush(&text);
        Rotate();
      }
    }
    Flush(&text);
  }
  uint64_t lines() const { return lines_; }

 private:
  static constexpr uint64_t kLinesAFile = 9'000;

  void AppendLine(std::string* out) {
    const uint64_t n = lines_;
    // Forward by 40 ms a line, now and then by hours, with up to 20 minutes of disorder.
    if (random_() % 20'000 == 0) now_ = now_ + std::chrono::hours(2);
    now_ = now_ + std::chrono::milliseconds(40);
    const Timestamp time = now_ - std::chrono::seconds(random_() % 10 == 0 ? random_() % 1200 : 0);
    const uint32_t kind = random_() % 200;
    const int event_id = kind == 0 ? 4625 : kind == 1 ? 1102 : 4624;
    *out += R"({"@timestamp":")" + FormatTimestamp(time) + R"(","Channel":"Security","EventID":)" +
            std::to_string(event_id) + R"(,"Computer":"pc-)" + std::to_string(random_() % 40) +
            R"(","TargetUserName":")" + (random_() % 3 == 0 ? "admin" : "user") +
            std::to_string(random_() % 5) + R"(","RecordNumber":)" + std::to_string(n) + "}\n";
  }
  void Open() { file_.open(folder_ / "log.ndjson", std::ios::app | std::ios::binary); }
  void Flush(std::string* text) {
    file_ << *text << std::flush;
    text->clear();
  }
  void Rotate() {
    file_.close();
    fs::rename(folder_ / "log.ndjson", folder_ / ("log.ndjson." + std::to_string(++rotations_)));
    Open();
  }

  fs::path folder_;
  std::mt19937 random_;
  std::ofstream file_;
  std::atomic<uint64_t> lines_{0};
  int rotations_ = 0;
  Timestamp now_ = *ParseTimestamp("2026-10-01T00:00:00Z");
};

class KillTest : public ::testing::Test {
 protected:
  KillTest() {
    std::string path = (fs::temp_directory_path() / "redthread-kill-XXXXXX").string();
    folder_ = mkdtemp(path.data());
    fs::create_directory(folder_ / "in");
    std::ofstream(folder_ / "rules.yml") << kRules;
    std::ofstream(folder_ / "redthread.yml")
        << "version: 1\ndata_dir: " << (folder_ / "data").string()
        << "\nsources:\n  log: {type: file, path: " << (folder_ / "in").string()
        << "/log.ndjson*}\nrules: {paths: [" << (folder_ / "rules.yml").string() << "]}\n";
  }
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

  // Records behind the stored positions of all files.
  uint64_t Progress() {
    const std::unique_ptr<Database> database = OpenState();
    if (database == nullptr) return 0;
    uint64_t records = 0;
    Damage damage;
    EXPECT_TRUE(ForEachSource(
                    *database->Snapshot(),
                    [&](const SourceState& s) {
                      records += s.next_index;
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
    std::set<std::pair<SourceId, uint64_t>> positions;
    std::set<std::string> texts;
    EventStore store;
    Damage damage;
    ASSERT_TRUE(store
                    .ForEach(
                        *database->Snapshot(), {},
                        [&](const StoredEvent& e) {
                          EXPECT_TRUE(positions.emplace(e.source, e.record.index).second);
                          EXPECT_TRUE(texts.emplace(e.record.raw).second);
                          return true;
                        },
                        &damage)
                    .ok());
    EXPECT_EQ(damage.rows, 0u);
    EXPECT_EQ(texts.size(), lines);
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

  fs::path folder_;
};

TEST_F(KillTest, EveryLineAndEveryAlertCountsOnceThroughKillsAndRotations) {
  const uint32_t seed = Seed();
  SCOPED_TRACE("REDTHREAD_SEED=" + std::to_string(seed));
  std::cout << "REDTHREAD_SEED=" << seed << "\n";
  std::mt19937 random(seed);
  Writer writer(folder_ / "in", seed);
  writer.Write(20'000);
  const std::string config = (folder_ / "redthread.yml").string();

  const int wanted = WantedKills();
  int kills = 0;
  int idle = 0;
  uint64_t before = 0;
  // How long a process is left alone at least: grows while kills come before it was at work (a sanitizer, a
  // busy machine), shrinks again when they do not.
  useconds_t patience = 30'000;
  for (int attempt = 0; kills < wanted; ++attempt) {
    ASSERT_LT(attempt, wanted * 20) << "only " << kills << " kills came while it was at work";
    // Every second one dies next to a write: between two that belong together, if there were such.
    const bool at_write = attempt % 2 == 1;
    const std::string point = random() % 2 == 0 ? "before_commit:" : "after_commit:";
    const std::string crash_at = at_write ? point + std::to_string(2 + random() % 3) : "";
    const pid_t child = Start({"run", "-q", "-c", config}, folder_ / "run", crash_at);
    // It grows while it is read, and there is always something left.
    std::atomic<bool> stop{false};
    std::thread growth([&] {
      while (!stop) {
        // No more than a slow process can read.
        if (writer.lines() < before + kAhead) writer.Write(100);
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
      usleep(patience + random() % 250'000);
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
    }
    stop = true;
    growth.join();
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << Read(folder_ / "run.err");
    const uint64_t now = Progress();
    ASSERT_GE(now, before) << "a position went back";
    const bool counts = now > before && now < writer.lines();
    counts ? ++kills : ++idle;
    if (!at_write)
      patience = counts ? std::max<useconds_t>(30'000, patience / 10 * 9)
                        : std::min<useconds_t>(3'000'000, patience / 2 * 3);
    before = now;
  }
  std::cout << kills << " kills at work, " << idle << " others, " << writer.lines() << " lines\n";

  Run({"run", "-q", "-c", config, "--until-idle"});
  const std::string live = Run({"alerts", "list", "--canonical", "-c", config});
  const std::string scanned =
      Run({"scan", "-q", "--canonical", "-r", (folder_ / "rules.yml").string(), (folder_ / "in").string()});
  EXPECT_FALSE(scanned.empty());
  EXPECT_TRUE(live == scanned) << "the folder " << folder_ << " is kept";
  ExpectEveryLineOnce(writer.lines());
  ExpectEveryRevisionToldOnce();
  const std::unique_ptr<Database> database = OpenState();
  VerifyReport report;
  const Status verified = VerifyDatabase(*database->Snapshot(), &report);
  EXPECT_TRUE(verified.ok()) << verified.message();
}

}  // namespace
}  // namespace redthread

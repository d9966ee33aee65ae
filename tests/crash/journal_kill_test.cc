// `run` under SIGKILL on a journal that grows and is rotated all the while: every entry and every alert
// counts once.
#include "core/timestamp.h"
#include "tests/crash/kill_fixture.h"
#include "tests/support/journal.h"

namespace redthread {
namespace {

constexpr char kRules[] = R"(title: Failed sign-in of root
id: 6f1f1c5e-0000-4000-8000-000000000011
logsource: {product: linux, service: sshd}
detection: {selection: {ssh_event: failed, user: root}, condition: selection}
level: high
---
title: Failed sign-in
name: failed
id: 6f1f1c5e-0000-4000-8000-000000000012
logsource: {product: linux, service: sshd}
detection: {selection: {ssh_event: failed}, condition: selection}
---
title: Failed sign-ins from one address
id: 6f1f1c5e-0000-4000-8000-000000000013
correlation: {type: event_count, rules: [failed], group-by: [src_ip], timespan: 5m, condition: {gte: 6}}
level: high
)";

// Entries of two files of a journal, by turns; now and then one is renamed as journald does it.
class Writer {
 public:
  Writer(fs::path folder, uint32_t seed) : folder_(std::move(folder)), random_(seed) {}

  void Write(int entries) {
    const char* const name = random_() % 3 == 0 ? "user-1000" : "system";
    std::string exported;
    for (int n = 0; n < entries; ++n) {
      now_ = now_ + std::chrono::milliseconds(200 + random_() % 1000);
      const uint32_t kind = random_() % 20;
      const std::string from = " from 192.0.2." + std::to_string(random_() % 30) + " port ";
      exported += ExportedEntry(now_, (kind == 0   ? "Failed password for root"
                                       : kind == 1 ? "Failed password for backup"
                                                   : "Accepted password for carol") +
                                          from + std::to_string(lines_ + static_cast<uint64_t>(n)) + " ssh2");
    }
    const fs::path path = folder_ / (std::string(name) + ".journal");
    EXPECT_TRUE(AppendToJournal(path, exported));
    lines_ += static_cast<uint64_t>(entries);
    if (random_() % 20 != 0) return;
    fs::rename(path, folder_ / (std::string(name) + "@" + std::to_string(++rotations_) + ".journal"));
  }
  uint64_t lines() const { return lines_; }
  int rotations() const { return rotations_; }

 private:
  fs::path folder_;
  std::mt19937 random_;
  std::atomic<uint64_t> lines_{0};
  int rotations_ = 0;
  Timestamp now_ = *ParseTimestamp("2026-10-01T00:00:00Z");
};

TEST_F(KillTest, EveryEntryOfAJournalCountsOnceThroughKillsAndRotations) {
  if (!HasJournalWriter()) GTEST_SKIP() << "no systemd-journal-remote";
  const uint32_t seed = Seed();
  SCOPED_TRACE("REDTHREAD_SEED=" + std::to_string(seed));
  std::cout << "REDTHREAD_SEED=" << seed << "\n";
  std::ofstream(folder_ / "rules.yml") << kRules;
  std::ofstream(config_) << "version: 1\ndata_dir: " << (folder_ / "data").string()
                         << "\nsources:\n  host: {type: journal, path: " << (folder_ / "in").string()
                         << "}\nrules: {paths: [" << (folder_ / "rules.yml").string() << "]}\n";
  std::mt19937 random(seed);
  Writer writer(folder_ / "in", seed);
  for (int n = 0; n < 10; ++n) writer.Write(200);
  constexpr uint64_t kAhead = 2'000;
  const auto grow = [&](int, uint64_t position) {
    if (writer.lines() < position + kAhead) writer.Write(50);
  };
  KillAtWork(WantedKills(20), &random, grow, [&] { return writer.lines(); });
  if (HasFatalFailure()) return;
  ExpectTheAnswer(
      Run({"scan", "-q", "--canonical", "-r", (folder_ / "rules.yml").string(), (folder_ / "in").string()}));
  ExpectEveryLineOnce(writer.lines());
  std::cout << writer.lines() << " entries, " << writer.rotations() << " rotations\n";
}

}  // namespace
}  // namespace redthread

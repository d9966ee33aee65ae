// `run` under SIGKILL, at any moment and just before and after it writes: on a file that grows and is rotated
// in every way all the while, every line and every alert counts once, those of correlations too.
#include "core/timestamp.h"
#include "tests/crash/kill_fixture.h"

namespace redthread {
namespace {

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

// So many at least: REDTHREAD_KILL_LINES.
uint64_t WantedLines() {
  const char* text = std::getenv("REDTHREAD_KILL_LINES");
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

// Lines that the writer is ahead at most.
constexpr uint64_t kAhead = 40'000;

// How a log is rotated, as logrotate does it.
enum class Rotation : uint8_t {
  kRename,
  kCopyTruncate,  // copied, piece by piece, and emptied
  kCompress,      // renamed, and at the next rotation compressed: for a moment it is there twice
};

// Writes log.ndjson as a program would, and rotates it, each time in another way: log.ndjson.1, ...
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
  int rotations() const { return rotations_; }

 private:
  static constexpr uint64_t kLinesAFile = 9'000;
  static constexpr int kKinds = 3;

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
    if (!to_compress_.empty()) Compress(std::exchange(to_compress_, {}));
    const auto kind = static_cast<Rotation>(rotations_ % kKinds);
    const fs::path log = folder_ / "log.ndjson";
    const fs::path rotated = folder_ / ("log.ndjson." + std::to_string(++rotations_));
    if (kind == Rotation::kCopyTruncate) {
      Copy(log, rotated);
      fs::resize_file(log, 0);
    } else {
      fs::rename(log, rotated);
      if (kind == Rotation::kCompress) to_compress_ = rotated;
    }
    Open();
  }
  static void Copy(const fs::path& from, const fs::path& to) {
    std::ifstream in(from, std::ios::binary);
    std::ofstream out(to, std::ios::binary);
    for (std::vector<char> piece(300'000); in.read(piece.data(), 300'000), in.gcount() > 0;)
      out.write(piece.data(), in.gcount()).flush();
  }
  static void Compress(const fs::path& file) {
    const std::string command = "gzip -1 '" + file.string() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0);
  }

  fs::path folder_;
  std::mt19937 random_;
  std::ofstream file_;
  std::atomic<uint64_t> lines_{0};
  std::atomic<int> rotations_{0};
  fs::path to_compress_;  // empty: none
  Timestamp now_ = *ParseTimestamp("2026-10-01T00:00:00Z");
};

TEST_F(KillTest, EveryLineAndEveryAlertCountsOnceThroughKillsAndRotations) {
  const uint32_t seed = Seed();
  SCOPED_TRACE("REDTHREAD_SEED=" + std::to_string(seed));
  std::cout << "REDTHREAD_SEED=" << seed << "\n";
  std::ofstream(folder_ / "rules.yml") << kRules;
  std::ofstream(config_) << "version: 1\ndata_dir: " << (folder_ / "data").string()
                         << "\nsources:\n  log: {type: file, path: " << (folder_ / "in").string()
                         << "/log.ndjson*}\nrules: {paths: [" << (folder_ / "rules.yml").string() << "]}\n";
  std::mt19937 random(seed);
  Writer writer(folder_ / "in", seed);
  writer.Write(20'000);
  const auto grow = [&](int, uint64_t position) {
    // No more than a slow process can read.
    if (writer.lines() < position + kAhead) writer.Write(100);
  };
  KillAtWork(WantedKills(50), &random, grow, [&] { return writer.lines(); });
  if (HasFatalFailure()) return;
  while (writer.lines() < WantedLines()) writer.Write(1000);
  ExpectTheAnswer(
      Run({"scan", "-q", "--canonical", "-r", (folder_ / "rules.yml").string(), (folder_ / "in").string()}));
  ExpectEveryLineOnce(writer.lines());
  std::cout << writer.lines() << " lines, " << writer.rotations() << " rotations\n";
}

}  // namespace
}  // namespace redthread

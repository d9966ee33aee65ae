// A flood of names does not push a slow attack out of memory, nor memory over its ceiling.
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>

#include "core/timestamp.h"
#include "tests/e2e/e2e_fixture.h"

namespace redthread {
namespace {

constexpr char kRules[] = R"(title: Failed sign-in
name: failed
id: 6f1f1c5e-0000-4000-8000-000000000021
logsource: {product: windows, service: security}
detection: {selection: {EventID: 4625}, condition: selection}
---
title: Brute force
id: 6f1f1c5e-0000-4000-8000-000000000022
correlation: {type: event_count, rules: [failed], group-by: [TargetUserName], timespan: 10m, condition: {gte: 5}}
level: high
)";

class FloodTest : public E2eTest {
 protected:
  // Memory of the largest process that was run, in MB.
  static double LargestProcess() {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
  }
};

// REDTHREAD_FLOOD_KEYS: how many other names; 100,000 by default.
TEST_F(FloodTest, TheFifthAttemptIsToldAfterAFloodOfOtherNames) {
  const char* asked = std::getenv("REDTHREAD_FLOOD_KEYS");
  const uint64_t names = asked == nullptr ? 100'000 : std::strtoull(asked, nullptr, 10);
  std::ofstream file(Path("flood.ndjson"), std::ios::binary);
  Timestamp now = *ParseTimestamp("2026-03-01T08:00:00Z");
  const auto attempt = [&](const std::string& name) {
    file << R"({"@timestamp":")" << FormatTimestamp(now)
         << R"(","Channel":"Security","EventID":4625,"Computer":"pc",)"
         << R"("TargetUserName":")" << name << "\"}\n";
  };
  for (int n = 0; n < 4; ++n, now = now + std::chrono::seconds(30)) attempt("victim");
  const Nanoseconds apart = Nanoseconds(std::chrono::minutes(5)) / static_cast<int64_t>(names);
  for (uint64_t n = 0; n < names; ++n, now = now + apart) attempt("other" + std::to_string(n));
  attempt("victim");
  file.close();
  const std::string config =
      Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") +
                                 "\nsources:\n  log: {type: file, path: " + Path("flood.ndjson") +
                                 "}\nrules: {paths: [" + Write("rules.yml", kRules) + "]}\n");
  const BinaryRun run = RunBinary({"run", "-q", "--until-idle", "-c", config});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const BinaryRun alerts = RunBinary({"alerts", "list", "--canonical", "-c", config});
  EXPECT_EQ(SplitLines(alerts.out).size(), 1U) << alerts.out;
  EXPECT_NE(alerts.out.find("victim"), std::string::npos) << alerts.out;
  EXPECT_NE(alerts.out.find("\"count\":5"), std::string::npos) << alerts.out;
  RecordProperty("memory_mb", std::to_string(LargestProcess()));
  std::cout << names << " names, " << LargestProcess() << " MB\n";
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LT(LargestProcess(), 640);
#endif
}

}  // namespace
}  // namespace redthread

// What the tests of workers that share the work have in common: topics of their own, and workers as
// processes.
#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/e2e/suites.h"
#include "tests/kafka/kafka_fixture.h"

namespace redthread {

// Sanitizers make each process several times as slow: fewer of the long runs then.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

inline uint64_t Seed() {
  const char* text = std::getenv("REDTHREAD_SEED");
  return text == nullptr ? std::random_device{}() : std::strtoull(text, nullptr, 10);
}

class PipelineTest : public KafkaRunTest {
 protected:
  void SetUp() override {
    KafkaRunTest::SetUp();
    rule_paths_ = rules_;
  }

  // New topics for the stages, and a configuration that reads `sources`, a topic each.
  struct Source {
    std::string topic;
    std::string log_source = "{}";  // as in YAML
  };
  void ConfigurePipeline(const std::vector<Source>& sources, int partitions, const std::string& rest = "") {
    const std::string name = kafka_->MakeTopic("pipeline", 1);  // unused, but for its name
    kafka_->DeleteTopic(name);
    group_ = name;
    matches_ = name + ".matches";
    alerts_ = name + ".alerts";
    control_ = name + ".control";
    pipeline_ = "  group: " + name + "\n  match_partitions: " + std::to_string(partitions) +
                "\n  topics: {matches: " + matches_ + ", alerts: " + alerts_ + ", control: " + control_ +
                "}\nsources:\n";
    for (size_t i = 0; i < sources.size(); ++i)
      pipeline_ += "  in" + std::to_string(i) + ": {type: kafka, topics: [" + sources[i].topic +
                   "], logsource: " + sources[i].log_source + "}\n";
    ConfigureWorker("redthread.yml", rule_paths_, rest);
    const BinaryRun init = RunBinary({"kafka", "init", "-c", Path("redthread.yml")});
    ASSERT_EQ(init.exit_code, 0) << init.err;
  }
  // A configuration of the same topics, with rules of its own. `instance`: static membership.
  void ConfigureWorker(const std::string& file, const std::string& rule_paths, const std::string& rest,
                       const std::string& instance = "") const {
    std::string brokers = "\"" + brokers_ + "\"";
    for (size_t comma = 0; (comma = brokers.find(',', comma)) != std::string::npos; comma += 5)
      brokers.replace(comma, 1, "\", \"");
    Write(file, "version: 1\ndata_dir: " + Path("data") + "\nrules: {paths: [" + rule_paths +
                    (watch_rules_ ? "], reload: watch" : "]") + "}\ncorrelate: {time_zone: UTC}\n" + rest +
                    "kafka:\n  brokers: [" + brokers + "]\n" +
                    (instance.empty() ? "" : "  instance: " + instance + "\n") +
                    "  settings: {session.timeout.ms: " + std::to_string(session_ms_) +
                    ", heartbeat.interval.ms: " + std::to_string(session_ms_ / 3) + security_ + "}\n" +
                    pipeline_);
  }
  // From the next configuration on: TLS, and the user that those ports want.
  void SignIn(const std::string& mechanism) {
    brokers_ = kafka_->sasl();
    security_ = ", security.protocol: sasl_ssl, ssl.ca.location: \"" + kafka_->ca() +
                "\", sasl.mechanism: " + mechanism + ", sasl.username: redthread, sasl.password: thread";
  }

  // A worker beside the test; its folder is named after `name`.
  std::unique_ptr<Process> StartWorker(const std::string& name, const Strings& more = {},
                                       const Strings& environment = {},
                                       const std::string& config = "redthread.yml") const {
    Strings arguments = {"run", "-q", "-c", Path(config), "--data-dir", Path("worker-" + name)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Strings whole = BinaryEnvironment();
    whole.insert(whole.end(), environment.begin(), environment.end());
    return std::make_unique<Process>(BinaryCommand(arguments), whole);
  }
  // So many workers read everything to its end.
  void RunToTheEnd(int workers) {
    std::vector<std::unique_ptr<Process>> running;
    for (int n = 0; n < workers; ++n) running.push_back(StartWorker(std::to_string(n), {"--until-idle"}));
    for (auto& worker : running) {
      const BinaryRun run = worker->Wait();
      EXPECT_EQ(run.exit_code, 0) << run.err;
    }
  }
  std::string Told() const {
    const BinaryRun run = RunBinary({"alerts", "list", "--canonical", "-c", Path("redthread.yml")});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.out;
  }

  // Rules beside those of the test, the first `count` of a list without an end. What they come to depends on
  // when they were in force, so OfTheTest leaves it out.
  static std::string OtherRules(int count) {
    std::string text;
    for (int n = 0; n < count; ++n) {
      const std::string number = std::to_string(1000 + n);
      text += "---\ntitle: Other rule " + number + "\nid: ffffffff-0000-4000-8000-00000000" + number +
              (n % 2 == 0 ? "\nlogsource: {product: windows}\ndetection: {selection: {Computer|endswith: '" +
                                std::to_string(n % 10) + "'}, condition: selection}\n"
                          : "\ncorrelation: {type: event_count, rules: [failed_sign_in], group-by: "
                            "[TargetUserName], timespan: 9s, condition: {gte: " +
                                std::to_string(2 + n) + "}}\n");
    }
    return text;
  }
  static std::string OfTheTest(const std::string& canonical) {
    std::string lines;
    for (const std::string& line : SplitLines(canonical)) {
      if (line.find("ffffffff-0000-4000") == std::string::npos) lines += line + "\n";
    }
    return lines;
  }

  // What was told too little and too much; the first lines of it.
  static std::string Difference(const std::string& scanned, const std::string& told) {
    const auto missing = [](const std::string& from, const std::string& in, const char* sign) {
      const Strings lines = SplitLines(in);
      const std::set<std::string> others(lines.begin(), lines.end());
      std::string text;
      size_t n = 0;
      for (const std::string& line : SplitLines(from)) {
        if (others.count(line) > 0) continue;
        if (++n <= 3) text += sign + line.substr(0, 400) + "\n";
      }
      return n == 0 ? text : text + sign + std::to_string(n) + " lines\n";
    };
    std::string text = missing(scanned, told, "- ") + missing(told, scanned, "+ ");
    return text.empty() && scanned != told ? "the order differs" : text;
  }

  std::string rule_paths_;  // a YAML list without brackets
  bool watch_rules_ = false;
  std::string security_;   // more of `settings`
  int session_ms_ = 6000;  // after so long a member that is not heard of is out
  std::string matches_, alerts_, control_;
  const std::string& group() const { return group_; }
  std::string group_;
  std::string pipeline_;  // the part of configurations that all workers share
};

}  // namespace redthread

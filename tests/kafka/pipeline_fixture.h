// What the tests of workers that share the work have in common: topics of their own, and workers as
// processes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/suites.h"
#include "tests/kafka/kafka_fixture.h"

namespace redthread {

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
    std::string text = "version: 1\ndata_dir: " + Path("data") + "\nrules: {paths: [" + rule_paths_ +
                       "]}\ncorrelate: {time_zone: UTC}\n" + rest + "kafka:\n  brokers: [";
    std::string separator;
    for (size_t begin = 0; begin < brokers_.size();) {
      const size_t end = std::min(brokers_.find(',', begin), brokers_.size());
      text += separator + "\"" + brokers_.substr(begin, end - begin) + "\"";
      separator = ", ";
      begin = end + 1;
    }
    const std::string name = kafka_->MakeTopic("pipeline", 1);  // unused, but for its name
    kafka_->DeleteTopic(name);
    matches_ = name + ".matches";
    alerts_ = name + ".alerts";
    text += "]\n  group: " + name + "\n  match_partitions: " + std::to_string(partitions) +
            "\n  topics: {matches: " + matches_ + ", alerts: " + alerts_ + ", control: " + name +
            ".control}\n  settings: {session.timeout.ms: 6000}\nsources:\n";
    for (size_t i = 0; i < sources.size(); ++i)
      text += "  in" + std::to_string(i) + ": {type: kafka, topics: [" + sources[i].topic +
              "], logsource: " + sources[i].log_source + "}\n";
    Write("redthread.yml", text);
    const BinaryRun init = RunBinary({"kafka", "init", "-c", Path("redthread.yml")});
    ASSERT_EQ(init.exit_code, 0) << init.err;
  }

  // A worker beside the test; its folder is named after `name`.
  std::unique_ptr<Process> StartWorker(const std::string& name, const Strings& more = {},
                                       const Strings& environment = {}) const {
    Strings arguments = {"run", "-q", "-c", Path("redthread.yml"), "--data-dir", Path("worker-" + name)};
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

  std::string rule_paths_;  // a YAML list without brackets
  std::string matches_, alerts_;
};

}  // namespace redthread

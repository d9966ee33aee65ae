#include "app/demo_kafka.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <tuple>

#include "app/pipeline_topics.h"
#include "app/topic_alerts.h"
#include "core/record.h"
#include "ingest/kafka_admin.h"
#include "ingest/kafka_producer.h"
#include "ingest/record_reader.h"
#include "ingest/topic_dump.h"
#include "runtime/control_rules.h"
#include "runtime/pipeline_worker.h"

namespace redthread {
namespace {

constexpr int kWorkers = 2;
constexpr int kPartitions = 3;
constexpr Nanoseconds kPatience = std::chrono::seconds(60);

// The cluster, the topics and the rules of one tour.
class DemoPipeline {
 public:
  DemoPipeline(const DemoKafka& kafka, const Engine::Options& rules, const DemoSummary& logs, Clock* clock)
      : kafka_(kafka), rules_(rules), logs_(logs), clock_(clock) {
    // Others may try it on the same brokers.
    name_ = "redthread-demo-" + std::to_string(getpid());
    pipeline_.settings.brokers = {kafka.brokers};
    pipeline_.settings.group = name_;
    pipeline_.match_partitions = kPartitions;
    pipeline_.matches = name_ + ".matches";
    pipeline_.alerts = name_ + ".alerts";
    pipeline_.control = name_ + ".control";
    for (size_t i = 0; i < logs.files.size(); ++i) raw_.push_back(name_ + ".log" + std::to_string(i));
  }

  Result<std::vector<Alert>> Run() {
    Result<std::unique_ptr<KafkaAdmin>> admin = KafkaAdmin::Open(pipeline_.settings);
    if (!admin.ok()) return admin.status();
    RT_RETURN_IF_ERROR(MakeTopics(admin->get()));
    Status status = WriteLogs();
    if (status.ok()) status = Work();
    Result<std::vector<Alert>> alerts = status.ok() ? ReadAlerts() : Result<std::vector<Alert>>(status);
    std::vector<std::string> topics = raw_;
    topics.insert(topics.end(), {pipeline_.matches, pipeline_.alerts, pipeline_.control});
    const Status removed = (*admin)->Delete(topics);
    if (alerts.ok() && !removed.ok()) return removed;
    return alerts;
  }

 private:
  Status MakeTopics(KafkaAdmin* admin) const {
    std::vector<KafkaTopicPlan> plans;
    for (const std::string& topic : raw_)
      plans.push_back({topic, kPartitions, -1, {{"message.timestamp.type", "LogAppendTime"}}});
    for (const std::string& topic : {pipeline_.matches, pipeline_.alerts, pipeline_.control})
      plans.push_back(PlanPipelineTopic(topic, pipeline_, -1, std::chrono::hours(24)));
    return admin->Create(plans);
  }

  // Lines in turn to the partitions of their file's topic.
  Status WriteLogs() const {
    const Result<std::unique_ptr<KafkaProducer>> producer =
        KafkaProducer::Start({.settings = pipeline_.settings});
    if (!producer.ok()) return producer.status();
    for (size_t i = 0; i < logs_.files.size(); ++i) {
      const std::string& path = logs_.files[i].path;
      const Result<std::unique_ptr<RecordReader>> reader = RecordReader::Open(path, path, {});
      if (!reader.ok()) return reader.status();
      RecordBatch batch;
      int32_t turn = 0;
      for (Result<bool> more = true; *more;) {
        more = (*reader)->Next(&batch);
        if (!more.ok()) return more.status();
        for (const RecordBatch::Record& record : batch.records) {
          const Result<uint64_t> sent = (*producer)->Send(raw_[i], turn++ % kPartitions, {}, record.text());
          if (!sent.ok()) return sent.status();
        }
      }
    }
    return (*producer)->Flush(kPatience);
  }

  PipelineWorker::Options WorkerOptions(int n) const {
    PipelineWorker::Options options;
    KafkaInput& input = options.detect.inputs.emplace_back();
    input.name = "logs";
    input.settings = pipeline_.settings;
    input.settings.group = pipeline_.DetectGroup(input.name);
    input.topics = raw_;
    options.settings = pipeline_.settings;
    options.settings.group = pipeline_.CorrelateGroup();
    options.detect.matches = options.correlate.matches = pipeline_.matches;
    options.detect.partitions = options.correlate.partitions = kPartitions;
    options.correlate.alerts = pipeline_.alerts;
    options.correlate.data_dir = kafka_.folder + "/worker-" + std::to_string(n);
    options.correlate.render = TopicAlertRecord;
    options.until_idle = true;
    return options;
  }

  Status Work() const {
    ControlRules::Options options;
    options.topic = {pipeline_.settings, pipeline_.control};
    options.bundle = [this]() -> Result<std::string> {
      const Result<RuleBundle> bundle = Engine::Bundle(rules_);
      return bundle.ok() ? bundle->Encode() : bundle.status();
    };
    options.paths = rules_.rule_paths;
    ControlRules rules(std::move(options), clock_);
    RT_RETURN_IF_ERROR(rules.AwaitFirst(kPatience));
    const std::atomic<bool> stop{false};
    std::vector<Status> ends(kWorkers);
    std::vector<std::thread> workers;
    for (int n = 0; n < kWorkers; ++n)
      workers.emplace_back([&, n] {
        ends[static_cast<size_t>(n)] = PipelineWorker(WorkerOptions(n), &rules, clock_).Run(stop);
      });
    for (std::thread& worker : workers) worker.join();
    for (const Status& end : ends) RT_RETURN_IF_ERROR(end);
    return Status::Ok();
  }

  Result<std::vector<Alert>> ReadAlerts() const {
    TopicAlerts read;
    const Result<TopicOffsets> end = ReadTopic(
        pipeline_.settings, pipeline_.alerts,
        [&](const TopicRecord& record) {
          read.Add(record.value.value_or(""), pipeline_.alerts + "/" + std::to_string(record.partition) +
                                                  "@" + std::to_string(record.offset));
          return Status::Ok();
        },
        kPatience);
    if (!end.ok()) return end.status();
    read.Finish();
    std::vector<Alert> alerts;
    Damage damage;
    RT_RETURN_IF_ERROR(read.ForEach(
        {},
        [&](const Alert& alert) {
          if (alert.state == AlertState::kFinal) alerts.push_back(alert);
          return true;
        },
        &damage));
    if (damage.rows > 0) return damage.first;
    std::sort(alerts.begin(), alerts.end(), [](const Alert& a, const Alert& b) {
      return std::tie(a.time, a.rule_id, a.group) < std::tie(b.time, b.rule_id, b.group);
    });
    return alerts;
  }

  const DemoKafka& kafka_;
  const Engine::Options& rules_;
  const DemoSummary& logs_;
  Clock* const clock_;
  std::string name_;
  PipelineConfig pipeline_;
  std::vector<std::string> raw_;  // topics, by file
};

}  // namespace

Result<std::vector<Alert>> AlertsOverKafka(const DemoKafka& kafka, const Engine::Options& rules,
                                           const DemoSummary& logs, Clock* clock) {
  return DemoPipeline(kafka, rules, logs, clock).Run();
}

}  // namespace redthread

#include "runtime/control_topic.h"

#include <memory>
#include <vector>

#include "ingest/kafka_producer.h"

namespace redthread {

Status ControlTopic::Refresh() {
  const auto fold = [this](const TopicRecord& record) {
    if (record.partition != 0) return Status::Invalid("topic " + options_.topic + " has several partitions");
    const Status status = log_.Apply(record.key, record.value.value_or(""), record.offset);
    if (status.ok()) next_[0] = record.offset + 1;
    return status;
  };
  const Result<TopicOffsets> read =
      ReadTopic(options_.settings, options_.topic, fold, options_.patience, next_);
  if (!read.ok()) return read.status();
  if (read->size() > 1)
    return Status::Invalid("topic " + options_.topic +
                           " has several partitions: only the records of one have an order; name a new topic "
                           "and have `redthread kafka init` make it");
  next_ = *read;
  return Status::Ok();
}

Status ControlTopic::Append(const std::vector<ControlRecord>& records) {
  Result<std::unique_ptr<KafkaProducer>> producer = KafkaProducer::Start({options_.settings});
  if (!producer.ok()) return producer.status();
  for (const ControlRecord& record : records) {
    const Result<uint64_t> sent = (*producer)->Send(options_.topic, 0, record.key, record.value);
    if (!sent.ok()) return sent.status();
  }
  return (*producer)->Flush(options_.patience);
}

Result<RuleStanding> ControlTopic::Propose(std::string_view bundle, uint32_t detect_version, bool force) {
  constexpr int kAttempts = 5;
  RT_RETURN_IF_ERROR(Refresh());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::vector<ControlRecord> records =
        log_.ProposalFor(bundle, detect_version, clock_->Now(), force && attempt == 0);
    if (records.empty()) return log_.StandingOf(bundle, detect_version);
    RT_RETURN_IF_ERROR(Append(records));
    RT_RETURN_IF_ERROR(Refresh());
  }
  const RuleStanding standing = log_.StandingOf(bundle, detect_version);
  if (standing != RuleStanding::kNew) return standing;
  return Status::Unavailable("other workers go on proposing rules in topic " + options_.topic);
}

}  // namespace redthread

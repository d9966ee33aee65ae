#include "ingest/kafka_admin.h"

#include <algorithm>

#include "ingest/kafka_cluster.h"
#include "ingest/rdkafka.h"

namespace redthread {

namespace {

using RdOptions = std::unique_ptr<rd_kafka_AdminOptions_t, RdDeleter<rd_kafka_AdminOptions_destroy>>;
using RdNewTopic = std::unique_ptr<rd_kafka_NewTopic_t, RdDeleter<rd_kafka_NewTopic_destroy>>;
using RdResource = std::unique_ptr<rd_kafka_ConfigResource_t, RdDeleter<rd_kafka_ConfigResource_destroy>>;

constexpr int kAdminMilliseconds = 15'000;

Result<RdNewTopic> NewTopicOf(const KafkaTopicPlan& plan) {
  char why[512] = "";
  RdNewTopic topic(rd_kafka_NewTopic_new(plan.name.c_str(), plan.partitions, plan.copies, why, sizeof why));
  if (topic == nullptr) return Status::Invalid("topic " + plan.name + ": " + why);
  for (const auto& [name, value] : plan.properties)
    rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
  return topic;
}

// What the brokers say of one resource: its properties.
std::map<std::string, std::string> PropertiesOf(const rd_kafka_ConfigResource_t* resource) {
  std::map<std::string, std::string> properties;
  size_t count = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(resource, &count);
  for (size_t i = 0; i < count; ++i) {
    const char* const value = rd_kafka_ConfigEntry_value(entries[i]);
    properties[rd_kafka_ConfigEntry_name(entries[i])] = value == nullptr ? "" : value;
  }
  return properties;
}

KafkaTopic TopicOf(const rd_kafka_metadata_topic_t& found) {
  KafkaTopic topic{found.topic, found.partition_cnt};
  for (int i = 0; i < found.partition_cnt; ++i) {
    const rd_kafka_metadata_partition_t& p = found.partitions[i];
    topic.copies = i == 0 ? p.replica_cnt : std::min(topic.copies, p.replica_cnt);
    topic.copies_in_sync = i == 0 ? p.isr_cnt : std::min(topic.copies_in_sync, p.isr_cnt);
  }
  return topic;
}

}  // namespace

struct KafkaAdmin::Client {
  RdKafka client;
  std::string group;
  Status reason;  // of the last failure that the library told by itself

  static void OnError(rd_kafka_t*, int error, const char* reason, void* self) {
    Status* const kept = &static_cast<Client*>(self)->reason;
    const auto code = static_cast<rd_kafka_resp_err_t>(error);
    if (kept->ok() || code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) *kept = RdStatus("Kafka", code, reason);
  }
  // Why a request failed: as the library said in the meantime, else as the request says.
  Status Why(const Status& status) {
    // Failures that the library tells by itself come through here.
    const RdMessage ignored(rd_kafka_consumer_poll(client.get(), 0));
    return reason.ok() ? status : reason;
  }
  // Waits for the answer to an admin request. `request` gets the options and the queue for it.
  template <typename Request>
  Result<RdEvent> Answer(const char* what, rd_kafka_admin_op_t op, Request request) {
    const RdQueue queue(rd_kafka_queue_new(client.get()));
    const RdOptions options(rd_kafka_AdminOptions_new(client.get(), op));
    char why[256];
    rd_kafka_AdminOptions_set_request_timeout(options.get(), kAdminMilliseconds, why, sizeof why);
    request(options.get(), queue.get());
    RdEvent event(rd_kafka_queue_poll(queue.get(), 2 * kAdminMilliseconds));
    if (event == nullptr) return Why(RdStatus(what, RD_KAFKA_RESP_ERR__TIMED_OUT));
    if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
      return Why(RdStatus(what, rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get())));
    return event;
  }
};

KafkaAdmin::KafkaAdmin(std::unique_ptr<Client> client) : client_(std::move(client)) {}
KafkaAdmin::~KafkaAdmin() = default;

Result<std::unique_ptr<KafkaAdmin>> KafkaAdmin::Open(const KafkaSettings& settings) {
  auto own = std::make_unique<Client>();
  KafkaSettings own_settings = settings;
  for (const auto& [name, value] : {std::pair("enable.auto.commit", "false"),
                                    {"auto.offset.reset", "error"},
                                    {"enable.partition.eof", "true"}})
    own_settings.properties.emplace_back(name, value);
  // A consumer without a group cannot be one.
  if (own_settings.group.empty()) own_settings.group = "redthread";
  own->group = own_settings.group;
  Result<RdConf> conf = ConfOf(own_settings);
  if (!conf.ok()) return conf.status();
  rd_kafka_conf_set_opaque(conf->get(), own.get());
  rd_kafka_conf_set_error_cb(conf->get(), Client::OnError);
  Result<RdKafka> client = ClientOf(RD_KAFKA_CONSUMER, std::move(*conf));
  if (!client.ok()) return client.status();
  own->client = std::move(*client);
  rd_kafka_poll_set_consumer(own->client.get());
  return std::unique_ptr<KafkaAdmin>(new KafkaAdmin(std::move(own)));
}

Result<KafkaView> KafkaAdmin::View(const TopicFilter& topics) {
  KafkaView view = ViewCluster(client_->client.get(), topics, {});
  if (!view.status.ok()) return client_->Why(view.status);
  return view;
}

Result<std::vector<KafkaTopic>> KafkaAdmin::Describe(const std::vector<std::string>& topics) {
  std::vector<KafkaTopic> found;
  const rd_kafka_metadata_t* answer = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(client_->client.get(), 1, nullptr, &answer, kAnswerMilliseconds);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return client_->Why(RdStatus("no broker answers", error));
  const RdMetadata metadata(answer);
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    if (std::count(topics.begin(), topics.end(), metadata->topics[i].topic) > 0)
      found.push_back(TopicOf(metadata->topics[i]));
  }
  if (found.empty()) return found;

  std::vector<RdResource> resources;
  std::vector<rd_kafka_ConfigResource_t*> pointers;
  for (const KafkaTopic& topic : found) {
    resources.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.name.c_str()));
    pointers.push_back(resources.back().get());
  }
  const Result<RdEvent> event = client_->Answer(
      "cannot ask how topics are set up", RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, [&](auto* options, auto* queue) {
        rd_kafka_DescribeConfigs(client_->client.get(), pointers.data(), pointers.size(), options, queue);
      });
  if (!event.ok()) return event.status();
  size_t count = 0;
  const rd_kafka_ConfigResource_t** described =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const std::string name = rd_kafka_ConfigResource_name(described[i]);
    const rd_kafka_resp_err_t refused = rd_kafka_ConfigResource_error(described[i]);
    if (refused != RD_KAFKA_RESP_ERR_NO_ERROR) return RdStatus("topic " + name, refused);
    for (KafkaTopic& topic : found) {
      if (topic.name == name) topic.properties = PropertiesOf(described[i]);
    }
  }
  return found;
}

Status KafkaAdmin::Create(const std::vector<KafkaTopicPlan>& plans) {
  if (plans.empty()) return Status::Ok();
  std::vector<RdNewTopic> topics;
  std::vector<rd_kafka_NewTopic_t*> pointers;
  for (const KafkaTopicPlan& plan : plans) {
    Result<RdNewTopic> topic = NewTopicOf(plan);
    if (!topic.ok()) return topic.status();
    pointers.push_back(topic->get());
    topics.push_back(std::move(*topic));
  }
  const Result<RdEvent> event =
      client_->Answer("cannot make topics", RD_KAFKA_ADMIN_OP_CREATETOPICS, [&](auto* options, auto* queue) {
        rd_kafka_CreateTopics(client_->client.get(), pointers.data(), pointers.size(), options, queue);
      });
  if (!event.ok()) return event.status();
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const char* const why = rd_kafka_topic_result_error_string(results[i]);
    const Status status = RdStatus(std::string("cannot make topic ") + rd_kafka_topic_result_name(results[i]),
                                   error, why == nullptr ? "" : why);
    return error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ? Status::Invalid(status.message()) : status;
  }
  return AwaitTopics(plans);
}

// Brokers hear of a new topic a moment after it was made.
Status KafkaAdmin::AwaitTopics(const std::vector<KafkaTopicPlan>& plans) {
  constexpr int kLooks = 100, kMilliseconds = 50;
  std::vector<std::string> names;
  for (const KafkaTopicPlan& plan : plans) names.push_back(plan.name);
  const Result<TopicFilter> filter = TopicFilter::Of(names);
  if (!filter.ok()) return filter.status();
  for (int i = 0; i < kLooks; ++i) {
    const Result<KafkaView> view = View(*filter);
    if (!view.ok() || view->missing.empty()) return view.status();
    const RdMessage ignored(rd_kafka_consumer_poll(client_->client.get(), kMilliseconds));
  }
  return Status::Unavailable("topics were made, and the brokers do not know of them yet");
}

Status KafkaAdmin::Delete(const std::vector<std::string>& topics) {
  Status first;
  for (const std::string& topic : topics) {
    const RdQueue queue(rd_kafka_queue_new(client_->client.get()));
    rd_kafka_DeleteTopic_t* request = rd_kafka_DeleteTopic_new(topic.c_str());
    rd_kafka_DeleteTopics(client_->client.get(), &request, 1, nullptr, queue.get());
    const RdEvent event(rd_kafka_queue_poll(queue.get(), 2 * kAnswerMilliseconds));
    rd_kafka_DeleteTopic_destroy(request);
    const rd_kafka_resp_err_t error =
        event == nullptr ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(event.get());
    if (first.ok() && error != RD_KAFKA_RESP_ERR_NO_ERROR)
      first = RdStatus("cannot remove topic " + topic, error);
  }
  return first;
}

Result<std::optional<uint64_t>> KafkaAdmin::FingerprintAt(const KafkaPartition& partition, int64_t offset) {
  constexpr int kWaits = 100, kMilliseconds = 100;
  const RdPartitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)->offset =
      offset;
  const std::string what = "cannot read " + partition.Path();
  const rd_kafka_resp_err_t error = rd_kafka_assign(client_->client.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return RdStatus(what, error);
  std::optional<uint64_t> found;
  bool answered = false;
  for (int i = 0; i < kWaits && !answered; ++i) {
    const RdMessage message(rd_kafka_consumer_poll(client_->client.get(), kMilliseconds));
    if (message == nullptr) continue;
    answered = true;
    const bool is_it = message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset == offset;
    if (is_it) found = FingerprintOf(RecordOf(*message));
  }
  rd_kafka_assign(client_->client.get(), nullptr);
  if (!answered) return client_->Why(RdStatus(what, RD_KAFKA_RESP_ERR__TIMED_OUT));
  return found;
}

Result<std::map<KafkaPartition, GroupPosition>> KafkaAdmin::ToldPositions(
    const std::vector<KafkaPartition>& partitions) {
  const RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const KafkaPartition& p : partitions)
    rd_kafka_topic_partition_list_add(list.get(), p.topic.c_str(), p.partition);
  const rd_kafka_resp_err_t error =
      rd_kafka_committed(client_->client.get(), list.get(), kAnswerMilliseconds);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return client_->Why(RdStatus("cannot ask for positions", error));
  std::map<KafkaPartition, GroupPosition> positions;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& p = list->elems[i];
    if (p.err != RD_KAFKA_RESP_ERR_NO_ERROR || p.offset < 0) continue;
    GroupPosition position{{p.topic, p.partition}, p.offset, {}};
    if (p.metadata != nullptr) position.note.assign(static_cast<const char*>(p.metadata), p.metadata_size);
    positions[position.partition] = std::move(position);
  }
  return positions;
}

Status KafkaAdmin::SetPositions(const std::vector<GroupPosition>& positions) {
  const RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
  for (const GroupPosition& position : positions) RT_RETURN_IF_ERROR(AddPosition(position, list.get()));
  const std::string& group = client_->group;
  rd_kafka_AlterConsumerGroupOffsets_t* request =
      rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get());
  const RdQueue queue(rd_kafka_queue_new(client_->client.get()));
  rd_kafka_AlterConsumerGroupOffsets(client_->client.get(), &request, 1, nullptr, queue.get());
  const RdEvent event(rd_kafka_queue_poll(queue.get(), 2 * kAnswerMilliseconds));
  rd_kafka_AlterConsumerGroupOffsets_destroy(request);
  const std::string what = "cannot set how far group " + group + " has read";
  if (event == nullptr) return client_->Why(RdStatus(what, RD_KAFKA_RESP_ERR__TIMED_OUT));
  rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
  size_t groups = 0;
  const rd_kafka_group_result_t** const results = rd_kafka_AlterConsumerGroupOffsets_result_groups(
      rd_kafka_event_AlterConsumerGroupOffsets_result(event.get()), &groups);
  for (size_t g = 0; error == RD_KAFKA_RESP_ERR_NO_ERROR && g < groups; ++g) {
    error = rd_kafka_error_code(rd_kafka_group_result_error(results[g]));
    const rd_kafka_topic_partition_list_t* const set = rd_kafka_group_result_partitions(results[g]);
    for (int i = 0; set != nullptr && error == RD_KAFKA_RESP_ERR_NO_ERROR && i < set->cnt; ++i)
      error = set->elems[i].err;
  }
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Status::Ok();
  // What brokers say to positions from outside of a group that has members.
  if (error == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || error == RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP)
    return Status::Unavailable(what +
                               ": it has members; end all workers first, or wait until the group has "
                               "noticed that they are gone");
  return client_->Why(RdStatus(what, error));
}

Result<std::map<KafkaPartition, std::string>> KafkaAdmin::Owners(const std::string& group) {
  const RdQueue queue(rd_kafka_queue_new(client_->client.get()));
  const char* name = group.c_str();
  rd_kafka_DescribeConsumerGroups(client_->client.get(), &name, 1, nullptr, queue.get());
  const RdEvent event(rd_kafka_queue_poll(queue.get(), 2 * kAnswerMilliseconds));
  const std::string what = "cannot ask who is in group " + group;
  if (event == nullptr) return client_->Why(RdStatus(what, RD_KAFKA_RESP_ERR__TIMED_OUT));
  if (const rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
      error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_->Why(RdStatus(what, error));
  std::map<KafkaPartition, std::string> owners;
  size_t groups = 0;
  const auto** described = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(event.get()), &groups);
  for (size_t g = 0; g < groups; ++g) {
    for (size_t m = 0; m < rd_kafka_ConsumerGroupDescription_member_count(described[g]); ++m) {
      const auto* member = rd_kafka_ConsumerGroupDescription_member(described[g], m);
      const char* instance = rd_kafka_MemberDescription_group_instance_id(member);
      const char* owner = instance != nullptr ? instance : rd_kafka_MemberDescription_host(member);
      const auto* partitions =
          rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(member));
      for (int i = 0; partitions != nullptr && i < partitions->cnt; ++i)
        owners[{partitions->elems[i].topic, partitions->elems[i].partition}] = owner;
    }
  }
  return owners;
}

}  // namespace redthread

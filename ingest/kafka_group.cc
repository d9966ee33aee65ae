#include "ingest/kafka_group.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "ingest/cluster_watch.h"
#include "ingest/consumer_client.h"
#include "ingest/kafka_cluster.h"

namespace redthread {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// Of questions that are asked within Poll, and how long after a failure it asks again.
constexpr int kQuestionMilliseconds = 2000;
constexpr auto kAskAgain = std::chrono::seconds(1);
constexpr int kSeekMilliseconds = 1000;

// A partition that is read again comes with the next fetch; the one under way waits so long for records of
// others.
constexpr const char* kMaxFetchWait = "100";

std::string Milliseconds(Nanoseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

rd_kafka_topic_partition_t* Add(const RdPartitions& list, const KafkaPartition& partition) {
  return rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition);
}

RdPartitions ListOf(const KafkaPartition& partition) {
  RdPartitions list(rd_kafka_topic_partition_list_new(1));
  Add(list, partition);
  return list;
}

// What the group said of each partition of a commit: the first failure.
rd_kafka_resp_err_t CommitError(const RdEvent& event) {
  rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
  const rd_kafka_topic_partition_list_t* const list = rd_kafka_event_topic_partition_list(event.get());
  for (int i = 0; list != nullptr && error == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; ++i)
    error = list->elems[i].err;
  return error;
}

// The group has gone on without the member.
bool IsOut(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || error == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
         error == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

}  // namespace

struct KafkaGroup::Client {
  Options options;
  News news;
  bool closing = false;

  // What the group has given: first `awaited`, until it is known how far each was read, then `given`.
  RdPartitions awaited;
  SteadyTime ask_at{};
  std::set<KafkaPartition> given;
  std::set<KafkaPartition> paused;
  bool assign = false;   // librdkafka is to be told what is read
  bool to_give = false;  // GiveBack is due
  bool dead = false;     // the client is at its end
  SteadyTime died_at{};
  bool refused = false;  // the group has said that this member is none of its
  std::string member;    // its id at the group, when it was given what it has

  // Commits. `waiting` goes out when the answer to the one under way is there.
  std::map<KafkaPartition, GroupPosition> waiting;
  bool committing = false;
  bool is_old = false;  // the one under way is of partitions that were given back since
  std::optional<Status> not_committed;

  ConsumerClient consumer;
  RdQueue commits;  // answers to commits
  std::unique_ptr<ClusterWatch> watch;

  Client() = default;
  ~Client();
  Status Open();
  void OnRebalance(rd_kafka_resp_err_t what, const rd_kafka_topic_partition_list_t& partitions);
  void Unassign();
  void AskPositions();
  bool AskLow(const rd_kafka_topic_partition_t& partition);
  void Assign();
  void Resume(const KafkaPartition& partition);
  void TakeFatalError();
  std::string MemberId() const;
  bool IsLost() const { return dead || refused || rd_kafka_assignment_lost(consumer.get()) != 0; }
  Status SendCommit();
  Status AwaitCommit(SteadyTime deadline);
};

// ---- starting and leaving

Result<std::unique_ptr<KafkaGroup>> KafkaGroup::Start(Options options) {
  auto client = std::make_unique<Client>();
  client->options = std::move(options);
  RT_RETURN_IF_ERROR(client->Open());
  return std::unique_ptr<KafkaGroup>(new KafkaGroup(std::move(client)));
}

Status KafkaGroup::Client::Open() {
  if (options.settings.group.empty()) return Status::Invalid("a group without a name");
  Result<TopicFilter> filter = TopicFilter::Of(options.topics);
  if (!filter.ok()) return filter.status();
  const Nanoseconds heartbeat = std::min<Nanoseconds>(options.session_timeout / 3, std::chrono::seconds(3));
  ConsumerClient::Properties own = {{"partition.assignment.strategy", "range"}};
  if (!options.instance.empty()) own.emplace_back("group.instance.id", options.instance);
  // Kafka's own topics match no pattern.
  const auto& names = filter->names();
  if (std::none_of(names.begin(), names.end(), [](const auto& n) { return n.compare(0, 2, "__") == 0; }))
    own.emplace_back("topic.blacklist", "^__");
  consumer.on_rebalance = [this](rd_kafka_resp_err_t what, const rd_kafka_topic_partition_list_t& list) {
    OnRebalance(what, list);
  };
  RT_RETURN_IF_ERROR(
      consumer.Open(options.settings,
                    {{"fetch.wait.max.ms", kMaxFetchWait},
                     {"session.timeout.ms", Milliseconds(options.session_timeout)},
                     {"heartbeat.interval.ms", Milliseconds(heartbeat)},
                     {"max.poll.interval.ms",
                      Milliseconds(std::max<Nanoseconds>(std::chrono::minutes(5), options.session_timeout))}},
                    own));
  commits.reset(rd_kafka_queue_new(consumer.get()));
  const RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(options.topics.size())));
  for (const std::string& topic : options.topics)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t error = rd_kafka_subscribe(consumer.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return Status::Invalid(RdStatus("cannot subscribe", error).message());
  watch = std::make_unique<ClusterWatch>(consumer.get(), std::move(*filter), options.refresh_interval);
  return Status::Ok();
}

KafkaGroup::KafkaGroup(std::unique_ptr<Client> client) : client_(std::move(client)) {}

KafkaGroup::~KafkaGroup() = default;

KafkaGroup::Client::~Client() {
  closing = true;
  watch.reset();
  if (consumer.get() != nullptr) Unassign();
  commits.reset();
  consumer.Close();
}

// ---- rebalances

void KafkaGroup::Client::OnRebalance(rd_kafka_resp_err_t what,
                                     const rd_kafka_topic_partition_list_t& partitions) {
  if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !closing) {
    // Nothing is fetched until it is known from where. The list stays as the group has given it.
    const RdPartitions none(rd_kafka_topic_partition_list_new(0));
    rd_kafka_assign(consumer.get(), none.get());
    awaited.reset(rd_kafka_topic_partition_list_copy(&partitions));
    if (awaited->cnt == 0) awaited.reset();
    ask_at = {};
    member = MemberId();
    return;
  }
  awaited.reset();
  if (closing || given.empty()) {
    Unassign();
    return;
  }
  // librdkafka keeps the rebalance open, and the group waits, until partitions are unassigned.
  to_give = true;
}

std::string KafkaGroup::Client::MemberId() const {
  char* const text = rd_kafka_memberid(consumer.get());
  std::string id = text == nullptr ? "" : text;
  rd_kafka_mem_free(consumer.get(), text);
  return id;
}

void KafkaGroup::Client::Unassign() {
  // librdkafka keeps a partition's pause, also while it is somebody else's.
  for (const KafkaPartition& partition : paused)
    rd_kafka_resume_partitions(consumer.get(), ListOf(partition).get());
  rd_kafka_assign(consumer.get(), nullptr);
  consumer.ForgetAll();
  given.clear();
  paused.clear();
  waiting.clear();
  is_old = true;
  assign = to_give = refused = false;
}

void KafkaGroup::GiveBack() {
  if (!client_->to_give) return;
  client_->Unassign();
  client_->watch->SetAllUnread();
}

// Tells what was given, with how far the group has read each and where it begins.
void KafkaGroup::Client::AskPositions() {
  if (awaited == nullptr || std::chrono::steady_clock::now() < ask_at) return;
  ask_at = std::chrono::steady_clock::now() + kAskAgain;
  const rd_kafka_resp_err_t error = rd_kafka_committed(consumer.get(), awaited.get(), kQuestionMilliseconds);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (!news.records.lost.has_value())
      news.records.lost = RdStatus("cannot ask how far group " + options.settings.group + " has read", error);
    return;
  }
  RdPartitions left(rd_kafka_topic_partition_list_new(awaited->cnt));
  for (int i = 0; i < awaited->cnt; ++i) {
    const rd_kafka_topic_partition_t& p = awaited->elems[i];
    if (p.err != RD_KAFKA_RESP_ERR_NO_ERROR || !AskLow(p)) Add(left, {p.topic, p.partition});
  }
  awaited = left->cnt > 0 ? std::move(left) : nullptr;
}

bool KafkaGroup::Client::AskLow(const rd_kafka_topic_partition_t& partition) {
  Given one{{partition.topic, partition.partition}, std::nullopt, 0};
  int64_t high = 0;
  if (rd_kafka_query_watermark_offsets(consumer.get(), partition.topic, partition.partition, &one.low, &high,
                                       kQuestionMilliseconds) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return false;
  if (partition.offset >= 0) {
    one.position = GroupPosition{one.partition, partition.offset, ""};
    if (partition.metadata != nullptr)
      one.position->note.assign(static_cast<const char*>(partition.metadata), partition.metadata_size);
  }
  given.insert(one.partition);
  news.given.push_back(std::move(one));
  return true;
}

// ---- reading

// Everything that is read, from where it is read: librdkafka's own positions are not relied upon.
void KafkaGroup::Client::Assign() {
  if (!assign || to_give) return;
  const auto& readings = consumer.readings();
  const RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(readings.size())));
  for (const auto& [partition, reading] : readings) Add(list, partition)->offset = reading.next_offset;
  const rd_kafka_resp_err_t error = rd_kafka_assign(consumer.get(), list.get());
  assign = error != RD_KAFKA_RESP_ERR_NO_ERROR;
  if (assign)
    news.records.lost = RdStatus("cannot read what group " + options.settings.group + " gave", error);
  for (const KafkaPartition& partition : paused)
    rd_kafka_pause_partitions(consumer.get(), ListOf(partition).get());
}

Status KafkaGroup::Read(const KafkaPartition& partition, int64_t offset, uint32_t tag) {
  Client& own = *client_;
  if (own.to_give) return Status::Unavailable(partition.Path() + " is to be given back");
  if (own.given.count(partition) == 0)
    return Status::NotFound(partition.Path() + " was not given to this member of the group");
  own.consumer.Expect(partition, offset, tag);
  own.watch->SetRead(partition);
  own.assign = true;
  return Status::Ok();
}

void KafkaGroup::Pause(const KafkaPartition& partition, bool paused) {
  Client& own = *client_;
  if (own.to_give || own.consumer.readings().count(partition) == 0) return;
  const bool changes = paused ? own.paused.insert(partition).second : own.paused.erase(partition) > 0;
  if (!changes) return;
  if (paused)
    rd_kafka_pause_partitions(own.consumer.get(), ListOf(partition).get());
  else
    own.Resume(partition);
}

// librdkafka would go on at its own position, so it is told ours; nothing is taken in between.
void KafkaGroup::Client::Resume(const KafkaPartition& partition) {
  const RdPartitions list = ListOf(partition);
  rd_kafka_resume_partitions(consumer.get(), list.get());
  list->elems[0].offset = consumer.readings().at(partition).next_offset;
  const RdError error(rd_kafka_seek_partitions(consumer.get(), list.get(), kSeekMilliseconds));
  if (error != nullptr || list->elems[0].err != RD_KAFKA_RESP_ERR_NO_ERROR) assign = true;
}

const KafkaGroup::News& KafkaGroup::Poll(Nanoseconds at_most) {
  const Status rejoined = Rejoin();
  Client& own = *client_;
  own.news = {};
  own.Assign();
  std::optional<Status> cannot_assign = std::move(own.news.records.lost);
  own.news.records = std::move(own.consumer.Poll(at_most, own.options.max_records));
  if (cannot_assign.has_value()) own.news.records.lost = std::move(cannot_assign);
  // The brokers' settings are for readers and writers: those of the others are no news.
  std::erase_if(own.news.records.log, IsForeignProperty);
  if (!rejoined.ok()) own.news.records.log.push_back(rejoined.message());
  own.AskPositions();
  own.TakeFatalError();
  own.news.lost = own.to_give && own.IsLost();
  own.news.asked_back = own.to_give && !own.news.lost;
  if (own.committing) {
    const Status answer = own.AwaitCommit({});
    if (!own.committing && !answer.ok()) own.not_committed = answer;
    if (const Status sent = own.SendCommit(); !sent.ok()) own.not_committed = sent;
  }
  own.news.not_committed = std::exchange(own.not_committed, std::nullopt);
  return own.news;
}

// What ends the client; the group goes on without it.
void KafkaGroup::Client::TakeFatalError() {
  char text[512] = "";
  const rd_kafka_resp_err_t error = rd_kafka_fatal_error(consumer.get(), text, sizeof text);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const std::string name = options.instance.empty() ? "" : " `" + options.instance + "`";
  news.records.lost = Status::Unavailable(
      "member" + name + " is out of group " + options.settings.group + ": " + text + " (" +
      rd_kafka_err2name(error) +
      "); it joins anew, and when this goes on, another process has the same name: give each its own");
  if (!std::exchange(dead, true)) died_at = std::chrono::steady_clock::now();
  awaited.reset();
  to_give = !given.empty();
}

Status KafkaGroup::Rejoin() {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (!client_->dead || client_->to_give || now - client_->died_at < client_->options.rejoin_after)
    return Status::Ok();
  auto next = std::make_unique<Client>();
  next->options = client_->options;
  client_->died_at = now;
  RT_RETURN_IF_ERROR(next->Open());
  client_ = std::move(next);
  return Status::Ok();
}

// ---- positions

Status KafkaGroup::Client::SendCommit() {
  if (committing || waiting.empty()) return Status::Ok();
  const std::map<KafkaPartition, GroupPosition> positions = std::exchange(waiting, {});
  // Who has left, if only for not having called Poll, has no id, and a group without members would take
  // positions from anybody.
  refused = refused || member.empty() || MemberId() != member;
  if (IsLost())
    return Status::Unavailable("group " + options.settings.group +
                               " has given our partitions to others (ASSIGNMENT_LOST)");
  const RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
  for (const auto& [partition, position] : positions) RT_RETURN_IF_ERROR(AddPosition(position, list.get()));
  const rd_kafka_resp_err_t error =
      rd_kafka_commit_queue(consumer.get(), list.get(), commits.get(), nullptr, nullptr);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return RdStatus("group " + options.settings.group + " does not take our positions", error);
  committing = true;
  is_old = false;
  return Status::Ok();
}

// The answer to the commit under way; kUnavailable, and still committing, when there is none by then.
Status KafkaGroup::Client::AwaitCommit(SteadyTime deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  const RdEvent event(
      rd_kafka_queue_poll(commits.get(), static_cast<int>(std::max<int64_t>(0, left.count()))));
  if (event == nullptr)
    return Status::Unavailable("group " + options.settings.group +
                               " does not say that it takes our positions");
  committing = false;
  const rd_kafka_resp_err_t error = CommitError(event);
  refused = refused || (IsOut(error) && !is_old);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Status::Ok();
  return RdStatus("group " + options.settings.group + " does not take our positions", error);
}

void KafkaGroup::Commit(const std::vector<GroupPosition>& positions) {
  Client& own = *client_;
  for (const GroupPosition& position : positions) own.waiting[position.partition] = position;
  if (const Status sent = own.SendCommit(); !sent.ok()) own.not_committed = sent;
}

Status KafkaGroup::CommitNow(const std::vector<GroupPosition>& positions) {
  Client& own = *client_;
  const SteadyTime deadline = std::chrono::steady_clock::now() + own.options.session_timeout;
  // One that librdkafka tries again must not come after this one.
  if (own.committing) {
    const Status before = own.AwaitCommit(deadline);
    if (own.committing) return before;
    if (!before.ok()) own.not_committed = before;
  }
  for (const GroupPosition& position : positions) own.waiting[position.partition] = position;
  Status answer = own.SendCommit();
  if (own.committing) answer = own.AwaitCommit(deadline);
  return answer.ok() ? answer : Status::Unavailable(answer.message());
}

std::optional<KafkaView> KafkaGroup::TakeView() { return client_->watch->Take(); }

}  // namespace redthread

#include "tests/simulation/sim_cluster.h"

#include <algorithm>

namespace redthread {

// ---- the cluster

void SimCluster::MakeTopic(const std::string& topic, int partitions) {
  for (int p = 0; p < partitions; ++p) logs_[{topic, p}];
}

void SimCluster::Append(const KafkaPartition& partition, std::string_view key, std::string_view value) {
  logs_.at(partition).push_back({std::string(key), std::string(value), clock_->Now(), false});
}

void SimCluster::AppendMark(const KafkaPartition& partition) {
  logs_.at(partition).push_back({"", "", clock_->Now(), true});
}

std::vector<KafkaPartition> SimCluster::PartitionsOf(const std::vector<std::string>& topics) const {
  std::vector<KafkaPartition> partitions;
  for (const auto& [partition, log] : logs_) {
    if (std::count(topics.begin(), topics.end(), partition.topic) > 0) partitions.push_back(partition);
  }
  return partitions;
}

void SimCluster::Settle() {
  const Nanoseconds now = clock_->Elapsed();
  for (size_t i = 0; i < delayed_.size(); ++i) {
    // In order of each partition: one that waits holds those behind it.
    if (delayed_[i].at > now) continue;
    const KafkaPartition partition = delayed_[i].partition;
    const bool first = std::none_of(delayed_.begin(), delayed_.begin() + static_cast<ptrdiff_t>(i),
                                    [&](const Delayed& d) { return d.partition == partition; });
    if (!first) continue;
    Append(partition, delayed_[i].key, delayed_[i].value);
    delayed_.erase(delayed_.begin() + static_cast<ptrdiff_t>(i));
    i = static_cast<size_t>(-1);
  }
  for (auto& [name, group] : groups_) {
    for (auto member = group.members.begin(); member != group.members.end();) {
      const bool expires = now - member->second.polled > kSession;
      if (expires) group.preparing = true;
      member = expires ? group.members.erase(member) : std::next(member);
    }
    const bool all_back = std::all_of(group.members.begin(), group.members.end(),
                                      [](const auto& m) { return m.second.holds.empty(); });
    if (group.preparing && all_back && !group.members.empty()) Assign(&group);
  }
}

void SimCluster::Assign(Group* group) {
  group->preparing = false;
  std::vector<Member*> members;
  for (auto& [number, member] : group->members) {
    member.asked = false;
    members.push_back(&member);
  }
  size_t turn = dice_->Below(members.size());
  for (const KafkaPartition& partition : PartitionsOf(group->topics)) {
    Member* const member = members[turn++ % members.size()];
    member->holds.insert(partition);
    if (member->reader == nullptr) continue;
    const auto position = group->positions.find(partition);
    TopicReader::Given given{partition, std::nullopt, 0};
    if (position != group->positions.end()) given.position = position->second;
    member->reader->given_.push_back(std::move(given));
  }
}

// ---- a reader

SimReader::SimReader(SimCluster* cluster, SimProcess* process, const std::string& group_name,
                     const std::vector<std::string>& topics, Filter filter)
    : cluster_(cluster),
      process_(process),
      name_(group_name),
      member_(cluster->next_member_++),
      filter_(std::move(filter)) {
  SimCluster::Group& joined = group();
  joined.topics = topics;
  joined.members[member_] = {this, cluster_->clock()->Elapsed(), {}, false};
  joined.preparing = true;
}

SimReader::~SimReader() {
  const auto member = group().members.find(member_);
  if (member == group().members.end()) return;
  if (member->second.holds.empty() && !process_->broken) {
    group().members.erase(member);
    group().preparing = true;
    return;
  }
  member->second.reader = nullptr;
}

const TopicReader::News& SimReader::Poll(Nanoseconds) {
  news_ = {};
  news_.records.drained = true;
  if (!process_->Call()) {
    news_.lost = true;
    return news_;
  }
  cluster_->Settle();
  const auto member = group().members.find(member_);
  if (member == group().members.end()) {
    news_.lost = true;
    return news_;
  }
  member->second.polled = cluster_->clock()->Elapsed();
  if (group().preparing && !member->second.holds.empty()) {
    given_.clear();
    news_.asked_back = true;
    return news_;
  }
  if (cluster_->dice()->Chance(20)) return news_;
  news_.given.swap(given_);
  Fetch();
  return news_;
}

void SimReader::Fetch() {
  Dice* const dice = cluster_->dice();
  texts_.clear();
  for (auto& [partition, reading] : reading_) {
    if (reading.paused || dice->Chance(30)) continue;
    const std::deque<SimRecord>& log = cluster_->Log(partition);
    for (size_t n = dice->Below(12); n > 0 && reading.next < log.size(); --n) {
      const SimRecord& record = log[reading.next];
      texts_.push_back(filter_ ? filter_(partition, record.value) : record.value);
      if (!record.mark && !texts_.back().empty())
        news_.records.records.push_back(
            {reading.tag, static_cast<int64_t>(reading.next), record.written, texts_.back(), true});
      ++reading.next;
      reading.told_end = false;
    }
    if (reading.next < log.size() || reading.told_end || dice->Chance(20)) continue;
    reading.told_end = true;
    news_.records.at_end.emplace_back(reading.tag, static_cast<int64_t>(reading.next));
  }
}

Status SimReader::Read(const KafkaPartition& partition, int64_t offset, uint32_t tag) {
  if (!process_->Call()) return Status::Io("broken");
  reading_[partition] = {tag, static_cast<uint64_t>(offset), false, false};
  return Status::Ok();
}

void SimReader::Pause(const KafkaPartition& partition, bool paused) { reading_[partition].paused = paused; }

void SimReader::Commit(const std::vector<GroupPosition>& positions) {
  // It may never arrive.
  if (cluster_->dice()->Chance(15)) return;
  const Status ignored = CommitNow(positions);
}

Status SimReader::CommitNow(const std::vector<GroupPosition>& positions) {
  if (!process_->Call()) return Status::Io("broken");
  cluster_->Settle();
  const auto member = group().members.find(member_);
  for (const GroupPosition& position : positions) {
    if (member == group().members.end() || member->second.holds.count(position.partition) == 0)
      return Status::Unavailable("not a member of this generation");
  }
  for (const GroupPosition& position : positions) group().positions[position.partition] = position;
  return Status::Ok();
}

void SimReader::GiveBack() {
  reading_.clear();
  given_.clear();
  const auto member = group().members.find(member_);
  if (!process_->Call() || member == group().members.end()) return;
  member->second.holds.clear();
}

std::optional<KafkaView> SimReader::TakeView() {
  if (viewed_ || cluster_->dice()->Chance(30)) return std::nullopt;
  viewed_ = true;
  KafkaView view;
  view.cluster = "simulated";
  view.present = cluster_->PartitionsOf(group().topics);
  return view;
}

// ---- a writer

SimWriter::~SimWriter() {
  Dice* const dice = cluster_->dice();
  for (auto& [partition, records] : under_way_) {
    for (size_t n = dice->Below(records.size() + 1); n > 0; --n) {
      const Nanoseconds later =
          dice->Chance(50) ? Nanoseconds(0) : std::chrono::milliseconds(dice->Below(20'000));
      cluster_->delayed_.push_back({cluster_->clock()->Elapsed() + later, partition,
                                    std::move(records.front().key), std::move(records.front().value)});
      records.pop_front();
    }
  }
}

void SimWriter::Arrive(size_t count) {
  for (; count > 0; --count) {
    std::vector<KafkaPartition> waiting;
    for (const auto& [partition, records] : under_way_) {
      if (!records.empty()) waiting.push_back(partition);
    }
    if (waiting.empty()) return;
    const KafkaPartition partition = cluster_->dice()->Pick(waiting);
    UnderWay record = std::move(under_way_[partition].front());
    under_way_[partition].pop_front();
    cluster_->Append(partition, record.key, record.value);
    arrived_.insert(record.number);
  }
}

Result<uint64_t> SimWriter::Send(const std::string& topic, int32_t partition, std::string_view key,
                                 std::string_view value) {
  if (!process_->Call()) return Status::Io("broken");
  under_way_[{topic, partition}].push_back({++last_, std::string(key), std::string(value)});
  outstanding_.insert(last_);
  if (cluster_->dice()->Chance(30)) Arrive(cluster_->dice()->Below(4));
  return last_;
}

Result<uint64_t> SimWriter::Acknowledged() {
  if (!process_->Call()) return Status::Io("broken");
  Arrive(cluster_->dice()->Below(8));
  for (auto it = arrived_.begin(); it != arrived_.end();) {
    const bool acknowledged = cluster_->dice()->Chance(70);
    if (acknowledged) outstanding_.erase(*it);
    it = acknowledged ? arrived_.erase(it) : std::next(it);
  }
  return outstanding_.empty() ? last_ : *outstanding_.begin() - 1;
}

Status SimWriter::Flush(Nanoseconds) {
  if (!process_->Call()) return Status::Io("broken");
  if (cluster_->dice()->Chance(5)) return Status::Unavailable("no broker answers");
  Arrive(~size_t{0});
  arrived_.clear();
  outstanding_.clear();
  return Status::Ok();
}

}  // namespace redthread

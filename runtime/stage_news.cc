#include "runtime/stage_news.h"

namespace redthread {

Status TellFailures(const TopicReader::News& news, const std::function<void(const std::string&)>& on_problem,
                    const std::function<void(PipelineFault)>& on_fault) {
  const auto tell = [&](const std::string& text) {
    if (on_problem) on_problem(text);
  };
  const auto count = [&](PipelineFault fault) {
    if (on_fault) on_fault(fault);
  };
  for (const std::string& line : news.records.log) tell(line);
  if (news.records.lost.has_value()) {
    count(FaultOfKafka(*news.records.lost));
    tell(news.records.lost->message());
  }
  if (news.lost) {
    count(PipelineFault::kMembership);
    return Status::Unavailable("the group has given our partitions to others");
  }
  // What the group does not get to know is read, or told, again.
  if (news.not_committed.has_value()) {
    count(PipelineFault::kMembership);
    tell(news.not_committed->message());
  }
  return Status::Ok();
}

}  // namespace redthread

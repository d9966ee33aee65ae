// What both stages do with the failures that come with a poll.
#pragma once

#include <functional>
#include <string>

#include "core/status.h"
#include "ingest/topic_log.h"
#include "runtime/pipeline_fault.h"

namespace redthread {

// Tells them, and counts them. kUnavailable: the partitions are others' already. Either function may be
// empty.
Status TellFailures(const TopicReader::News& news, const std::function<void(const std::string&)>& on_problem,
                    const std::function<void(PipelineFault)>& on_fault);

}  // namespace redthread

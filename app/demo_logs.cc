#include "app/demo_logs.h"

#include "app/demo_firm.h"
#include "app/demo_random.h"
#include "app/demo_routine.h"
#include "app/demo_story.h"
#include "app/demo_writer.h"

namespace redthread {

Status WriteDemoLogs(const std::string& folder, uint64_t seed, DemoSummary* out) {
  DemoWriter writer;
  RT_RETURN_IF_ERROR(writer.Open(folder));
  // The story is told first and waits in the writer until its days come. It has its own numbers, so that it
  // does not change the routine's.
  DemoRandom story(seed + 1);
  TellIntrusion(&story, &writer);
  TellShopOutage(&writer);
  TellLookAlikes(&story, &writer);

  DemoRandom routine(seed);
  for (int day = 1; day <= kDemoDays; ++day) {
    TellOrdinaryDay(day, &routine, &writer);
    RT_RETURN_IF_ERROR(writer.FlushBefore(DemoTime(day + 1, 0, 0)));
  }
  RT_RETURN_IF_ERROR(writer.Close());

  *out = DemoSummary();
  out->first = DemoTime(1, 0, 0);
  out->last = DemoTime(kDemoDays + 1, 0, 0);
  for (size_t i = 0; i < kDemoSources; ++i) {
    const auto source = static_cast<DemoSource>(i);
    out->files.push_back({folder + "/" + DemoFileName(source), writer.lines(source), writer.bytes(source)});
    out->lines += writer.lines(source);
    out->bytes += writer.bytes(source);
  }
  return Status::Ok();
}

}  // namespace redthread

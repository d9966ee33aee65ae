// Frames of syslog over TCP: however the bytes of a connection are cut, the messages are the same, none
// longer than allowed.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/syslog_framing.h"
#include "tests/fuzz/fuzz_check.h"

namespace redthread {
namespace {

constexpr size_t kMaxBytes = 64;

struct Read {
  std::vector<std::pair<std::string, uint64_t>> messages;  // and what each was cut from
  bool in_step = true;
};

// Feeds the bytes in parts of 1 to `most`, by the dice of `seed`; 0: all at once.
Read FeedInParts(std::string_view bytes, size_t most, uint32_t seed) {
  Read read;
  const SyslogFraming::Take take = [&read](std::string_view text, uint64_t cut_from) {
    FUZZ_CHECK(text.size() <= kMaxBytes);
    FUZZ_CHECK(cut_from == 0 || cut_from > text.size());
    read.messages.emplace_back(text, cut_from);
  };
  SyslogFraming framing(kMaxBytes);
  while (!bytes.empty() && read.in_step) {
    seed = seed * 1'664'525 + 1'013'904'223;
    const size_t n = most == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 1 + (seed >> 8) % most);
    read.in_step = framing.Feed(bytes.substr(0, n), take);
    bytes.remove_prefix(n);
  }
  if (read.in_step) framing.End(take);
  FUZZ_CHECK(!framing.unfinished());
  return read;
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Read whole = FeedInParts(bytes, 0, 0);
  for (const size_t most : {1, 3, 100}) {
    Read parts = FeedInParts(bytes, most, static_cast<uint32_t>(size));
    FUZZ_CHECK(parts.in_step == whole.in_step);
    if (!whole.in_step) {
      // Of what comes behind a lost length, as much is one message as was at hand.
      FUZZ_CHECK(parts.messages.size() == whole.messages.size());
      parts.messages.back() = whole.messages.back();
    }
    FUZZ_CHECK(parts.messages == whole.messages);
  }
  return 0;
}

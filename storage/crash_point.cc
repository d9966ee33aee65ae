#include "storage/crash_point.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace redthread {
namespace {

struct Wanted {
  std::string name;
  std::atomic<long> left{0};
  Wanted() {
    const char* text = std::getenv("REDTHREAD_CRASH_AT");
    if (text == nullptr) return;
    name = text;
    const size_t colon = name.find(':');
    if (colon == std::string::npos) return;
    left = std::strtol(name.c_str() + colon + 1, nullptr, 10);
    name.resize(colon);
  }
};

}  // namespace

void CrashPoint(std::string_view name) {
  static Wanted wanted;
  if (wanted.left <= 0 || wanted.name != name) return;
  if (--wanted.left == 0) kill(getpid(), SIGKILL);
}

}  // namespace redthread

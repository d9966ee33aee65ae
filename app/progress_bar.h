// ProgressBar: how far a long read has come, on the last line of a terminal.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "app/messages.h"
#include "core/clock.h"

namespace redthread {

struct Progress {
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;  // 0: not known (a pipe)
  uint64_t lines = 0;
};

// The line as it is drawn, at most `width` columns, without a line end:
// " 42% [####......]  1,234,567 lines  152.3 MB/s  0:12 left". Without a total: lines and rate alone.
// Percent, rate and time left follow the bytes.
std::string RenderProgress(const Progress& progress, Nanoseconds elapsed, int width);

// Draws on standard error, at most ten times a second, only when that is a terminal, the user did not ask for
// quiet, and messages are text. Takes itself away before each message and when it goes. One per thread.
class ProgressBar {
 public:
  // All three outlive the bar. `file` is what `messages` writes to.
  ProgressBar(std::FILE* file, Messages* messages, Clock* clock);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Update(const Progress& progress);
  // Takes the bar off the terminal; the next Update draws it again.
  void Clear();

 private:
  std::FILE* file_;
  Messages* messages_;
  Clock* clock_;
  Nanoseconds start_;
  Nanoseconds next_draw_;
  bool enabled_;
  bool drawn_ = false;
};

}  // namespace redthread

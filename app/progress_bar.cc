#include "app/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "app/display_width.h"
#include "app/numbers.h"

namespace redthread {
namespace {

using std::chrono::duration;

constexpr Nanoseconds kBetweenDraws = std::chrono::milliseconds(100);
constexpr int kBarWidth = 20;

std::string MinutesAndSeconds(double seconds) {
  const auto s = static_cast<int64_t>(std::min(seconds, 359999.0));  // 99:59:59 and no more
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

}  // namespace

std::string RenderProgress(const Progress& progress, Nanoseconds elapsed, int width) {
  const double seconds = std::max(duration<double>(elapsed).count(), 1e-3);
  const double rate = static_cast<double>(progress.bytes_done) / seconds;
  std::string tail = fmt::format("{}  {:.1f} MB/s", Counted(progress.lines, "line"), rate / 1e6);
  if (progress.bytes_total == 0) return Shorten(tail, width);

  // A file may grow while it is read: never more than all of it.
  const uint64_t done = std::min(progress.bytes_done, progress.bytes_total);
  const double part = static_cast<double>(done) / static_cast<double>(progress.bytes_total);
  if (rate > 0) {
    tail +=
        fmt::format("  {} left", MinutesAndSeconds(static_cast<double>(progress.bytes_total - done) / rate));
  }
  const std::string percent = fmt::format("{:3}%", static_cast<int>(part * 100));
  const int filled = static_cast<int>(part * kBarWidth);
  const std::string bar =
      fmt::format("{} [{:#>{}}{:.>{}}]  {}", percent, "", filled, "", kBarWidth - filled, tail);
  if (DisplayWidth(bar) <= width) return bar;
  return Shorten(percent + "  " + tail, width);
}

ProgressBar::ProgressBar(std::FILE* file, Messages* messages, Clock* clock)
    : file_(file),
      messages_(messages),
      clock_(clock),
      start_(clock->Elapsed()),
      next_draw_(start_ + kBetweenDraws),
      enabled_(messages->terminal().interactive && messages->verbosity() != Verbosity::kQuiet &&
               messages->format() == LogFormat::kText) {
  if (enabled_) messages_->set_before_message([this] { Clear(); });
}

ProgressBar::~ProgressBar() {
  if (!enabled_) return;
  Clear();
  messages_->set_before_message(nullptr);
}

void ProgressBar::Update(const Progress& progress) {
  if (!enabled_) return;
  const Nanoseconds now = clock_->Elapsed();
  if (now < next_draw_) return;
  next_draw_ = now + kBetweenDraws;
  // The last column stays free: writing there makes some terminals begin a new line.
  const std::string line = RenderProgress(progress, now - start_, messages_->terminal().width - 1);
  std::fprintf(file_, "\r\x1b[K%s", line.c_str());
  std::fflush(file_);
  drawn_ = true;
}

void ProgressBar::Clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", file_);
  std::fflush(file_);
  drawn_ = false;
}

}  // namespace redthread

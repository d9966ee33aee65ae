#include "ingest/syslog_framing.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace redthread {

namespace {

// A gigabyte is no message; a longer number is text.
constexpr size_t kMaxLengthDigits = 9;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLineEnd(char c) { return c == '\n' || c == '\r' || c == '\0'; }

}  // namespace

bool SyslogFraming::Feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    if (kind_ > Kind::kOctets) {
      FeedDelimited(&bytes, take);
    } else if (remaining_ > 0) {
      FeedCounted(&bytes, take);
    } else if (!FeedLength(&bytes)) {
      if (kind_ == Kind::kOctets) {
        Keep(bytes);
        GiveKept(take);
        return false;
      }
      kind_ = Kind::kDelimited;
    }
  }
  return true;
}

// Reads on in `LEN SP`. False when what stands there is something else; it is kept then.
bool SyslogFraming::FeedLength(std::string_view* bytes) {
  while (!bytes->empty()) {
    const char c = bytes->front();
    // Some senders end counted messages with a line end as well.
    const bool between = kind_ == Kind::kOctets && seen_ == 0 && IsLineEnd(c);
    const bool ends = c == ' ' && seen_ > 0;
    const bool goes_on = IsDigit(c) && seen_ < kMaxLengthDigits && (seen_ > 0 || c != '0');
    if (!between && !ends && !goes_on) return false;
    bytes->remove_prefix(1);
    if (ends) {
      std::from_chars(kept_.data(), kept_.data() + kept_.size(), remaining_);
      kind_ = Kind::kOctets;
      kept_.clear();
      seen_ = 0;
      return true;
    }
    if (goes_on) {
      kept_ += c;
      ++seen_;
    }
  }
  return true;
}

void SyslogFraming::FeedCounted(std::string_view* bytes, const Take& take) {
  const size_t n = std::min<uint64_t>(bytes->size(), remaining_);
  const std::string_view part = bytes->substr(0, n);
  bytes->remove_prefix(n);
  remaining_ -= n;
  if (remaining_ > 0 || seen_ > 0) {
    Keep(part);
    if (remaining_ == 0) GiveKept(take);
  } else {
    Give(part, part.size(), take);
  }
}

void SyslogFraming::FeedDelimited(std::string_view* bytes, const Take& take) {
  const auto find = [bytes](char c) { return std::min(bytes->find(c), bytes->size()); };
  size_t end = 0;
  if (kind_ == Kind::kDelimited) {
    const size_t lf = find('\n'), nul = find('\0');
    end = std::min(lf, nul);
    if (end < bytes->size()) kind_ = lf < nul ? Kind::kLf : Kind::kNul;
  } else {
    end = find(kind_ == Kind::kLf ? '\n' : '\0');
  }
  const std::string_view part = bytes->substr(0, end);
  const bool ended = end < bytes->size();
  bytes->remove_prefix(end + (ended ? 1 : 0));
  if (!ended || seen_ > 0) {
    Keep(part);
    if (ended) GiveKept(take);
  } else {
    Give(part, part.size(), take);
  }
}

void SyslogFraming::End(const Take& take) {
  if (!unfinished()) return;
  seen_ += remaining_;  // what never came: so that it is told that this is a beginning
  remaining_ = 0;
  GiveKept(take);
}

void SyslogFraming::Keep(std::string_view bytes) {
  seen_ += bytes.size();
  kept_.append(bytes.substr(0, max_message_bytes_ - std::min(kept_.size(), max_message_bytes_)));
}

void SyslogFraming::Give(std::string_view text, uint64_t size, const Take& take) const {
  if (size > max_message_bytes_) return take(text.substr(0, max_message_bytes_), size);
  const bool cut = text.size() < size;
  if (!cut) {
    while (!text.empty() && IsLineEnd(text.back())) text.remove_suffix(1);
  }
  take(text, cut ? size : 0);
}

void SyslogFraming::GiveKept(const Take& take) {
  const uint64_t size = seen_;
  seen_ = 0;
  Give(kept_, size, take);
  kept_.clear();
}

}  // namespace redthread

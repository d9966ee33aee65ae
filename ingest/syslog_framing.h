// SyslogFraming: the bytes of one connection as messages.
//
// Two ways are in use to say where a message ends (RFC 6587, 3.4): its length before it ("octet counting",
// `LEN SP MSG`), or a LF, of some senders a NUL, behind it. The first message of a connection decides which,
// for all of it: within a message that ends with a LF, text that looks like a length is only text. Memory is
// bounded by the longest message allowed: of a longer one the beginning is given, and its length.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace redthread {

// One per connection, and one per thread.
class SyslogFraming {
 public:
  // Takes a message without its frame; it lies there until the function returns. `cut_from`: bytes of the
  // whole message when `text` is its beginning only, else 0.
  using Take = std::function<void(std::string_view text, uint64_t cut_from)>;

  explicit SyslogFraming(size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  // The next bytes of the connection. False when no length stands where one must: where messages begin is not
  // known any more, so the rest is given as one, and the connection is to be closed.
  bool Feed(std::string_view bytes, const Take& take);
  // The end of the connection: a message without its end is given as it is.
  void End(const Take& take);

  // Whether a message has begun that has not ended.
  bool unfinished() const { return seen_ > 0 || remaining_ > 0; }

 private:
  enum class Kind { kUnknown, kOctets, kDelimited, kLf, kNul };

  bool FeedLength(std::string_view* bytes);
  void FeedCounted(std::string_view* bytes, const Take& take);
  void FeedDelimited(std::string_view* bytes, const Take& take);
  void Keep(std::string_view bytes);
  void Give(std::string_view text, uint64_t size, const Take& take) const;
  void GiveKept(const Take& take);

  const size_t max_message_bytes_;
  Kind kind_ = Kind::kUnknown;
  std::string kept_;        // of the message at hand, or of its length: at most max_message_bytes
  uint64_t seen_ = 0;       // bytes of it so far, kept or not
  uint64_t remaining_ = 0;  // bytes of a counted message that are still to come; 0: its length comes next
};

}  // namespace redthread

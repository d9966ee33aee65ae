// Inflater: gzip and deflate bodies unpacked as they arrive, up to a limit.
#pragma once

#include <memory>
#include <string>
#include <string_view>

// Of zlib.
struct z_stream_s;

namespace redthread {

// One per body.
class Inflater {
 public:
  enum class Result {
    kOk,       // all that was given is unpacked
    kBroken,   // no gzip, or what follows its end is none
    kTooLong,  // more than the limit; what was unpacked up to there is in `out`
  };

  // Takes gzip, and deflate with the zlib header that RFC 9110, 8.4.1.2 asks for.
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Appends what `bytes` unpack to; `out` is never longer than `max_bytes`. After anything but kOk the
  // object is of no more use.
  Result Append(std::string_view bytes, size_t max_bytes, std::string* out);
  // Whether the end of a stream has been reached: else the body was cut short.
  bool complete() const { return complete_; }

 private:
  const std::unique_ptr<z_stream_s> stream_;
  bool complete_ = false;
};

}  // namespace redthread

// FilterlogDecoder: what the packet filter of pfSense and OPNsense writes, values between commas -> fields.
//
//   5,,,1000000103,igb0,match,block,in,4,0x0,,64,1,0,DF,6,tcp,60,198.51.100.9,192.0.2.1,4711,22,0,S,1,,64240,,mss
//
// Source: pfSense, "Raw Filter Log Format"; OPNsense, filterlog's description.txt.
#pragma once

#include <string_view>

#include "core/event.h"
#include "ingest/text_field.h"

namespace redthread {

// One per thread.
class FilterlogDecoder {
 public:
  explicit FilterlogDecoder(const FieldTable& fields);

  // False when the text is no such record.
  bool Read(std::string_view text, Event* event) const;

 private:
  TextField rule_number_, tracker_, interface_, reason_, action_, direction_, ip_version_, protocol_, length_,
      src_ip_, dst_ip_, src_port_, dst_port_, tcp_flags_;
};

}  // namespace redthread

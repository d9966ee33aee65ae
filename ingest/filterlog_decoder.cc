#include "ingest/filterlog_decoder.h"

#include <array>

namespace redthread {

FilterlogDecoder::FilterlogDecoder(const FieldTable& fields)
    : rule_number_(fields, "rule_number"),
      tracker_(fields, "tracker"),
      interface_(fields, "interface"),
      reason_(fields, "reason"),
      action_(fields, "action"),
      direction_(fields, "direction"),
      ip_version_(fields, "ip_version"),
      protocol_(fields, "protocol"),
      length_(fields, "length"),
      src_ip_(fields, "src_ip"),
      dst_ip_(fields, "dst_ip"),
      src_port_(fields, "src_port"),
      dst_port_(fields, "dst_port"),
      tcp_flags_(fields, "tcp_flags") {}

bool FilterlogDecoder::Read(std::string_view text, Event* event) const {
  std::array<std::string_view, 24> part;
  size_t parts = 0;
  while (parts < part.size() && !text.empty()) part[parts++] = TakeUntil(',', &text);
  const bool v6 = part[8] == "6";
  if (parts < 9 || (!v6 && part[8] != "4") || (part[7] != "in" && part[7] != "out")) return false;
  // Where protocol, length and addresses stand; ports follow of TCP and UDP.
  const size_t protocol = v6 ? 12 : 16;
  const size_t length = v6 ? 14 : 17;
  if (parts < length + 3) return false;
  AddNumber(rule_number_, part[0], event);
  AddKnown(tracker_, part[3], event);
  AddKnown(interface_, part[4], event);
  AddKnown(reason_, part[5], event);
  AddText(action_, part[6], event);
  AddText(direction_, part[7], event);
  AddNumber(ip_version_, part[8], event);
  AddText(protocol_, part[protocol], event);
  AddNumber(length_, part[length], event);
  AddText(src_ip_, part[length + 1], event);
  AddText(dst_ip_, part[length + 2], event);
  const std::string_view name = part[protocol];
  if (parts < length + 5 || (name != "tcp" && name != "udp" && name != "TCP" && name != "UDP")) return true;
  AddNumber(src_port_, part[length + 3], event);
  AddNumber(dst_port_, part[length + 4], event);
  if (parts > length + 6 && (name[0] | 0x20) == 't') AddKnown(tcp_flags_, part[length + 6], event);
  return true;
}

}  // namespace redthread

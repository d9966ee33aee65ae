// The header of a syslog message: RFC 3164, RFC 5424, and what log files keep of them.
//
//   <34>Oct 11 22:14:15 mymachine su[77]: 'su root' failed      RFC 3164
//   <34>1 2003-10-11T22:14:15.003Z mymachine su 77 ID47 [a@1 b="c"] text    RFC 5424
//   Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user webmaster   a file, as syslogd and rsyslog write it
//   2026-11-22T10:00:00.123456+01:00 web01 sshd[24200]: text    a file, as rsyslog writes it since 2023
//
// Senders leave parts out. With a priority in front everything is syslog, if need be with nothing but a
// message; without one, a line is only taken for syslog when it has a time, and of the last form a program
// too.
#pragma once

#include <string_view>

#include "ingest/text_time.h"

namespace redthread {

// Parts are empty where they are missing; they lie in the text that was read.
struct SyslogHeader {
  int priority = -1;  // facility * 8 + severity; -1: not said
  bool has_time = false;
  WallTime time;
  std::string_view host;
  std::string_view tag;  // the program as it names itself: "sshd(pam_unix)"
  std::string_view pid;
  std::string_view message_id;  // RFC 5424
  std::string_view structured;  // RFC 5424: "[id name="value" ..][..]"
  std::string_view message;
};

// False when the text is none of the above.
bool ReadSyslogHeader(std::string_view text, SyslogHeader* header);

// "authpriv", "info"; requires a priority from 0 to 191. Source: RFC 5424, 6.2.1; names as syslog.conf has
// them.
std::string_view FacilityName(int priority);
std::string_view SeverityName(int priority);

// The program of a tag: without its path and without a module in parentheses: "sshd(pam_unix)" is sshd.
std::string_view ProgramOfTag(std::string_view tag);

}  // namespace redthread

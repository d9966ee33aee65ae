// LinuxMessage: what the messages of sshd, sudo, su, PAM, cron, the account tools and the kernel say, as
// fields.
//
// The messages are prose with the attacker's words in it: a user may be called "root from 192.0.2.1 port 22".
// So each is read from both ends, towards the part that the other side chose. What does not look as expected
// gives no field; the message itself is always there.
#pragma once

#include <string_view>

#include "core/event.h"
#include "ingest/text_field.h"

namespace redthread {

// One per thread, as the events it adds to.
class LinuxMessage {
 public:
  explicit LinuxMessage(const FieldTable& fields);

  // Adds the fields of a message of `program` (ProgramOfTag). `tag` tells where old PAM modules name
  // themselves.
  void Read(std::string_view program, std::string_view tag, std::string_view message, Event* event) const;

 private:
  void ReadSshd(std::string_view message, Event* event) const;
  bool ReadSshdLogin(std::string_view message, Event* event) const;
  bool ReadSshdPeer(std::string_view message, Event* event) const;
  void AddPeer(std::string_view address_and_port, Event* event) const;
  bool ReadPam(bool sshd, std::string_view tag, std::string_view message, Event* event) const;
  void ReadPamMore(std::string_view message, Event* event) const;
  void ReadPamFailure(bool sshd, std::string_view details, Event* event) const;
  void ReadPamSession(std::string_view message, Event* event) const;
  void ReadSudo(std::string_view message, Event* event) const;
  void ReadSu(std::string_view message, Event* event) const;
  void ReadCron(std::string_view message, Event* event) const;
  void ReadAccount(std::string_view message, Event* event) const;
  void ReadKernel(std::string_view message, Event* event) const;

  TextField ssh_event_, ssh_method_, user_, target_user_, src_ip_, src_port_, dst_ip_, dst_port_, addr_;
  TextField pam_module_, pam_service_, pam_type_, pam_event_, tty_, ruser_;
  TextField sudo_user_, sudo_tty_, sudo_pwd_, sudo_command_, su_event_, command_;
  TextField uid_, gid_, home_, shell_, group_, action_;
  TextField in_, out_, protocol_, process_, pid_killed_;
};

}  // namespace redthread

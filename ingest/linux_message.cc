#include "ingest/linux_message.h"

#include <algorithm>

namespace redthread {

namespace {

constexpr std::string_view kNone = {};

// The text between the first `before` and the first `after` behind it; empty when either is missing.
std::string_view Between(std::string_view text, std::string_view before, std::string_view after) {
  const size_t begin = text.find(before);
  if (begin == std::string_view::npos) return kNone;
  text.remove_prefix(begin + before.size());
  const size_t end = text.find(after);
  return end == std::string_view::npos ? kNone : text.substr(0, end);
}

std::string_view Word(std::string_view text) { return text.substr(0, text.find(' ')); }

// The value of the first "name=" that stands at the beginning of `text` or behind a space, up to the next
// space.
std::string_view ValueOf(std::string_view text, std::string_view name_and_equals) {
  for (size_t at = text.find(name_and_equals); at != std::string_view::npos;
       at = text.find(name_and_equals, at + 1)) {
    if (at == 0 || text[at - 1] == ' ') return Word(text.substr(at + name_and_equals.size()));
  }
  return kNone;
}

// What stands before `separator`'s last occurrence, and behind it. False when there is none.
bool SplitLast(std::string_view text, std::string_view separator, std::string_view* before,
               std::string_view* behind) {
  const size_t at = text.rfind(separator);
  if (at == std::string_view::npos) return false;
  *before = text.substr(0, at);
  *behind = text.substr(at + separator.size());
  return true;
}

}  // namespace

LinuxMessage::LinuxMessage(const FieldTable& fields)
    : ssh_event_(fields, "ssh_event"),
      ssh_method_(fields, "ssh_method"),
      user_(fields, "user"),
      target_user_(fields, "target_user"),
      src_ip_(fields, "src_ip"),
      src_port_(fields, "src_port"),
      dst_ip_(fields, "dst_ip"),
      dst_port_(fields, "dst_port"),
      addr_(fields, "addr"),
      pam_module_(fields, "pam_module"),
      pam_service_(fields, "pam_service"),
      pam_type_(fields, "pam_type"),
      pam_event_(fields, "pam_event"),
      tty_(fields, "tty"),
      ruser_(fields, "ruser"),
      sudo_user_(fields, "USER"),
      sudo_tty_(fields, "TTY"),
      sudo_pwd_(fields, "PWD"),
      sudo_command_(fields, "COMMAND"),
      su_event_(fields, "su_event"),
      command_(fields, "command"),
      uid_(fields, "uid"),
      gid_(fields, "gid"),
      home_(fields, "home"),
      shell_(fields, "shell"),
      group_(fields, "group"),
      action_(fields, "action"),
      in_(fields, "in_interface"),
      out_(fields, "out_interface"),
      protocol_(fields, "protocol"),
      process_(fields, "killed_process"),
      pid_killed_(fields, "killed_pid") {}

void LinuxMessage::Read(std::string_view program, std::string_view tag, std::string_view message,
                        Event* event) const {
  const bool sshd = program == "sshd" || program == "sshd-session" || program == "sshd-auth";
  if (tag.size() != program.size() || message.starts_with("pam_")) {
    if (ReadPam(sshd, tag, message, event)) return;
  }
  if (sshd) return ReadSshd(message, event);
  switch (program.empty() ? '\0' : program[0]) {
    case 's':
      if (program == "sudo") return ReadSudo(message, event);
      if (program == "su") return ReadSu(message, event);
      return;
    case 'c':
    case 'C':
      if (program == "cron" || program == "crond" || program == "CRON" || program == "CROND")
        return ReadCron(message, event);
      if (program == "chpasswd" || program == "chage") return ReadAccount(message, event);
      return;
    case 'k':
      if (program == "kernel") return ReadKernel(message, event);
      return;
    case 'u':
    case 'g':
    case 'p':
      if (program == "useradd" || program == "usermod" || program == "userdel" || program == "groupadd" ||
          program == "groupmod" || program == "groupdel" || program == "gpasswd" || program == "passwd")
        return ReadAccount(message, event);
      return;
    default:
      return;
  }
}

// ---- sshd. Source: OpenSSH 9.8, auth.c, auth_log(); packet.c; sshd-session.c

void LinuxMessage::ReadSshd(std::string_view message, Event* event) const {
  switch (message.empty() ? '\0' : message[0]) {
    case 'F':
    case 'A':
    case 'P':  // "Postponed publickey for ..", "PAM 2 more authentication failures; .."
      if (message.starts_with("PAM ")) return ReadPamMore(message, event);
      [[fallthrough]];
    case 'I':
      if (ReadSshdLogin(message, event)) return;
      break;
    case 'r': {
      // Not as src_ip: that is who signs in, and this line comes before anybody has.
      const std::string_view host = Between(message, "reverse mapping checking getaddrinfo for ", " ");
      if (!host.empty()) AddKnown(addr_, Between(message.substr(0, 512), " [", "]"), event);
      return;
    }
    default:
      break;
  }
  ReadSshdPeer(message, event);
}

// "Failed password for invalid user NAME from 192.0.2.1 port 38926 ssh2", "Invalid user NAME from 192.0.2.1"
bool LinuxMessage::ReadSshdLogin(std::string_view message, Event* event) const {
  std::string_view rest = message;
  std::string_view kind = "failed";
  std::string_view method;
  if (TakePrefix("Invalid user ", &rest) || TakePrefix("Illegal user ", &rest)) {
    kind = "invalid_user";
  } else {
    if (TakePrefix("Accepted ", &rest)) {
      kind = "accepted";
    } else if (TakePrefix("Postponed ", &rest)) {
      kind = "postponed";
    } else if (!TakePrefix("Failed ", &rest)) {
      return false;
    }
    method = TakeUntil(' ', &rest);
    if (!TakePrefix("for ", &rest)) return false;
    if (!TakePrefix("invalid user ", &rest)) TakePrefix("illegal user ", &rest);
  }
  // The last " from ": the user's name may hold another. Behind it stands nothing of the client's choice.
  std::string_view user, peer;
  if (!SplitLast(rest, " from ", &user, &peer)) return false;
  AddText(ssh_event_, kind, event);
  if (!method.empty()) AddText(ssh_method_, method, event);
  AddText(user_, user, event);
  AddPeer(peer, event);
  return true;
}

// "192.0.2.1 port 22 ssh2: ..", "192.0.2.1:11: .."
void LinuxMessage::AddPeer(std::string_view peer, Event* event) const {
  std::string_view address = TakeUntil(' ', &peer);
  while (!address.empty() && (address.back() == ':' || address.back() == ',')) address.remove_suffix(1);
  AddText(src_ip_, address, event);
  if (!TakePrefix("port ", &peer)) return;
  const size_t digits = std::find_if_not(peer.begin(), peer.end(), IsDigit) - peer.begin();
  if (digits > 0) AddNumber(src_port_, peer.substr(0, digits), event);
}

// Messages that end in who is at the other end, in which case the user stands in the middle:
// "Connection closed by authenticating user NAME 192.0.2.1 port 22 [preauth]".
bool LinuxMessage::ReadSshdPeer(std::string_view message, Event* event) const {
  struct Kind {
    std::string_view begin, event;
  };
  static constexpr Kind kKinds[] = {
      {"Connection closed by ", "closed"},
      {"Connection reset by ", "reset"},
      {"Disconnected from ", "disconnected"},
      {"Received disconnect from ", "disconnect_received"},
      {"Disconnecting ", "disconnecting"},
      {"Did not receive identification string from ", "no_identification"},
      {"Connection from ", "connection"},
      {"error: maximum authentication attempts exceeded for ", "too_many_attempts"},
      {"User ", "not_allowed"},
  };
  for (const Kind& kind : kKinds) {
    std::string_view rest = message;
    if (!TakePrefix(kind.begin, &rest)) continue;
    std::string_view before, behind;
    if (kind.event == "not_allowed") {
      // "User NAME from HOST not allowed because ..": HOST may be a name.
      if (!SplitLast(rest, " not allowed because ", &before, &behind)) return false;
      std::string_view user, host;
      if (!SplitLast(before, " from ", &user, &host)) return false;
      AddText(ssh_event_, kind.event, event);
      AddText(user_, user, event);
      AddText(src_ip_, host, event);
      return true;
    }
    bool named = false;
    for (const std::string_view who : {"invalid user ", "authenticating user ", "user "}) {
      if (!named) named = TakePrefix(who, &rest);
    }
    std::string_view peer = rest;
    if (kind.event == "too_many_attempts") {
      named = true;
      if (!SplitLast(rest, " from ", &before, &peer)) return false;
    } else if (named) {
      // "NAME ADDRESS port N ..": the last " port ", and the word before it. A reason may stand behind.
      const size_t port = rest.rfind(" port ");
      if (port == std::string_view::npos) return false;
      const size_t space = rest.substr(0, port).rfind(' ');
      if (space == std::string_view::npos) return false;
      before = rest.substr(0, space);
      peer = rest.substr(space + 1);
    }
    AddText(ssh_event_, kind.event, event);
    if (named) AddText(user_, before, event);
    AddPeer(peer, event);
    return true;
  }
  return false;
}

// ---- PAM. Source: Linux-PAM 1.5, pam_syslog.c; pam_unix support.c and pam_unix_sess.c

// "pam_unix(sshd:auth): TEXT"; before 2006 the module stood in the tag: "sshd(pam_unix)[1]: TEXT".
bool LinuxMessage::ReadPam(bool sshd, std::string_view tag, std::string_view message, Event* event) const {
  std::string_view module, service, type;
  std::string_view rest = message;
  if (message.starts_with("pam_")) {
    module = rest.substr(0, rest.find('('));
    if (module.size() > 32 || module.size() == rest.size()) return false;
    rest.remove_prefix(module.size() + 1);
    const size_t close = rest.find("): ");
    if (close == std::string_view::npos || close > 128) return false;
    type = rest.substr(0, close);
    service = TakeUntil(':', &type);
    rest.remove_prefix(close + 3);
  } else {
    module = Between(tag, "(", ")");
    if (!module.starts_with("pam_")) return false;
  }
  AddText(pam_module_, module, event);
  if (!service.empty()) AddText(pam_service_, service, event);
  if (!type.empty()) AddText(pam_type_, type, event);
  if (TakePrefix("authentication failure; ", &rest)) {
    ReadPamFailure(sshd, rest, event);
  } else {
    ReadPamSession(rest, event);
  }
  return true;
}

// "PAM 1 more authentication failure; logname= ..", "PAM 2 more authentication failures; logname= ..". The
// second sums up several, so it is no event of its kind, and whoever counts these does not count it as one.
void LinuxMessage::ReadPamMore(std::string_view message, Event* event) const {
  const size_t details = message.find("; ");
  if (details == std::string_view::npos) return;
  if (message.substr(0, details).ends_with(" more authentication failure"))
    return ReadPamFailure(true, message.substr(details + 2), event);
  AddText(pam_event_, "failures", event);
  AddKnown(addr_, ValueOf(message.substr(details), "rhost="), event);
}

// "logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=root": a name may hold anything, so the user is
// all that stands behind the host, which is one word.
void LinuxMessage::ReadPamFailure(bool sshd, std::string_view details, Event* event) const {
  AddText(pam_event_, "failure", event);
  if (sshd) AddText(ssh_event_, "pam_failure", event);
  AddKnown(src_ip_, ValueOf(details, "rhost="), event);
  constexpr std::string_view kUser = " user=";
  const size_t host = details.find("rhost=");
  const size_t user = details.find(kUser, host == std::string_view::npos ? 0 : host);
  if (user != std::string_view::npos) AddText(user_, details.substr(user + kUser.size()), event);
  AddKnown(tty_, ValueOf(details, "tty="), event);
  AddKnown(ruser_, ValueOf(details, "ruser="), event);
}

// "session opened for user root(uid=0) by alice(uid=1000)", "session closed for user root"
void LinuxMessage::ReadPamSession(std::string_view message, Event* event) const {
  std::string_view rest = message;
  if (TakePrefix("session opened for user ", &rest)) {
    AddText(pam_event_, "session_opened", event);
  } else if (TakePrefix("session closed for user ", &rest)) {
    AddText(pam_event_, "session_closed", event);
  } else {
    if (rest.starts_with("check pass; user unknown")) AddText(pam_event_, "user_unknown", event);
    return;
  }
  std::string_view target = rest, by;
  const bool has_by = SplitLast(rest, " by ", &target, &by);
  AddText(target_user_, target.substr(0, target.find('(')), event);
  if (has_by) AddKnown(user_, by.substr(0, by.find('(')), event);
}

// ---- sudo and su

// "   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/sh -c x". COMMAND is the last, so that
// it may hold " ; ". Source: sudo 1.9, lib/eventlog/eventlog.c.
void LinuxMessage::ReadSudo(std::string_view message, Event* event) const {
  while (TakePrefix(" ", &message)) {
  }
  const size_t colon = message.find(" : ");
  if (colon == std::string_view::npos) return;
  AddText(user_, message.substr(0, colon), event);
  std::string_view rest = message.substr(colon + 3);
  while (!rest.empty()) {
    if (TakePrefix("COMMAND=", &rest)) {
      AddText(sudo_command_, rest, event);
      return;
    }
    const size_t end = rest.find(" ; ");
    std::string_view part = rest.substr(0, end);
    if (TakePrefix("TTY=", &part)) {
      AddText(sudo_tty_, part, event);
    } else if (TakePrefix("PWD=", &part)) {
      AddText(sudo_pwd_, part, event);
    } else if (TakePrefix("USER=", &part)) {
      AddText(sudo_user_, part, event);
      AddText(target_user_, part, event);
    }
    if (end == std::string_view::npos) return;
    rest.remove_prefix(end + 3);
  }
}

// "(to root) alice on pts/0", "FAILED SU (to root) alice on pts/0", "Successful su for root by alice",
// "FAILED su for root by alice". Source: util-linux, su-common.c; shadow, su.c.
void LinuxMessage::ReadSu(std::string_view message, Event* event) const {
  std::string_view rest = message;
  std::string_view result = "opened";
  std::string_view target, user;
  if (TakePrefix("FAILED SU ", &rest)) result = "failed";
  if (TakePrefix("(to ", &rest)) {
    target = TakeUntil(')', &rest);
    TakePrefix(" ", &rest);
    std::string_view tty;
    if (!SplitLast(rest, " on ", &user, &tty)) user = rest;
    AddKnown(tty_, tty, event);
  } else {
    if (TakePrefix("FAILED su for ", &rest)) {
      result = "failed";
    } else if (!TakePrefix("Successful su for ", &rest)) {
      return;
    }
    if (!SplitLast(rest, " by ", &target, &user)) return;
  }
  AddText(su_event_, result, event);
  AddText(user_, user, event);
  AddText(target_user_, target, event);
}

// ---- cron and accounts

// "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)", "(alice) RELOAD (crontabs/alice)"
void LinuxMessage::ReadCron(std::string_view message, Event* event) const {
  std::string_view rest = message;
  if (!TakePrefix("(", &rest)) return;
  const size_t close = rest.find(") ");
  if (close == std::string_view::npos) return;
  const std::string_view user = rest.substr(0, close);
  rest.remove_prefix(close + 2);
  const std::string_view action = TakeUntil(' ', &rest);
  if (rest.size() < 2 || rest.front() != '(' || rest.back() != ')') return;
  rest = rest.substr(1, rest.size() - 2);
  while (TakePrefix(" ", &rest)) {
  }
  AddText(user_, user, event);
  AddText(action_, action, event);
  AddText(command_, rest, event);
}

// "new user: name=bob, UID=1001, GID=1001, home=/home/bob, shell=/bin/bash, from=/dev/pts/0", "add 'bob' to
// group 'sudo'", "delete user 'bob'". Source: shadow 4.13, useradd.c, usermod.c, userdel.c, passwd.c.
void LinuxMessage::ReadAccount(std::string_view message, Event* event) const {
  std::string_view rest = message;
  if (TakePrefix("new user: ", &rest) || TakePrefix("new group: ", &rest)) {
    const bool of_user = message[4] == 'u';
    AddText(action_, of_user ? "user_added" : "group_added", event);
    while (!rest.empty()) {
      std::string_view part = rest.substr(0, rest.find(", "));
      rest.remove_prefix(std::min(part.size() + 2, rest.size()));
      if (TakePrefix("name=", &part)) AddText(of_user ? target_user_ : group_, part, event);
      if (TakePrefix("UID=", &part)) AddNumber(uid_, part, event);
      if (TakePrefix("GID=", &part)) AddNumber(gid_, part, event);
      if (TakePrefix("home=", &part)) AddText(home_, part, event);
      if (TakePrefix("shell=", &part)) AddText(shell_, part, event);
    }
  } else if (TakePrefix("add '", &rest)) {
    // Into its shadow group a user is put as well: "to shadow group 'sudo'".
    AddText(action_, "group_member_added", event);
    AddText(target_user_, TakeUntil('\'', &rest), event);
    AddText(group_, Between(rest, "group '", "'"), event);
  } else if (TakePrefix("delete user '", &rest)) {
    AddText(action_, "user_deleted", event);
    AddText(target_user_, TakeUntil('\'', &rest), event);
  } else if (TakePrefix("password changed for ", &rest) || TakePrefix("change user '", &rest)) {
    AddText(action_, message[0] == 'p' ? "password_changed" : "user_changed", event);
    AddText(target_user_, rest.substr(0, rest.find_first_of("' ")), event);
  } else if (TakePrefix("user ", &rest)) {
    // gpasswd: "user bob added by root to group sudo"
    AddText(target_user_, Word(rest), event);
    AddKnown(user_, Word(Between(rest, " by ", " to group ")), event);
    const size_t group = rest.rfind(" group ");
    if (group != std::string_view::npos) AddText(group_, rest.substr(group + 7), event);
  }
}

// ---- the kernel

// Netfilter's LOG: "[UFW BLOCK] IN=eth0 OUT= MAC=.. SRC=192.0.2.1 DST=192.0.2.2 LEN=60 .. PROTO=TCP SPT=1
// DPT=22", and "Out of memory: Killed process 2214 (mariadbd)". Source: Linux, net/netfilter/nf_log_syslog.c;
// mm/oom_kill.c.
void LinuxMessage::ReadKernel(std::string_view message, Event* event) const {
  const size_t in = message.find("IN=");
  if (in != std::string_view::npos && (in == 0 || message[in - 1] == ' ' || message[in - 1] == ']')) {
    const std::string_view packet = message.substr(in);
    const std::string_view source = ValueOf(packet, "SRC=");
    if (source.empty()) return;
    const std::string_view ufw = Between(message.substr(0, in), "[UFW ", "]");
    if (!ufw.empty()) AddText(action_, ufw, event);
    AddKnown(in_, ValueOf(packet, "IN="), event);
    AddKnown(out_, ValueOf(packet, "OUT="), event);
    AddText(src_ip_, source, event);
    AddKnown(dst_ip_, ValueOf(packet, "DST="), event);
    AddKnown(protocol_, ValueOf(packet, "PROTO="), event);
    if (const auto port = ValueOf(packet, "SPT="); !port.empty()) AddNumber(src_port_, port, event);
    if (const auto port = ValueOf(packet, "DPT="); !port.empty()) AddNumber(dst_port_, port, event);
    return;
  }
  std::string_view killed = Between(message, "Killed process ", ")");
  if (killed.empty()) return;
  const std::string_view pid = TakeUntil(' ', &killed);
  if (!TakePrefix("(", &killed)) return;
  AddText(action_, "oom_kill", event);
  AddNumber(pid_killed_, pid, event);
  AddText(process_, killed, event);
}

}  // namespace redthread

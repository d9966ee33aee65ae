#include <unordered_map>

#include "ingest/syslog_header.h"
#include "tests/ingest/text_fixture.h"

namespace redthread {
namespace {

class SyslogTest : public TextFormatTest {};

TEST_F(SyslogTest, ReadsHeadersOfAllKinds) {
  const std::vector<LineCase> cases = {
      // RFC 3164, 5.4, and what senders make of it.
      {"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
       R"({"facility":"auth","severity":"crit","hostname":"mymachine","appname":"su",
           "message":"'su root' failed for lonvick on /dev/pts/8"})"},
      {"<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
       R"({"facility":"user","severity":"notice","hostname":"10.0.0.99","message":"Use the BFG!"})"},
      {"<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: x",
       R"({"facility":"local4","severity":"notice","hostname":"CST","message":"1987 mymachine myproc[10]: x"})"},
      {"<0>kernel: panic", R"({"facility":"kern","severity":"emerg","appname":"kernel","message":"panic"})"},
      {"<191>nothing more", R"({"facility":"local7","severity":"debug","message":"nothing more"})"},
      {"<34>Oct 11 22:14:15 su[7]: no host",
       R"({"facility":"auth","severity":"crit","appname":"su","procid":7,"message":"no host"})"},
      {"<34>Oct 11 22:14:15 [::1] app: x",
       R"({"facility":"auth","severity":"crit","hostname":"[::1]","appname":"app","message":"x"})"},
      {"<189>Oct 11 2016 22:14:15 fw01 : %ASA-6-302013: Built", R"({"facility":"local7","severity":"notice",
        "hostname":"fw01","message":": %ASA-6-302013: Built"})"},
      // RFC 5424, 6.5.
      {"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xEF\xBB\xBF'su root' failed",
       R"({"facility":"auth","severity":"crit","hostname":"mymachine.example.com","appname":"su","msgid":"ID47",
           "message":"'su root' failed"})"},
      {"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time",
       R"({"facility":"local4","severity":"notice","hostname":"192.0.2.1","appname":"myproc","procid":8710,
           "message":"%% It's time"})"},
      {R"(<165>1 2003-10-11T22:14:15.003Z m ev - ID47 [e@1 iut="3" s="a\"b\]c\\d"][x] An event)",
       R"({"facility":"local4","severity":"notice","hostname":"m","appname":"ev","msgid":"ID47",
           "structured_data":"[e@1 iut=\"3\" s=\"a\\\"b\\]c\\\\d\"][x]","e@1.iut":"3","e@1.s":"a\"b]c\\d",
           "message":"An event"})"},
      {"<165>1 - - - - - -", R"({"facility":"local4","severity":"notice","message":""})"},
      {R"(<165>1 - h a - - [cut short="x)",
       R"({"facility":"local4","severity":"notice","hostname":"h","appname":"a","message":"[cut short=\"x"})"},
      // Files.
      {"Jun 15 04:06:20 combo logrotate: ALERT exited abnormally with [1]",
       R"({"hostname":"combo","appname":"logrotate","message":"ALERT exited abnormally with [1]"})"},
      {"Jun  9 06:06:20 combo syslogd 1.4.1: restart.",
       R"({"hostname":"combo","appname":"syslogd 1.4.1","message":"restart."})"},
      {"Jul  7 08:06:15 combo  -- root[2421]: ROOT LOGIN ON tty2",
       R"({"hostname":"combo","appname":"-- root","procid":2421,"message":"ROOT LOGIN ON tty2"})"},
      {"Jul  7 08:06:15 combo last message repeated 3 times",
       R"({"hostname":"combo","message":"last message repeated 3 times"})"},
      {"Jul  7 08:06:15 combo postfix/smtpd[12]: connect from unknown[192.0.2.1]",
       R"({"hostname":"combo","appname":"postfix/smtpd","procid":12,"message":"connect from unknown[192.0.2.1]"})"},
      {"2026-11-22T10:00:00.123456+01:00 web01 systemd[1]: Started x.",
       R"({"hostname":"web01","appname":"systemd","procid":1,"message":"Started x."})"},
      {"Dec 10 06:55:46 h app[007]: x", R"({"hostname":"h","appname":"app","procid":"007","message":"x"})"},
      {"Dec 10 06:55:46 h", R"({"hostname":"h","message":""})"},
      {"Dec 10 06:55:46", R"("no known format")"},
      {"Dec 10 06:55:46 h a b: c", R"({"hostname":"h","message":"a b: c"})"},
      // None.
      {"<192>Oct 11 22:14:15 h su: x", R"("no known format")"},
      {"<3x>Oct 11 22:14:15 h su: x", R"("no known format")"},
      {"<1234>Oct 11 22:14:15 h su: x", R"("no known format")"},
      {"2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop: x",
       R"({"message":"INFO [main] org.apache.hadoop: x"})"},
      {"2015-10-18T18:01:47 INFO a message of an application",
       R"({"message":"INFO a message of an application"})"},
  };
  for (const LineCase& c : cases) EXPECT_EQ(Read(c.line), json::parse(c.expected)) << c.line;
}

TEST_F(SyslogTest, AValueHasAllTheNamesByWhichItIsKnown) {
  Decode("Dec 10 06:55:46 LabSZ /usr/sbin/sshd(pam_unix)[24200]: x");
  const json fields = Fields();
  EXPECT_EQ(fields["host"], fields["hostname"]);
  EXPECT_EQ(fields["pid"], fields["procid"]);
  EXPECT_EQ(fields["appname"], "/usr/sbin/sshd(pam_unix)");
  EXPECT_EQ(fields["program"], "sshd");
}

// What a program's message must add, as JSON.
struct MessageCase {
  std::string tag;
  std::string message;
  std::string expected;
};

TEST_F(SyslogTest, ReadsWhatProgramsSay) {
  const std::vector<MessageCase> cases = {
      {"sshd", "Failed password for invalid user webmaster from 173.234.31.186 port 38926 ssh2",
       R"({"ssh_event":"failed","ssh_method":"password","user":"webmaster","src_ip":"173.234.31.186","src_port":38926})"},
      {"sshd", "Failed none for invalid user  0101 from 5.188.10.180 port 36279 ssh2",
       R"({"ssh_event":"failed","ssh_method":"none","user":" 0101","src_ip":"5.188.10.180","src_port":36279})"},
      {"sshd-session", "Accepted publickey for bob from 2001:db8::1 port 22 ssh2: ED25519 SHA256:abc",
       R"({"ssh_event":"accepted","ssh_method":"publickey","user":"bob","src_ip":"2001:db8::1","src_port":22})"},
      {"sshd", "Invalid user webmaster from 173.234.31.186",
       R"({"ssh_event":"invalid_user","user":"webmaster","src_ip":"173.234.31.186"})"},
      {"sshd", "Invalid user  from 173.234.31.186 port 1",
       R"({"ssh_event":"invalid_user","user":"","src_ip":"173.234.31.186","src_port":1})"},
      // Names with which somebody would have another be seen.
      {"sshd",
       "Failed password for invalid user root from 192.0.2.1 port 1 ssh2 from 198.51.100.9 port 2 ssh2",
       R"({"ssh_event":"failed","ssh_method":"password","user":"root from 192.0.2.1 port 1 ssh2",
           "src_ip":"198.51.100.9","src_port":2})"},
      {"sshd", "Connection closed by invalid user a 192.0.2.1 port 1 198.51.100.9 port 2 [preauth]",
       R"({"ssh_event":"closed","user":"a 192.0.2.1 port 1","src_ip":"198.51.100.9","src_port":2})"},
      {"sshd", "Connection closed by 198.51.100.9 port 2 [preauth]",
       R"({"ssh_event":"closed","src_ip":"198.51.100.9","src_port":2})"},
      {"sshd", "Received disconnect from 198.51.100.9: 11: Bye Bye [preauth]",
       R"({"ssh_event":"disconnect_received","src_ip":"198.51.100.9"})"},
      {"sshd",
       "Disconnecting authenticating user root 198.51.100.9 port 41022: Too many authentication failures",
       R"({"ssh_event":"disconnecting","user":"root","src_ip":"198.51.100.9","src_port":41022})"},
      {"sshd",
       "error: maximum authentication attempts exceeded for root from 198.51.100.9 port 4 ssh2 [preauth]",
       R"({"ssh_event":"too_many_attempts","user":"root","src_ip":"198.51.100.9","src_port":4})"},
      {"sshd", "User bob from 198.51.100.9 not allowed because not listed in AllowUsers",
       R"({"ssh_event":"not_allowed","user":"bob","src_ip":"198.51.100.9"})"},
      {"sshd",
       "reverse mapping checking getaddrinfo for x.example [173.234.31.186] failed - POSSIBLE BREAK-IN "
       "ATTEMPT!",
       R"({"addr":"173.234.31.186"})"},
      {"sshd", "Server listening on 0.0.0.0 port 22.", "{}"},
      {"sshd", "Failed", "{}"},
      {"sshd", "Failed password for root", "{}"},
      {"sshd", "", "{}"},
      // PAM.
      {"sshd",
       "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  "
       "user=root",
       R"({"pam_module":"pam_unix","pam_service":"sshd","pam_type":"auth","pam_event":"failure",
           "ssh_event":"pam_failure","src_ip":"192.0.2.1","user":"root","tty":"ssh"})"},
      {"sshd(pam_unix)", "authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=h.example ",
       R"({"pam_module":"pam_unix","pam_event":"failure","ssh_event":"pam_failure","src_ip":"h.example","tty":"NODEVssh"})"},
      {"sshd",
       "PAM 1 more authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=a",
       R"({"pam_event":"failure","ssh_event":"pam_failure","src_ip":"192.0.2.1","user":"a","tty":"ssh"})"},
      {"sshd",
       "PAM 4 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=a",
       R"({"pam_event":"failures","addr":"192.0.2.1"})"},
      {"su(pam_unix)", "session opened for user cyrus by (uid=0)",
       R"({"pam_module":"pam_unix","pam_event":"session_opened","target_user":"cyrus"})"},
      {"sudo", "pam_unix(sudo:session): session opened for user root(uid=0) by alice(uid=1000)",
       R"({"pam_module":"pam_unix","pam_service":"sudo","pam_type":"session","pam_event":"session_opened",
           "target_user":"root","user":"alice"})"},
      {"CRON", "pam_unix(cron:session): session closed for user root",
       R"({"pam_module":"pam_unix","pam_service":"cron","pam_type":"session","pam_event":"session_closed","target_user":"root"})"},
      {"sshd", "pam_unix(sshd:auth): check pass; user unknown",
       R"({"pam_module":"pam_unix","pam_service":"sshd","pam_type":"auth","pam_event":"user_unknown"})"},
      {"sshd", "pam_unix(sshd", "{}"},
      // sudo and su.
      {"sudo", "   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/sh -c echo 1 ; USER=bob",
       R"({"user":"alice","TTY":"pts/0","PWD":"/home/alice","USER":"root","target_user":"root",
           "COMMAND":"/bin/sh -c echo 1 ; USER=bob"})"},
      {"sudo", "bob : 3 incorrect password attempts ; TTY=pts/1 ; PWD=/ ; USER=#-1 ; COMMAND=/bin/id",
       R"({"user":"bob","TTY":"pts/1","PWD":"/","USER":"#-1","target_user":"#-1","COMMAND":"/bin/id"})"},
      {"sudo", "no colon", "{}"},
      {"su", "(to root) alice on pts/0",
       R"({"su_event":"opened","user":"alice","target_user":"root","tty":"pts/0"})"},
      {"su", "FAILED SU (to root) alice on pts/0",
       R"({"su_event":"failed","user":"alice","target_user":"root","tty":"pts/0"})"},
      {"su", "FAILED su for root by alice", R"({"su_event":"failed","user":"alice","target_user":"root"})"},
      // cron and accounts.
      {"CRON", "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
       R"({"user":"root","action":"CMD","command":"cd / && run-parts --report /etc/cron.hourly"})"},
      {"crontab", "(root) LIST (root)", "{}"},
      {"cron", "(root) CMD", "{}"},
      {"useradd",
       "new user: name=support2, UID=1004, GID=1004, home=/home/support2, shell=/bin/bash, from=/dev/pts/0",
       R"({"action":"user_added","target_user":"support2","uid":1004,"gid":1004,"home":"/home/support2","shell":"/bin/bash"})"},
      {"groupadd", "new group: name=x, GID=1005", R"({"action":"group_added","group":"x","gid":1005})"},
      {"usermod", "add 'support2' to group 'sudo'",
       R"({"action":"group_member_added","target_user":"support2","group":"sudo"})"},
      {"userdel", "delete user 'bob'", R"({"action":"user_deleted","target_user":"bob"})"},
      {"gpasswd", "user bob added by root to group sudo",
       R"({"target_user":"bob","user":"root","group":"sudo"})"},
      // The kernel.
      {"kernel",
       "[12.5] [UFW BLOCK] IN=eth0 OUT= MAC=00:01 SRC=192.0.2.1 DST=192.0.2.2 LEN=60 PROTO=TCP SPT=4 DPT=22 "
       "SYN",
       R"({"action":"BLOCK","in_interface":"eth0","src_ip":"192.0.2.1","dst_ip":"192.0.2.2","protocol":"TCP",
           "src_port":4,"dst_port":22})"},
      {"kernel", "Out of memory: Killed process 2214 (mariadbd) total-vm:4105120kB",
       R"({"action":"oom_kill","killed_pid":2214,"killed_process":"mariadbd"})"},
      {"kernel", "IN=", "{}"},
      {"unknown", "Failed password for root from 192.0.2.1 port 1 ssh2", "{}"},
  };
  for (const MessageCase& c : cases) {
    json fields = Read("Dec 10 06:55:46 h " + c.tag + "[1]: " + c.message);
    EXPECT_EQ(fields["message"], c.message);
    for (const char* name : {"hostname", "appname", "procid", "message"}) fields.erase(name);
    EXPECT_EQ(fields, json::parse(c.expected)) << c.message;
  }
}

TEST_F(SyslogTest, HostileMessagesTakeLinearTime) {
  ExpectLinear("Dec 10 06:55:46 h sshd[1]: Failed password for invalid user ", " from ", " from 192.0.2.1");
  ExpectLinear("Dec 10 06:55:46 h sshd[1]: Connection closed by user ", " port ", "x");
  ExpectLinear("Dec 10 06:55:46 h sshd[1]: pam_unix(sshd:auth): authentication failure; ", "xrhost=", "");
  ExpectLinear("Dec 10 06:55:46 h sudo: a : ", " ; ", "");
  ExpectLinear("Dec 10 06:55:46 h useradd: new user: ", "name=, ", "");
  ExpectLinear("Dec 10 06:55:46 h kernel: IN=", " SRC", "");
  ExpectLinear("<1>1 - h a - - [x", " a=\"\\\"\"", "] m");
  ExpectLinear("<1>1 - h a - - ", "[x]", " m");
}

}  // namespace
}  // namespace redthread

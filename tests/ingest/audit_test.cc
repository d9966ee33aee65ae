#include "ingest/audit_names.h"
#include "tests/ingest/text_fixture.h"

namespace redthread {
namespace {

class AuditTest : public TextFormatTest {
 protected:
  // The fields that every record of this time has, and those of `more`.
  static json With(const char* type, const char* more) {
    json fields = {{"type", type},
                   {"audit_time", 1604996384.965},
                   {"timestamp", 1604996384.965},
                   {"audit_id", "7"},
                   {"audit_event", "1604996384.965:7"}};
    fields.update(json::parse(more));
    return fields;
  }

  // What a record of that type says, without what all of them say.
  json Own(const std::string& type, const std::string& text) {
    json fields = Read("type=" + type + " msg=audit(1604996384.965:7): " + text);
    for (const char* name : {"type", "audit_time", "timestamp", "audit_id", "audit_event"})
      fields.erase(name);
    return fields;
  }
};

TEST_F(AuditTest, ARecordHasItsFieldsItsTimeAndTheEventItBelongsTo) {
  const std::string at = "msg=audit(1604996384.965:7): ";
  EXPECT_EQ(Read("type=CWD " + at + "cwd=\"/\""), With("CWD", R"({"cwd":"/"})"));
  EXPECT_EQ(TimeOf("type=CWD " + at + "cwd=\"/\""), "2020-11-10T08:19:44.965000000Z");
  EXPECT_EQ(Read("node=h1 type=CWD " + at + "cwd=\"/\""),
            With("CWD", R"({"cwd":"/","node":"h1","audit_event":"h1:1604996384.965:7"})"));
  EXPECT_EQ(Read("type=CWD msg=audit("), "no known format");
}

TEST_F(AuditTest, WhatCameThroughSyslogBelongsToTheHostThatItNames) {
  for (const char* line :
       {"<13>Nov 10 08:19:44 h audispd: type=CWD msg=audit(1604996384.965:7): cwd=\"/\"",
        "<13>Nov 10 08:19:44 h kernel: [   12.345678] audit: type=1307 audit(1604996384.965:7): cwd=\"/\"",
        "<13>Nov 10 08:19:44 h kernel: audit: type=1307 audit(1604996384.965:7): cwd=\"/\""}) {
    json fields = Read(line);
    fields.erase("appname");
    fields.erase("program");
    EXPECT_EQ(fields, With("CWD", R"({"facility":"user","severity":"notice","hostname":"h","cwd":"/",
                                      "audit_event":"h:1604996384.965:7"})"))
        << line;
  }
  EXPECT_EQ(Read("<13>Nov 10 08:19:44 h audit[1]: SERVICE_STOP pid=1 uid=0 msg='unit=ufw res=success'"),
            json::parse(R"({"facility":"user","severity":"notice","hostname":"h","appname":"audit","procid":1,
                            "type":"SERVICE_STOP","uid":"0","unit":"ufw","res":"success"})"));
}

TEST_F(AuditTest, WhatIsWrittenInHexadecimalIsTextAgain) {
  struct Case {
    const char* type;
    const char* text;
    const char* expected;
  };
  const Case cases[] = {
      {"EXECVE", R"(argc=4 a0="dd" a1="if=/dev/zero" a2=2F62696E2F6C73202D6C)",
       R"({"argc":"4","a0":"dd","a1":"if=/dev/zero","a2":"/bin/ls -l"})"},
      {"PATH", "item=0 name=2F746D702F6120622E7368 inode=20 nametype=NORMAL",
       R"({"item":"0","name":"/tmp/a b.sh","inode":"20","nametype":"NORMAL"})"},
      {"PROCTITLE", "proctitle=64640069663D2F6465762F7A65726F", R"({"proctitle":"dd if=/dev/zero"})"},
      {"PROCTITLE", "proctitle=\"ls\"", R"({"proctitle":"ls"})"},
      {"USER_CMD", "pid=1 msg='cwd=\"/root\" cmd=636174202F6574632F736861646F77 terminal=pts/0 res=success'",
       R"({"pid":"1","cwd":"/root","cmd":"cat /etc/shadow","terminal":"pts/0","res":"success"})"},
      {"USER_TTY", "data=6C73", R"({"data":"ls"})"},
      // Addresses in SYSCALL; nobody's data elsewhere; a number of digits that is no pair of them.
      {"SYSCALL", "a0=26 data=6C73 comm=6C7", R"({"a0":"26","data":"6C73","comm":"6C7"})"},
      // One broken byte hides nothing.
      {"PATH", "name=2F746D702FFF6576696C", R"({"name":"/tmp/\ufffdevil"})"},
      {"SYSCALL", "key=(null)", R"j({"key":"(null)"})j"},
      // An argument too long for one value.
      {"EXECVE", "a0=\"sh\" a1_len=8 a1[0]=2D63C3 a1[1]=A9 a2[0]=\"x\" a2[1]=\"y\"",
       R"({"a0":"sh","a1_len":"8","a1":"-cé","a2":"xy"})"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(Own(c.type, c.text), json::parse(c.expected)) << c.type << " " << c.text;
}

TEST_F(AuditTest, EachKeyOfARuleIsAValue) {
  fields_.Add("key");
  Decode("type=SYSCALL msg=audit(1604996384.965:7): key=6B31016B32");
  std::vector<std::string> keys;
  event_.AnyValue(fields_.Find("key"), [&](NodeIndex i) {
    keys.emplace_back(*event_.Text(i));
    return false;
  });
  EXPECT_EQ(keys, (std::vector<std::string>{"k1", "k2"}));
}

TEST_F(AuditTest, NoValueReachesIntoTheNext) {
  // A backslash escapes nothing: the name of a file may end with one.
  EXPECT_EQ(Own("SYSCALL", R"(comm="evil\" exe="/tmp/x" key="k")"),
            json::parse(R"({"comm":"evil\\","exe":"/tmp/x","key":"k"})"));
  // An apostrophe within what a program says.
  EXPECT_EQ(Own("USER_LOGIN", "pid=1 msg='acct=\"o'brien\" exe=\"/sbin/a\" res=failed'\x1dUID=\"root\""),
            json::parse(R"({"pid":"1","acct":"o'brien","exe":"/sbin/a","res":"failed","UID":"root"})"));
  // The separator of auditd, as it is, and as rsyslog writes it; not within a value.
  EXPECT_EQ(Own("PATH", "name=\"/tmp/#035OUID=\" key=(null)#035OUID=\"root\" OGID=\"adm\""),
            json::parse(R"j({"name":"/tmp/#035OUID=","key":"(null)","OUID":"root","OGID":"adm"})j"));
  EXPECT_EQ(Own("USER_ACCT",
                "pid=1 msg='PAM: accounting acct=\"root\" : exe=\"/usr/sbin/crond\" (hostname=?, "
                "addr=?, terminal=cron res=success)'"),
            json::parse(R"({"pid":"1","acct":"root","exe":"/usr/sbin/crond","hostname":"?","addr":"?",
                            "terminal":"cron","res":"success"})"));
}

TEST_F(AuditTest, NumbersThatRulesKnowByNameAreNamed) {
  struct Case {
    const char* arch;
    uint32_t number;
    const char* name;
  };
  const Case cases[] = {{"c000003e", 59, "execve"},
                        {"c000003e", 319, "memfd_create"},
                        {"c000003e", 0x4000003b, "execve"},
                        {"40000003", 11, "execve"},
                        {"c00000b7", 221, "execve"},
                        {"c00000f3", 221, "execve"},
                        {"c000003e", 99999, ""},
                        {"c000003e", 400, ""},
                        {"80000015", 11, ""},
                        {"", 1, ""}};
  for (const Case& c : cases) EXPECT_EQ(SyscallName(c.arch, c.number), c.name) << c.arch << " " << c.number;
  EXPECT_EQ(AuditRecordType("1309"), "EXECVE");
  for (const char* number : {"1308", "130", "9999", "SYSCALL", ""})
    EXPECT_EQ(AuditRecordType(number), "") << number;

  EXPECT_EQ(
      Own("SYSCALL", "arch=c000003e syscall=41 a0=26"),
      json::parse(R"({"arch":"c000003e","syscall":"41","a0":"26","SYSCALL":"socket","ARCH":"x86_64"})"));
  // auditd did so itself.
  EXPECT_EQ(
      Own("SYSCALL",
          "arch=c000003e syscall=41 a0=26\x1d"
          "ARCH=x86_64 SYSCALL=socket"),
      json::parse(R"({"arch":"c000003e","syscall":"41","a0":"26","SYSCALL":"socket","ARCH":"x86_64"})"));
  EXPECT_EQ(Own("SYSCALL", "arch=c000003e syscall=x"),
            json::parse(R"({"arch":"c000003e","syscall":"x","ARCH":"x86_64"})"));
}

TEST_F(AuditTest, TheAddressOfASocketIsRead) {
  struct Case {
    const char* saddr;
    const char* expected;
  };
  const Case cases[] = {
      {"02000050C0000207", R"({"saddr_fam":"inet","laddr":"192.0.2.7","lport":"80"})"},
      {"0A0001BB0000000020010DB8000000000000000000000001",
       R"({"saddr_fam":"inet6","laddr":"2001:db8::1","lport":"443"})"},
      {"01002F72756E2F7800FF", R"({"saddr_fam":"local","path":"/run/x"})"},
      {"0100002F78", R"({"saddr_fam":"local","path":"/x"})"},
      {"02000050C0", "{}"},
      {"0A0001BB", "{}"},
      {"1000000000000000", "{}"},
  };
  for (const Case& c : cases) {
    json expected = json::parse(c.expected);
    expected["saddr"] = c.saddr;
    EXPECT_EQ(Own("SOCKADDR", std::string("saddr=") + c.saddr), expected) << c.saddr;
  }
}

TEST_F(AuditTest, WhatSomebodyMadeUpCostsNoMoreThanItsSize) {
  ExpectLinear("type=A msg=audit(1604996384.965:1): a=", "\"", "");
  ExpectLinear("type=A msg=audit(1604996384.965:1): ", "msg='", "");
  ExpectLinear("type=A msg=audit(1604996384.965:1): ", "msg='\x1d", "");
  ExpectLinear("type=A msg=audit(1604996384.965:1): ", "a#035", "");
  ExpectLinear("type=A msg=audit(1604996384.965:1): key=", "01", "");
  ExpectLinear("type=EXECVE msg=audit(1604996384.965:1): ", "a1[0]=41 ", "");
  EXPECT_LE(event_.fields().size(), AuditDecoder::kMaxPairs + 10);
}

}  // namespace
}  // namespace redthread

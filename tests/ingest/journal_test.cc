// Entries of systemd's journal, as `journalctl -o json` writes them.
#include "tests/ingest/text_fixture.h"

namespace redthread {
namespace {

class JournalTest : public TextFormatTest {
 protected:
  static json Entry(const json& more) {
    json entry = json::parse(
        R"({"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1604996385000000","_HOSTNAME":"web1","_PID":"7",
            "PRIORITY":"6","SYSLOG_FACILITY":"10","_COMM":"x","_TRANSPORT":"syslog"})");
    entry.update(more);
    return entry;
  }
};

TEST_F(JournalTest, AnEntryHasTheFieldsOfTheSameMessageInSyslog) {
  const std::string text = "Failed password for root from 192.0.2.1 port 22 ssh2";
  json alone = Read("<86>1 2020-11-10T08:19:44.965Z web1 sshd 7 - - " + text);
  ASSERT_EQ(alone["ssh_event"], "failed");
  const json entry = Entry(
      {{"MESSAGE", text}, {"SYSLOG_IDENTIFIER", "sshd"}, {"_SOURCE_REALTIME_TIMESTAMP", "1604996384965000"}});
  Decode(entry.dump());
  json fields = Fields();
  for (const auto& [name, value] : alone.items()) EXPECT_EQ(fields[name], value) << name;
  EXPECT_EQ(fields["program"], "sshd");
  EXPECT_EQ(fields["raw"], text);
  EXPECT_EQ(fields["@timestamp"], "2020-11-10T08:19:44.965Z");
  EXPECT_EQ(FormatTimestamp(*event_.time), "2020-11-10T08:19:44.965000000Z");
  // And journald's own, but for the message.
  EXPECT_EQ(fields["_TRANSPORT"], "syslog");
  EXPECT_EQ(fields["__CURSOR"], "s=1;i=2");
  EXPECT_FALSE(fields.contains("MESSAGE"));
}

TEST_F(JournalTest, WhatAnEntryDoesNotSayIsNotSaid) {
  Decode(R"({"MESSAGE":"x","_HOSTNAME":"h"})");
  EXPECT_EQ(Fields(), json::parse(R"({"raw":"x","message":"x","hostname":"h","host":"h","_HOSTNAME":"h"})"));
  EXPECT_FALSE(event_.time.has_value());
  // The kernel has no identifier but its own; who has none at all is known by the name of its process.
  Decode(Entry({{"MESSAGE", "x"}}).dump());
  EXPECT_EQ(Fields()["program"], "x");
  EXPECT_EQ(TimeOf(Entry({{"MESSAGE", "x"}}).dump()), "2020-11-10T08:19:45.000000000Z");
  for (const char* time : {"-1", "x", "999999999999999999", ""}) {
    EXPECT_EQ(TimeOf(Entry({{"MESSAGE", "x"}, {"__REALTIME_TIMESTAMP", time}}).dump()), "") << time;
  }
  // No entries.
  for (const char* line :
       {R"({"MESSAGE":"x"})", R"({"MESSAGE":null,"_HOSTNAME":"h"})", R"({"MESSAGE":[1,"x"],"_HOSTNAME":"h"})",
        R"({"MESSAGE":[256],"_HOSTNAME":"h"})", R"({"_HOSTNAME":"h"})"}) {
    Decode(line);
    EXPECT_EQ(Fields(), json::parse(line)) << line;
  }
}

TEST_F(JournalTest, AMessageOfBytesIsText) {
  Decode(R"({"MESSAGE":[104,105,27,255],"_HOSTNAME":"h"})");
  EXPECT_EQ(Fields()["message"], "hi\x1b\ufffd");
}

TEST_F(JournalTest, ARecordWithinAnEntryIsRead) {
  Decode(Entry({{"MESSAGE", R"({"a":1})"}, {"SYSLOG_IDENTIFIER", "app"}}).dump());
  EXPECT_EQ(Fields()["a"], 1);
  EXPECT_EQ(Fields()["hostname"], "web1");
  EXPECT_FALSE(Fields().contains("message"));
  Decode(Entry({{"MESSAGE", "USER_CMD pid=1 msg='cmd=6C73 res=success'"}, {"SYSLOG_IDENTIFIER", "audit"}})
             .dump());
  EXPECT_EQ(Fields()["type"], "USER_CMD");
  EXPECT_EQ(Fields()["cmd"], "ls");
  Decode(Entry({{"MESSAGE", "audit: type=1400 audit(1604996384.965:7): apparmor=\"DENIED\""},
                {"SYSLOG_IDENTIFIER", "kernel"}})
             .dump());
  EXPECT_EQ(Fields()["audit_event"], "web1:1604996384.965:7");
}

}  // namespace
}  // namespace redthread
